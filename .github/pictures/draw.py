"""Draw the README's pictures: the real commands, run on a terminal, saved as the program saves a screen.

Run by `make pictures`, from the checkout. What is shown is what the commands print, below the line that was
typed; a long screen is cut where it says so.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pexpect
from rich.console import Console
from rich.style import Style
from rich.text import Text

from mha_drill.ui.export import COLUMNS, ON_PAPER, save
from mha_drill.ui.theme import CELLS, THEME

HERE = Path(__file__).resolve().parent
PROMPT = "> "
ERASED = re.compile(r"\A.*\x1b\[2K", re.DOTALL)  # what a spinner wrote and took back
GROUNDS = {ground.number: ON_PAPER.styles[cell] for cell in CELLS if (ground := THEME.styles[cell].bgcolor)}
# As it is often learnt by heart: one linear map for all three.
MEMORISED = """\
import math

import torch
from torch import nn
import torch.nn.functional as F


class MultiHeadAttention(nn.Module):
    def __init__(self, heads, d_model, dropout=0.1):
        super().__init__()
        self.d_model, self.h, self.d_k = d_model, heads, d_model // heads
        self.q_linear = nn.Linear(d_model, d_model)
        self.k_linear = nn.Linear(d_model, d_model)
        self.v_linear = nn.Linear(d_model, d_model)
        self.o_linear = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)

    def attention(self, q, k, v):
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        scores = self.dropout(F.softmax(scores, dim=-1))
        return torch.matmul(scores, v)

    def split(self, x):
        return x.view(x.size(0), -1, self.h, self.d_k).transpose(1, 2)

    def forward(self, q, k, v):
        q = self.split(self.q_linear(q))
        k = self.split(self.q_linear(k))
        v = self.split(self.q_linear(v))
        y = self.attention(q, k, v)
        y = y.transpose(1, 2).contiguous().view(q.size(0), -1, self.d_model)
        return self.o_linear(y)
"""
# Half of what there is to say.
ANSWER = (
    "点积是 d 项之和，方差随 d 增大，分数就会很大；",
    "softmax 因此饱和，几乎全部权重落在一个键上，梯度接近 0。",
)


def screen(folder: Path, arguments: Sequence[str], answers: Sequence[str] = ()) -> str:
    """Return all that one command prints on a terminal when it is answered like this, colours included.

    Answers that nobody asks for any more are left over: a quiz goes on only when the answer was wrong.
    """
    environment = dict(
        os.environ, MHA_DRILL_HOME=str(folder / "record"), XDG_RUNTIME_DIR=str(folder), TERM="xterm-256color",
        LANG="C.UTF-8", PYTHONPATH=str(HERE.parent.parent),
    )  # fmt: skip
    for name in ("NO_COLOR", "COLUMNS", "LINES", "LC_ALL", "LC_MESSAGES", "CI", "MHA_DRILL_WARM"):
        environment.pop(name, None)
    terminal = pexpect.spawn(
        sys.executable, ["-m", "mha_drill", *arguments],
        cwd=str(folder), env=environment, dimensions=(200, COLUMNS), encoding="utf-8", timeout=120,
    )  # fmt: skip
    shown = ""
    for answer in answers:
        if terminal.expect_exact([PROMPT, pexpect.EOF]):
            return shown + terminal.before
        shown += terminal.before + terminal.after
        terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    return shown + terminal.before


def draw(name: str, arguments: Sequence[str], shown: str, until: str = "") -> None:
    """Save one picture, of the screen up to the heading `until`."""
    text = Text.from_ansi(ERASED.sub("", shown.replace("\r\n", "\n")).strip("\n"))
    for at, span in enumerate(text.spans):
        ground = span.style.bgcolor if isinstance(span.style, Style) else None
        if ground and ground.number in GROUNDS:
            text.spans[at] = span._replace(style=GROUNDS[ground.number])
    if until:
        text = text[: text.plain.index(until)]
        text.rstrip()
        text.append("\n\n...", "muted")

    def on(console: Console) -> None:
        console.print(Text.assemble(("$ ", "muted"), (" ".join(["mha-drill", *arguments]), "strong")))
        console.print(text)

    save(HERE / f"{name}.svg", "svg", "mha-drill", "en", on)


def main() -> None:
    """Draw all four."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "my_mha.py").write_text(MEMORISED, encoding="utf-8")
        quiz = ["quiz", "--kind", "choice", "--topic", "split", "--count", "1", "--seed", "61"]
        draw("quiz", quiz, screen(folder, quiz, ["?", "B", "q"]))
        chinese = [
            "quiz",
            "--lang",
            "zh",
            "--kind",
            "short",
            "--topic",
            "scale",
            "--count",
            "1",
            "--seed",
            "1",
        ]
        draw("quiz_zh", chinese, screen(folder, chinese, [*ANSWER, "", ""]))
        check = ["check", "my_mha.py"]
        screen(folder, check)  # the first one starts the judge
        draw("check", check, screen(folder, check))
        screen(folder, ["judge", "stop"])
        explain = ["explain", "view"]
        draw("explain", explain, screen(folder, explain), until="The mistake that raises nothing")


if __name__ == "__main__":
    main()

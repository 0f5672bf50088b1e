"""`explain --file`: a learner's lines retraced against torch, and the real command on right, wrong and broken files."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from driving import drill
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from mha_drill.explain.figures import Comparison, Film
from mha_drill.explain.live import Live, NothingToDraw, live
from mha_drill.explain.retracing import chain, retrace, statement
from mha_drill.explain.sizes import Sizes
from mha_drill.explain.tour import own_tour
from mha_drill.judge.client import open_judge
from mha_drill.judge.sources import read_source
from mha_drill.records import LANGS, Lang, Report
from mha_drill.ui.console import make_console
from mha_drill.ui.live import print_live

ROOT = Path(__file__).parent.parent
MISTAKES = ROOT / "tests" / "mistakes"
WRONG_SPLIT = MISTAKES / "split-without-transpose" / "wrong.py"

some_sizes = st.builds(
    lambda batch, length, heads, head_width: Sizes(batch, length, heads * head_width, heads),
    *(st.integers(1, 6),) * 4,
)

SPLITS = [
    "q = q.view(B, L, H, d).transpose(1, 2)",
    "return self.q_linear(q).view(B, -1, self.h, self.d_k).transpose(1, 2)  # (B, H, L, d)",
    "q = q.reshape(B, L, H, d).permute(0, 2, 1, 3).contiguous()",
    "q = q.view((B, L, H, d)).swapaxes(-3, -2)",
    "k = k.view(B, L, H, d).transpose(1, 2).contiguous().view(B * H, L, d)",
    "q = q.unflatten(2, (H, d)).transpose(1, 2)",
    "q = q.view(B, L, H, d).permute(2, 0, 1, 3)",
]
MERGES = [
    "y = y.transpose(1, 2).contiguous().view(B, L, D)",
    "y = (att @ v).transpose(1, 2).reshape(B, L, D)",
    "return self.out(y.permute(0, 2, 1, 3).flatten(2))",
    "y = y.transpose(1, 2).view(B, L, D)",
    "out = self.drop(self.o_proj(y.swapdims(2, 1).reshape([B, -1, D])))",
]


def calls_run(tensor: torch.Tensor, line: str, names: dict[str, object]) -> Iterator[torch.Tensor | None]:
    """The tensor after each layout call of a line, run by torch; None where it raises."""
    for call in chain(line)[1]:
        try:
            tensor = eval(f"tensor{call.text}", {**names, "tensor": tensor})
        except RuntimeError:
            yield None
            return
        yield tensor


@settings(max_examples=200)
@given(some_sizes, st.sampled_from([("BLD", line) for line in SPLITS] + [("BHLd", line) for line in MERGES]))
def test_lines_are_retraced_as_torch_runs_them(sizes: Sizes, case: tuple[str, str]) -> None:
    axes, line = case
    start = torch.arange(sizes.batch * sizes.length * sizes.width).view(sizes.shape(axes))
    names: dict[str, object] = {
        **sizes.letters, "self": type("Self", (), {"h": sizes.heads, "d_k": sizes.head_width})
    }  # fmt: skip
    run = list(calls_run(start, line, names))
    assert run, "no call was found"
    last = run[-1]
    shape = (sizes.batch, sizes.length, sizes.width) if last is None else tuple(last.shape)
    film = retrace(sizes, axes, "before", line, shape)
    assert film is not None, line
    before = start
    for stage, tensor in zip(film.stages[1:], run, strict=True):
        if tensor is None:
            assert stage.fate == "raises"
            continue
        assert stage.shape == tuple(tensor.shape)
        assert stage.strides == tuple(tensor.stride())
        assert (stage.fate == "copied") == (tensor.data_ptr() != before.data_ptr())
        letters = {**sizes.letters, "B·H": sizes.batch * sizes.heads}
        assert stage.shape == tuple(letters[axis] for axis in stage.axes)
        before = tensor


@pytest.mark.parametrize(
    ("axes", "line", "after"),
    [
        ("BLD", "q = q.view(B, H, L, d)", (2, 4, 5, 6)),
        ("BLD", "q = rearrange(q, 'b l (h d) -> b h l d', h=4)", (2, 4, 5, 6)),
        ("BLD", "q = q.view(B, L, H, d).transpose(a, b)", (2, 4, 5, 6)),
        ("BLD", "q = q.view(B, L, H, d", (2, 4, 5, 6)),
        ("BLD", "q = torch.transpose(q, 1, 2)", (2, 24, 5)),
        ("BLD", "q = q.transpose(1, 2).contiguous().view(B * H, -1, d)", (8, 5, 6)),
        ("BHLd", "y = y.reshape(B, L, D)", (2, 5, 24)),
        ("BHLd", "y = y", (2, 4, 5, 6)),
        ("BHLd", "y = y.permute(0, 2, 2, 3).reshape(B, L, D)", (2, 5, 24)),
        ("BHLd", "y = y.transpose(1, 9).reshape(B, L, D)", (2, 5, 24)),
        ("BLD", "q = self.conv(x.transpose(1, 2)).view(B, L, H, d).transpose(1, 2)", (2, 4, 5, 6)),
        ("BHLd", "y = torch.einsum('bhls,bshd->blhd', w, v).reshape(B, L, D)", (2, 5, 24)),
        ("BHLd", "(" * 9000, (2, 5, 24)),
    ],
)
def test_what_is_not_certain_is_not_drawn(axes: str, line: str, after: tuple[int, ...]) -> None:
    assert retrace(Sizes(2, 5, 24, 4), axes, "before", line, after) is None


def test_what_was_not_made_anew_is_not_drawn() -> None:
    line, after = "q = q.view(B, L, H, d).transpose(1, 2)", (2, 4, 5, 6)
    for before in ("q = self.c(x.transpose(1, 2)).transpose(1, 2)", "q, k, v = self.qkv(x).chunk(3, -1)"):
        assert retrace(Sizes(2, 5, 24, 4), "BLD", before, line, after) is None
    assert retrace(Sizes(2, 5, 24, 4), "BLD", "q = self.q_proj(x)", line, after) is not None


def test_a_statement_is_a_line_without_its_comment() -> None:
    assert statement("    q = x.view(a)# (B, L)") == "q = x.view(a)"
    assert statement("return f('#')  # why") == "return f('#')"
    assert statement("y = (a @ b") == "y = (a @ b"
    assert statement("值 = 值.view(1)  # 形状") == "值 = 值.view(1)"


# What is drawn of a report.


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "broken.py").write_text(
        "class MultiHeadAttention:\n    def forward(self, x:\n", encoding="utf-8"
    )
    (folder / "nothing.py").write_text("x = 1\n", encoding="utf-8")
    files = {
        "right": ROOT / "solutions" / "mha.py",
        "joined": ROOT / "tests" / "seeds" / "sheet_joined.py",
        "sheet": ROOT / "tests" / "seeds" / "sheet_multi_head.py",
        "split": WRONG_SPLIT,
        "merge": MISTAKES / "merge-without-transpose" / "wrong.py",
        "view": MISTAKES / "non-contiguous-view" / "wrong.py",
        "softmax": MISTAKES / "softmax-axis" / "wrong.py",
        "mixing": MISTAKES / "batch-mixing" / "wrong.py",
        "single": ROOT / "solutions" / "single_head.py",
        "reshapes": ROOT / "solutions" / "split_merge.py",
        "broken": folder / "broken.py",
        "nothing": folder / "nothing.py",
    }
    with open_judge() as judge:
        return {name: judge.check(read_source(path)) for name, path in files.items()}


def drawn(reports: dict[str, Report], name: str, topic: str = "") -> tuple[Live, list[str]]:
    found = live(reports[name], topic)
    return found, [own.key for own in found.own]


def test_a_right_file_shows_its_own_split_and_merge(reports: dict[str, Report]) -> None:
    found, keys = drawn(reports, "right")
    assert (found.parted, found.mistake) == (None, None)
    assert keys == ["file-split", "file-merge"]
    split = found.own[0].picture
    assert isinstance(split, Film)
    assert split.stages[0].shape == (2, 5, 24)
    assert [stage.fate for stage in split.stages] == ["start", "same", "same"]
    assert found.sizes == Sizes(2, 5, 24, 4)


def test_a_wrong_split_stands_beside_the_right_one(reports: dict[str, Report]) -> None:
    found, keys = drawn(reports, "split")
    assert found.parted is not None
    assert (found.parted.step, keys) == ("split", ["file-compared"])
    picture = found.own[0].picture
    assert isinstance(picture, Comparison)
    assert picture.wrong.code == "q = q.reshape(B, self.n_head, T, hs)"
    assert picture.right.code == "q = q.view(B, T, H, hs).transpose(1, 2)"
    assert not picture.same
    assert drawn(reports, "merge")[1] == ["file-compared"]


def test_a_view_that_raises_is_drawn_up_to_there(reports: dict[str, Report]) -> None:
    found, keys = drawn(reports, "view")
    assert keys == ["file-merge"]
    film = found.own[0].picture
    assert isinstance(film, Film)
    assert film.stages[-1].fate == "raises"
    assert film.stages[-1].code == "….view(n, length, width)"
    assert film.stages[-1].clash is not None


def test_other_mistakes_have_the_pictures_of_their_topic(reports: dict[str, Report]) -> None:
    assert (drawn(reports, "softmax")[0].topic, drawn(reports, "sheet")[0].topic) == ("softmax", "linear")
    assert drawn(reports, "sheet", "view")[1] == ["file-split", "file-merge"]
    assert drawn(reports, "sheet", "scale") == (drawn(reports, "sheet", "scale")[0], [])
    mixing = drawn(reports, "mixing")[0]
    assert mixing.mistake is not None
    assert (mixing.parted, mixing.mistake.code) == (None, "batch-mixing")
    assert drawn(reports, "single")[0].sizes is None
    assert drawn(reports, "joined")[0].topic == "split"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("lang", LANGS)
def test_the_page_of_a_file(reports: dict[str, Report], lang: Lang, width: int) -> None:
    for name, report in reports.items():
        file = io.StringIO()
        console = make_console(file, width=width, environ={})
        for topic in ("", "view", "cost"):
            try:
                print_live(console, report, lang, topic)
            except NothingToDraw as error:
                assert name in ("broken", "nothing", "reshapes")
                sentence = error.say(lang)
                assert sentence[-1] in ".。"
                assert "\n" not in sentence
                assert file.getvalue() == ""
            else:
                assert name not in ("broken", "nothing", "reshapes")
        assert all(cell_len(line) <= width for line in file.getvalue().splitlines())
        assert not re.search(r"\{\w+\}", file.getvalue()), "a value was not filled in"


def test_the_tour_of_a_file_has_its_lines(reports: dict[str, Report]) -> None:
    shown = own_tour(reports["split"], "en")
    stops = {slide.stop.step: slide.stop for slide in shown if slide.stop}
    assert stops["split"].line == 17
    assert stops["split"].wrong
    assert stops["split"].reference == "q = q.view(B, T, H, hs).transpose(1, 2)"
    assert [step for step, stop in stops.items() if stop.wrong] == ["split"]
    assert "mask" not in stops, "no line of its own in this call"
    with pytest.raises(NothingToDraw):
        own_tour(reports["broken"], "en")


# The real command.


def test_the_command_draws_a_file_without_torch(tmp_path: Path) -> None:
    picture = tmp_path / "mine.svg"
    arguments = ("explain", "view", "--file", str(WRONG_SPLIT), "--svg", str(picture))
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mha_drill", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "rich" in loaded
    assert not loaded & {"torch", "numpy", "pytest"}
    assert "Line 17 parts from the reference, at the step split" in done.stdout
    assert "✗ wrong" in done.stdout
    assert "q = q.reshape(B, self.n_head, T, hs)" in picture.read_text(encoding="utf-8").replace(
        "\xa0", " "
    ).replace("&#160;", " ")


def test_a_broken_file_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    broken = tmp_path / "my mha.py"
    broken.write_text("class MultiHeadAttention(\n", encoding="utf-8")
    done = drill("explain", "--file", str(broken), "--play")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "line 1" in done.stderr
    assert "nothing to draw" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["veiw", "--file", "my_mha.py"], "did you mean view"),
        (["view", "--file", "my_mha.py"], "my_mha.py"),
        (["view", "--file", "."], "folder"),
        (["--file", str(WRONG_SPLIT), "--shape", "1,3,8"], "leave out --shape"),
        (["--file", str(WRONG_SPLIT), "--heads", "2"], "leave out --heads"),
        (["--file", str(WRONG_SPLIT), "--svg", "."], "is a folder"),
    ],
)
def test_bad_arguments_are_one_sentence_and_exit_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = drill("explain", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr

"""The screen of `recite`: the lines as code, the blank to fill, and what is wrong with a wrong one."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from mha_drill.recite.matching import Verdict
from mha_drill.recite.reference import Line
from mha_drill.recite.session import Result
from mha_drill.records import Lang
from mha_drill.ui.code import clean, fold
from mha_drill.ui.console import print_command, print_prose
from mha_drill.ui.reading import Lines
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word

MARGIN = 2
# A difference at a step that is a mistake `check` names has that mistake's title too.
_MISTAKES = {
    ("score", "missing"): "key-not-transposed",
    ("merge", "contiguous"): "non-contiguous-view",
    ("softmax", "axis"): "softmax-axis",
    ("mask", "fill"): "mask-fill-value",
    ("mask", "inverted"): "mask-inverted",
    ("scale", "other-name"): "wrong-scale",
    ("scale", "missing"): "wrong-scale",
    ("scale", "operator"): "wrong-scale",
    ("weigh", "other-name"): "weigh-wrong-tensor",
    ("project", "other-name"): "swapped-inputs",
    ("split", "missing"): "split-without-transpose",
    ("merge", "missing"): "merge-without-transpose",
}


class ReciteScreen:
    """A recitation's screen on `console`, in one language."""

    def __init__(self, console: Console, lang: Lang, lines: Lines) -> None:
        self.console = console
        self.lang = lang
        self.lines = lines

    def read(self) -> str:
        """Return the next line typed."""
        return self.lines.read("> ")

    def say(self, key: str, **values: object) -> None:
        """Say one sentence."""
        print_prose(self.console, word(key, self.lang, **values), indent=MARGIN)

    def begin(self, title: str, level: int) -> None:
        """Say what is recited, at which level, and the keys."""
        print_prose(self.console, title, style="title")
        print_prose(self.console, word(f"recite.level-{level}", self.lang), style="muted")
        line = Text()
        for key, meaning in (("?", "hint"), ("s", "show"), ("q", "stop")):
            line.append("   " if line else "")
            line.append(key, style="key")
            line.append(" " + word(f"recite.key-{meaning}", self.lang), style="muted")
        print_prose(self.console, line)
        self.console.print()

    def show_given(self, line: Line, text: str) -> None:
        """Show a line that is not asked for."""
        self._code(line, text)

    def show_blank(self, line: Line, shown: str) -> None:
        """Show what is to be filled in."""
        if shown:
            self._code(line, shown, "strong")
        else:
            margin = " " * (line.indent + MARGIN)
            self.console.print(
                Text(margin + word("recite.your-line", self.lang), style="muted"), soft_wrap=True
            )

    def show_right(self, verdict: Verdict, text: str) -> None:
        """Say that a line is right, and how the reference has it."""
        sentence = Text.assemble((f"{PASS_SIGN} ", "pass"), (text, "code"))
        if steps := self._steps([line.step for line in verdict.written]):
            sentence.append(f"  {steps}", style="step")
        print_prose(self.console, sentence, indent=MARGIN, hanging=2)

    def show_wrong(self, verdict: Verdict) -> None:
        """Say which step a wrong line belongs to, and what is wrong with it."""
        step = verdict.line.step if verdict.line else ""
        said = Text(f"{MISTAKE_SIGN} ", style="mistake")
        if step:
            said.append(word("recite.belongs", self.lang, step=self._steps([step])) + " ", style="step")
        if verdict.outcome == "again":
            said.append(word("recite.again", self.lang))
        elif verdict.difference:
            reason, yours = verdict.difference.reason, clean(verdict.difference.yours)
            if reason == "later":
                named = self._steps([verdict.difference.yours]) or word("recite.a-head", self.lang)
                said.append(word("recite.later", self.lang, step=named))
            else:
                said.append(word(f"recite.wrong-{reason}", self.lang, yours=yours))
            if code := _MISTAKES.get((step, reason)):
                from mha_drill.judge.words import mistake_words

                said.append(
                    word("recite.known-as", self.lang, title=mistake_words(code).title.say(self.lang))
                )
        print_prose(self.console, said, indent=MARGIN, hanging=2)

    def show_unreadable(self, reason: str) -> None:
        """Say that Python cannot read the line."""
        self.say("recite.unreadable", reason=clean(reason))

    def show_hint(self, beginning: str, whole: bool) -> None:
        """Show the line up to the next token."""
        line = Text.assemble((beginning, "code"), "" if whole else " …")
        print_prose(self.console, line, indent=MARGIN)

    def show_end(self, result: Result) -> None:
        """Sum up: how many lines were right, the steps that were not, and what comes next time."""
        self.console.print()
        marks = list(result.marks.values())
        if not marks:
            self.say_plain("recite.end-nothing")
            return
        right, shown = sum(mark == 1 for mark in marks), sum(mark == 0 for mark in marks)
        helped = len(marks) - right - shown
        self.say_plain("recite.end", right=right, asked=len(marks), helped=helped, shown=shown)
        if result.missed:
            steps = word("quiz.comma", self.lang).join(self._steps([step]) for step in result.missed)
            self.say_plain("recite.end-missed", steps=steps)
        if result.whole:
            again = result.next_level == result.level
            key = "recite.next-same" if again else "recite.next-more"
            print_command(
                self.console, word(key, self.lang, command="{command}"), f"mha-drill recite {result.problem}"
            )

    def say_plain(self, key: str, **values: object) -> None:
        """Say one sentence from the margin on."""
        print_prose(self.console, word(key, self.lang, **values))

    def _code(self, line: Line, text: str, style: str = "code") -> None:
        margin = line.indent + MARGIN
        for part in fold(text, max(self.console.width - margin, 12)):
            self.console.print(Text(" " * margin + part, style=style), soft_wrap=True)

    def _steps(self, steps: list[str]) -> str:
        named = [word(f"quiz.step-{step}", self.lang) for step in dict.fromkeys(steps) if step]
        return word("quiz.comma", self.lang).join(named)

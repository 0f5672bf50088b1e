"""What the hidden tests of `split-merge` see: the `submission` fixture for two functions. Judge side."""

from __future__ import annotations

from typing import Any

import numpy as np

from mha_drill.judge.candidates import Definition
from mha_drill.judge.host import Runner
from mha_drill.judge.reshapes import SIZES, Outcome, Reshapes
from mha_drill.judge.ruling import Ruling, nothing_found
from mha_drill.judge.submission import Submission
from mha_drill.records import Lang


def rule_reshapes(
    runner: Runner, loaded: dict[str, Any], definitions: list[Definition]
) -> tuple[Ruling, Reshapes]:
    """Judge the two functions of a file."""
    reshapes = Reshapes(runner, loaded, definitions)
    if not reshapes.functions:
        return Ruling("load", [nothing_found(loaded, None)], None, loaded), reshapes
    findings = reshapes.diagnose()
    stage = "construct" if any(finding.code == "class-not-found" for finding in findings) else "run"
    return Ruling(stage, findings, None, loaded), reshapes


class ReshapesSubmission(Submission):
    """The learner's two functions, as a hidden test may ask about them."""

    def __init__(self, ruling: Ruling, lang: Lang, reshapes: Reshapes) -> None:
        super().__init__(ruling, lang)
        self.reshapes = reshapes

    def outcome(self, kind: str, number: int = 0) -> Outcome:
        """Return a call of the splitting or merging function; an exception fails the first test that meets it."""
        self._need("load", "construct")
        outcome: Outcome = getattr(self.reshapes, kind)(SIZES[number])
        error = outcome.error
        if error is not None:
            if (blamed := self._blamed.setdefault(f"{kind}{number}", self.test)) != self.test:
                self.skip("raised-before", test=blamed)
            sentence = " ".join(f"{error['type']}: {error['message']}".split())[:300]
            self.fail(
                "raised" if error["line"] else "raised-nowhere",
                line=error["line"],
                error=sentence,
                sizes=_sizes(outcome),
            )
        return outcome

    def assert_shape(self, name: str = "split") -> None:
        """The function gives the right shape."""
        outcome = self.outcome(name)
        if outcome.output is None:
            self.fail("wrong-type", found=outcome.answer["output"]["type"])
        if outcome.output.shape != outcome.expected.shape:
            self.fail(
                "wrong-shape",
                expected=outcome.expected.shape,
                actual=tuple(outcome.output.shape),
                sizes=_sizes(outcome),
            )

    def assert_places(self, kind: str) -> None:
        """Every number comes to its place."""
        outcome = self.outcome(kind)
        if outcome.output is None or outcome.output.shape != outcome.expected.shape:
            self.skip("needs-shape")
        if not np.array_equal(outcome.output, outcome.expected):
            wrong = np.argwhere(outcome.output != outcome.expected)[0]
            place = "[" + ", ".join(map(str, wrong.tolist())) + "]"
            self.fail(
                "differs",
                place=place,
                expected=f"{outcome.expected[tuple(wrong)]:g}",
                actual=f"{outcome.output[tuple(wrong)]:g}",
                sizes=_sizes(outcome),
            )

    def assert_other_sizes(self, kind: str) -> None:
        """The function is right at every other size."""
        if not np.array_equal(self.outcome(kind).output, self.outcome(kind).expected):  # type: ignore[arg-type]
            self.skip("needs-shape")
        for number in range(1, len(SIZES)):
            outcome = self.outcome(kind, number)
            if outcome.output is None or outcome.output.shape != outcome.expected.shape:
                actual = None if outcome.output is None else tuple(outcome.output.shape)
                self.fail(
                    "wrong-shape", expected=outcome.expected.shape, actual=actual, sizes=_sizes(outcome)
                )
            if not np.array_equal(outcome.output, outcome.expected):
                self.fail(
                    "differs-somewhere", actual=outcome.output.ravel()[:4].tolist(), sizes=_sizes(outcome)
                )

    def assert_gradient(self, kind: str) -> None:
        """The gradient comes back to the input."""
        outcome = self.outcome(kind)
        if outcome.output is None or outcome.output.shape != outcome.expected.shape:
            self.skip("needs-shape")
        if not self.reshapes.reaches(outcome):
            claimed, wanted = self.reshapes.gradient(outcome)
            place = int(np.abs(claimed - wanted).argmax())
            self.fail("gradient", name="x", claimed=f"{claimed[place]:.6g}", measured=f"{wanted[place]:.6g}")

    def assert_free_of(self, *codes: str) -> None:
        """None of these mistakes was found."""
        self._need("load", "construct")
        found = [finding for finding in self.ruling.findings if finding.code in codes]
        if found:
            self.fail_for(found[0])


def _sizes(outcome: Outcome) -> str:
    batch, length, width, heads = outcome.sizes
    return f"B={batch}, T={length}, C={width}, n_head={heads}"

"""What a hidden test sees: the `submission` fixture. Judge side.

A test asks it for a result and asserts; a result that could not be had fails the first test that needs it
and skips the later ones, with the reason. `Disagreement` is what a test raises to say expected against actual.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import pytest

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import close, difference
from mha_drill.judge.observation import Observation
from mha_drill.judge.ruling import Ruling
from mha_drill.records import Lang
from mha_drill.words import word


class Disagreement(AssertionError):
    """The submission is not what the test asks for; the message is what the learner reads."""


class Submission:
    """The learner's file, as a hidden test may ask about it."""

    def __init__(self, ruling: Ruling, lang: Lang) -> None:
        self.ruling = ruling
        self.lang = lang
        self._blamed: dict[str, str] = {}
        self.test = ""

    # -- how far it came ------------------------------------------------------------------------

    def assert_loads(self) -> None:
        """The file can be run and holds an answer."""
        if self.ruling.stage == "load":
            self.fail("load-failed", detail=self._said())

    def assert_constructs(self) -> None:
        """The answer can be made."""
        self._need("load")
        if self.ruling.stage == "construct":
            self.fail("construct-failed", detail=self._said())

    def _said(self) -> str:
        finding = self.ruling.findings[0]
        from mha_drill.judge.words import title_of

        return title_of(finding, self.lang)

    def _need(self, *stages: str) -> None:
        if self.ruling.stage in stages:
            self.skip(f"needs-{self.ruling.stage}")

    @property
    def examination(self) -> Examination:
        """The examination; skips a test where the submission never got so far."""
        self._need("load", "construct")
        assert self.ruling.examination is not None
        return self.ruling.examination

    # -- calls ----------------------------------------------------------------------------------

    def call(self, name: str = "square") -> Observation:
        """Return the call on a probe: `square`, `cross`, `fewer`, `other`, `one` or `large`."""
        observation = getattr(self.examination, name)
        if observation is None:
            self.skip("takes-one-input")
        assert isinstance(observation, Observation)
        if observation.error is not None:
            self._raised(observation, name)
        return observation

    def _raised(self, observation: Observation, name: str) -> NoReturn:
        error = observation.error
        assert error is not None
        sentence = " ".join(f"{error['type']}: {error['message']}".split())[:300]
        if error["type"] in ("Hung", "Died"):
            sentence = word(f"check.{error['type'].lower()}", self.lang)
        # One hang stops every later call, so one test answers for all of them.
        name = "hung" if error["type"] == "Hung" else name
        if (blamed := self._blamed.setdefault(name, self.test)) != self.test:
            self.skip("raised-before", test=blamed)
        line = error["line"]
        self.fail(
            "raised" if line else "raised-nowhere", line=line, error=sentence, sizes=self.sizes(observation)
        )

    def sizes(self, observation: Observation) -> str:
        """Return the sizes of a call as text."""
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in observation.inputs.items())
        base = self.examination.binding.base
        return f"{shapes}; heads {base.heads}" if base.heads > 1 else shapes

    # -- assertions -----------------------------------------------------------------------------

    def assert_shape(self, name: str = "square") -> None:
        """The output is (B, L, D): a tensor, of the query's batch and length."""
        observation = self.call(name)
        output = observation.output
        if output is None:
            self.fail("wrong-type", found=observation.answer["output"]["type"])
        wanted = self._wanted_shape(observation)
        if not observation.shaped or (wanted[2] and output.shape[2] != wanted[2]):
            self.fail(
                "wrong-shape",
                expected=self._shown_shape(observation),
                actual=tuple(output.shape),
                sizes=self.sizes(observation),
            )

    def _shown_shape(self, observation: Observation) -> str:
        batch, length, width = self._wanted_shape(observation)
        return f"({batch}, {length}, {width or self.examination.binding.base.head_width})"

    def _wanted_shape(self, observation: Observation) -> tuple[int, int, int]:
        spec, base = self.examination.spec, self.examination.binding.base
        free = spec.projections and spec.output_projection != "required"
        return (observation.probe.batch, observation.probe.query_length, 0 if free else base.width)

    def assert_agrees(self, name: str = "square") -> None:
        """The output is the reference's on the submission's own weights."""
        observation = self.call(name)
        output = observation.output
        if not observation.shaped or output is None:
            if name == "square" or not self.examination.square.shaped:
                self.skip("needs-shape")
            self.fail(
                "wrong-shape",
                expected=self._shown_shape(observation),
                actual=None if output is None else tuple(output.shape),
                sizes=self.sizes(observation),
            )
        if name != "square" and not self.examination.agrees(self.examination.square):
            self.skip("needs-square")
        if self.examination.agrees(observation):
            return
        self._differs(observation, output)

    def _differs(self, observation: Observation, output: np.ndarray) -> NoReturn:
        expected = self.examination.expected(observation)
        if expected is None or expected.shape != output.shape:
            self.fail("differs-somewhere", actual=_show(output[0, 0, :4]), sizes=self.sizes(observation))
        if close(expected, output, self.examination.tolerance) and self.ruling.findings:
            # Mended on the way, or right by the numbers alone: these say nothing.
            self.fail_for(self.ruling.findings[0])
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.abs(np.nan_to_num(expected - output, nan=np.inf))
        batch, position, _ = np.unravel_index(int(gap.argmax()), gap.shape)
        self.fail(
            "differs",
            place=f"[{batch}, {position}, :4]",
            expected=_show(expected[batch, position, :4]),
            actual=_show(output[batch, position, :4]),
            sizes=self.sizes(observation),
        )

    def assert_weights(self) -> None:
        """What is returned beside the output, if anything, are the weights after softmax."""
        observation = self.call()
        if not self.examination.agrees(observation):
            self.skip("needs-square")
        if self.examination.weights_agree(observation) is False:
            returned = self.examination.returned_weights(observation)
            assert returned is not None
            self.fail(
                "not-weights",
                shape=tuple(returned.shape),
                total=_show(returned.reshape(-1, returned.shape[-1])[0].sum(keepdims=True)),
            )

    def assert_free_of(self, *codes: str) -> None:
        """None of these mistakes was found."""
        self.examination  # noqa: B018  skips where there is none
        found = [finding for finding in self.ruling.findings if finding.code in codes]
        if found:
            self.fail_for(found[0])

    def fail_for(self, finding: Finding) -> NoReturn:
        """Fail with what a finding says."""
        from mha_drill.judge.words import title_of

        title = title_of(finding, self.lang)
        if finding.line is None:
            self.fail("found-nowhere", title=title)
        self.fail("found", title=title, line=finding.line)

    def assert_gradients(self) -> None:
        """Back-propagation reaches every input and weight in use, with the slope that differences measure."""
        examination = self.examination
        if examination.binding.numpy:
            self.skip("numpy-no-gradients")
        if self.call().output is None:
            self.skip("needs-shape")
        if examination.graded.error is not None:
            self._raised(examination.graded, "graded")
        for name in examination.wrong_slopes[:1]:
            item = examination.gradients[name]
            self.fail(
                "gradient",
                name=name.removeprefix("input:"),
                claimed=f"{item['claimed']:.6g}",
                measured=f"{item['measured']:.6g}",
            )

    def assert_same_twice(self) -> None:
        """In evaluation, with dropout asked for, two calls give the same."""
        one, two = self.examination.quiet
        self.call()
        first, second = one.output, two.output
        if first is not None and second is not None and not close(first, second, 1e-12):
            self.fail("not-same-twice", gap=f"{difference(first, second):.3g}")
        self.assert_free_of("dropout-in-eval")

    def assert_later_unseen(self) -> None:
        """The last position changes nothing before it."""
        self.call()
        if not self.examination.agrees(self.examination.square):
            self.skip("needs-square")
        before, after = (
            self.examination.square.output,
            self.examination.later_changed.output,
        )
        if before is None or after is None or not close(before[:, :-1], after[:, :-1], 1e-9):
            self.fail("later-seen")

    # -- ends -----------------------------------------------------------------------------------

    def fail(self, key: str, **values: Any) -> NoReturn:
        """End the test: failed, with a sentence of `words/check.toml`."""
        raise Disagreement(word(f"check.{key}", self.lang, **values))

    def skip(self, key: str, **values: Any) -> NoReturn:
        """End the test: skipped, with the reason."""
        pytest.skip(word(f"check.{key}", self.lang, **values))


def _show(row: np.ndarray) -> str:
    return "[" + ", ".join(f"{value:.4f}" for value in row) + "]"

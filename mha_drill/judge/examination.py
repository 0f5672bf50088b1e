"""The facts about a submission that the hidden tests and the diagnosis share, each found out once. Judge side."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from mha_drill.judge.agreement import Agreement
from mha_drill.judge.evidence import Case
from mha_drill.judge.matching import close
from mha_drill.judge.names import meaning, role
from mha_drill.judge.observation import Observation
from mha_drill.judge.probes import (
    CROSS,
    FEWER,
    FORMS,
    LARGE,
    LATER,
    LITTLE,
    NOISY,
    ONE,
    OTHER,
    QUIET,
    SEEN,
    SOLE,
    SQUARE,
    TIME_FIRST,
    MaskForm,
    Probe,
)
from mha_drill.judge.slopes import COARSE_STEP, FINE, Slopes
from mha_drill.judge.uses import rate_is_read

# Steps of a file without loops over items or positions.
QUICK = 200
TRACED: dict[str, Any] = {"trace": True}
BARE: dict[str, Any] = {"trace": None, "repair": False}


class Examination(Agreement):
    """One submission under examination; every fact is lazy and remembered."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.attempts: list[str] = []

    def with_mask(self, name: str) -> Examination:
        """Return an examination of the same submission with another of its mask arguments as the mask."""
        call = replace(self.binding.call, mask=name, lengths=role(name) == "lengths", other_masks=())
        case = replace(self.case, binding=replace(self.binding, call=call), observed={})
        case.observed[(SQUARE, None, ())] = self.square
        return Examination(case)

    # -- observations ---------------------------------------------------------------------------

    @cached_property
    def square(self) -> Observation:
        """As many keys as queries; what the binding was found with."""
        return self.case.observed[(SQUARE, None, ())]

    @property
    def quick(self) -> bool:
        """Whether the file has no loops over items or positions: it is asked for more of them."""
        return len(self.square.answer.get("calls", [])) <= QUICK

    @cached_property
    def manner(self) -> dict[str, Any]:
        """How to look at further calls: traced; bare where the first was right and inputs and outputs say it all."""
        traced = self.spec.projections or self.square.repairs or not self.agrees(self.square)
        return TRACED if traced else BARE

    def _seen(self, probe: Probe) -> Observation:
        """Return a call on a probe, looked at as `manner` says; traced where it is wrong."""
        seen = self.case.observe(probe, **self.manner)
        return seen if self.agrees(seen) else self.case.observe(probe, **TRACED)

    @cached_property
    def cross(self) -> Observation | None:
        """More keys than queries, where the signature takes them apart and nothing is causal."""
        if not self.binding.call.separate or self.spec.causal:
            return None
        return self._seen(CROSS)

    @cached_property
    def fewer(self) -> Observation | None:
        """Fewer keys than queries."""
        if self.cross is None:
            return None
        return self._seen(FEWER)

    @cached_property
    def other(self) -> Observation:
        """Another batch size and other lengths than the first."""
        return self._seen(OTHER)

    @cached_property
    def one(self) -> Observation:
        """A single position: L = S = 1."""
        return self._seen(ONE)

    @cached_property
    def sole(self) -> Observation:
        """A batch of one, whose shape alone is looked at; traced where that is wrong."""
        seen = self.case.observe(SOLE, **BARE)
        return seen if seen.shaped else self.case.observe(SOLE, **TRACED)

    @cached_property
    def by_default(self) -> Observation | None:
        """With the file's own small number where a size was taken for the longest length, and raised; else None.

        `block_size=2` may be the length of a block that a loop takes at a time.
        """
        binding = self.binding
        small = [
            item.name
            for item in binding.definition.construct
            if item.meaning == "context" and type(item.default) is int and item.default < SQUARE.key_length
        ]
        if not small or binding.construct is None:
            return None
        construct = {name: value for name, value in binding.construct.items() if name not in small}
        return self.case.try_binding(replace(binding, construct=construct), SQUARE, trace=True)

    @cached_property
    def large(self) -> Observation:
        """Inputs so large that exp overflows unless the maximum is taken off first."""
        return self._seen(LARGE)

    @cached_property
    def graded(self) -> Observation:
        """With gradients, on the square probe or, where it can be, with more keys; bare where no tensor comes out."""
        if self.square.output is None:
            return self.square
        probe = (
            CROSS
            if self.cross is not None and self.cross.error is None and self.agrees(self.cross)
            else SQUARE
        )
        like = self.square.items[0]["shape"] if probe is SQUARE else self.cross.items[0]["shape"]  # type: ignore[union-attr]
        shape = tuple(like)
        return self.case.observe(probe, grad=shape)

    # -- agreement ------------------------------------------------------------------------------

    @property
    def returns_right_kind(self) -> bool:
        """Whether a tensor is returned, or a tuple that starts with one (an array, where numpy is the answer)."""
        answer = self.square.answer["output"]
        kind = answer["type"]
        wanted = ("ndarray", "float64") if self.binding.numpy else ("Tensor", "Parameter")
        return kind in wanted or (
            kind not in ("dict", "list", "OrderedDict", "ndarray", "set") and bool(answer["items"])
        )

    # -- behaviour ------------------------------------------------------------------------------

    @cached_property
    def takes_rate(self) -> bool:
        """Whether a dropout rate can be given to the constructor, as such or in a configuration."""
        settings = [
            value.get("class") for value in (self.binding.construct or {}).values() if isinstance(value, dict)
        ]
        fields = [
            item["name"]
            for entry in self.case.loaded.get("definitions", [])
            if entry["name"] in settings
            for item in entry["construct"]
        ]
        named = any(item.meaning == "dropout" for item in self.binding.definition.construct)
        return named or any(meaning(name) == "dropout" for name in fields)

    @cached_property
    def has_dropout(self) -> bool:
        """Whether a rate can be given, or a dropout layer is there, which a configuration may have given one."""
        return self.takes_rate or any(
            kind.startswith("Dropout") for _, kind in self.square.answer.get("modules", [])
        )

    @cached_property
    def rate_fixed(self) -> bool:
        """Whether there is a dropout layer, and its rate is the file's own: nobody can give another."""
        return self.has_dropout and not self.takes_rate and not rate_is_read(self.case.runner.source)

    @cached_property
    def quiet(self) -> tuple[Observation, Observation]:
        """Twice in evaluation with dropout asked for, from different seeds."""
        return self.case.observe(QUIET, seed=1), self.case.observe(QUIET, seed=2)

    @cached_property
    def noisy(self) -> tuple[Observation, Observation] | None:
        """Twice in training with dropout 0.5, from different seeds; None where no rate can be given."""
        if not self.has_dropout:
            return None
        return self.case.observe(NOISY, seed=1), self.case.observe(NOISY, seed=2)

    @cached_property
    def ignores_rate(self) -> bool:
        """Whether, in training, from one seed, the rate that was asked for makes no difference."""
        if self.noisy is None or self.rate_fixed:
            return False
        one, two = self.noisy[0].output, self.case.observe(LITTLE, seed=1).output
        return one is not None and two is not None and np.isfinite(one).all() and close(one, two, 1e-12)

    @cached_property
    def items_mix(self) -> bool:
        """Whether an item of the batch comes out otherwise when another one is another."""
        before = self.square.output
        if before is None or before.ndim != 3:
            return False
        first = self.case.observe(replace(SQUARE, name="batch", twin=77)).output
        if first is not None and first.shape == before.shape and not close(before[0], first[0], 1e-9):
            return True
        others = self.case.observe(replace(SQUARE, name="batch", first=78)).output
        return others is not None and others.shape == before.shape and not close(before[1:], others[1:], 1e-9)

    @cached_property
    def later_changed(self) -> Observation:
        """The same sequence but for its last position."""
        return self.case.observe(LATER)

    @cached_property
    def gradients(self) -> dict[str, dict[str, Any]]:
        """For each leaf: whether there is a gradient, what it claims along one direction, what was measured."""
        return self.slopes().compared()

    def slopes(self, turn: int = 0) -> Slopes:
        """Return the means to measure gradients, in a direction that is another at every turn."""
        fine = self.binding.dtype == "float64" and not turn
        return Slopes(self.case, self.graded, FINE if fine else COARSE_STEP, turn)

    @cached_property
    def wrong_slopes(self) -> list[str]:
        """The leaves whose gradient is not the slope that differences measure."""
        bad = self._mismatched(self.gradients, 2e-2 if self.binding.dtype != "float64" else 1e-5)
        if bad and self.single:
            # Single precision inside drowns small steps in noise: look again with large ones, another way.
            bad = [name for name in self._mismatched(self.slopes(1).compared(), 2e-2) if name in bad]
        return bad

    @property
    def single(self) -> bool:
        """Whether single precision is at work in the graded call."""
        return self.binding.dtype != "float64" or any(
            item["dtype"] in ("float32", "float16", "bfloat16")
            for item in self.graded.answer.get("values", [])
            if item["origin"] == "call"
        )

    @staticmethod
    def _mismatched(gradients: dict[str, dict[str, Any]], tolerance: float) -> list[str]:
        return [
            name
            for name, item in gradients.items()
            if item["measured"] is not None
            and abs(item["claimed"] - item["measured"]) > tolerance * max(1.0, abs(item["measured"]))
        ]

    def mask_forms(self) -> tuple[MaskForm, ...]:
        """Return conventions to try, in the order of what the source suggests."""
        if self.binding.call.lengths:
            return (MaskForm("lengths", "keep", "int"),)
        if SEEN.fullmatch(self.binding.call.mask or ""):
            return tuple(form for form in FORMS if form.meaning != "add")
        return TIME_FIRST + FORMS if self.binding.by_position else FORMS

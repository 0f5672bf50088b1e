"""Whether one call of a submission is what the reference gives on the submission's own projections. Judge side.

The part of an examination that knows of one call at a time; `Examination` adds which calls are made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mha_drill.judge.assessment import Assessment, flat
from mha_drill.judge.evidence import Case
from mha_drill.judge.matching import affine, close, order_of
from mha_drill.judge.observation import Binding, Observation
from mha_drill.judge.probes import ALIKE, ONE, OTHER, SQUARE

if TYPE_CHECKING:
    from mha_drill.judge.unseen import Unseen


class Agreement:
    """A submission as it is bound, and what holds of a call of it."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @property
    def spec(self) -> Any:
        """What the problem asks for."""
        return self.case.spec

    @property
    def binding(self) -> Binding:
        """How the submission is made and called."""
        assert self.case.binding is not None
        return self.case.binding

    def assessed(self, observation: Observation) -> Assessment | None:
        """Return an observation held against the reference."""
        return self.case.assessed(observation)

    def agrees(self, observation: Observation) -> bool:
        """Whether an observation is what the reference gives on the submission's own projections."""
        if observation.error is not None:
            return False
        output = observation.output
        if output is None:
            return False
        if self.spec.output_projection == "required" and output.shape[-1] != self.binding.base.width:
            return False
        if not self.spec.projections:
            expected = self.expected(observation)
            return expected is not None and close(expected, output, self.tolerance)
        assessment = self.assessed(observation)
        if assessment is None:
            return False
        if assessment.agrees:
            return True
        if observation.probe == ONE and observation.mask is None:
            return self._alone(observation)
        if assessment.roles is None:
            return self._unseen(observation)
        # In loops over items and heads the roles are those of one turn.
        turns = len(assessment.roles.weighs) > 1
        return self._affine(observation, assessment) or (turns and self._unseen(observation))

    def _alone(self, observation: Observation) -> bool:
        """Whether a single position comes out as it does among its like.

        Its only weight is 1, whatever the score: a trace that shows no softmax does not tell the sides apart.
        """
        square, alike = self.case.observed[(SQUARE, None, ())], self.case.observe(ALIKE)
        one, many = observation.output, alike.output
        if not self.agrees(square) or one is None or many is None or many.shape[1] != ALIKE.query_length:
            return False
        return close(np.repeat(one, many.shape[1], axis=1), many, self.tolerance)

    def _unseen(self, observation: Observation) -> bool:
        """Whether the projections, where nothing after them is seen, explain the output in some usual reading."""
        unseen = self.unseen(observation)
        return unseen is not None and unseen.agrees()

    def unseen(self, observation: Observation, output: Any = None) -> Unseen | None:
        """Return what can be read off projections where nothing after them is seen.

        output: what of an observation to explain instead of its output, (B, L, D).
        """
        from mha_drill.judge.unseen import Sample, Unseen

        base, samples = self.binding.base, []
        # An affine map can only be told with more positions than channels.
        probes = [observation.probe, *(replace(OTHER, name="more", seed=seed) for seed in (31, 32))]
        for probe in probes:
            mask = observation.mask
            seen = observation if probe is observation.probe else self.case.observe(probe, mask, trace=True)
            assessment = self.assessed(seen)
            found = seen.output if output is None else output(seen)
            if seen.error is not None or assessment is None or found is None or found.ndim != 3:
                return None
            samples.append(Sample(assessment, found, self.case.permitted(seen)))
        return Unseen(
            samples,
            self.binding.call.style,
            base.heads,
            base.heads * base.head_width,
            self.tolerance,
            needs_output=self.spec.output_projection == "required",
        )

    def _affine(self, observation: Observation, assessment: Assessment) -> bool:
        """Whether the output is at least some affine map of full rank of what the reference merges."""
        if assessment.walk is None or assessment.roles is None or (assessment.tail is not None):
            return False
        sides = (assessment.roles.query, assessment.roles.key, assessment.roles.value)
        if not all(side.proper and side.heads in self.case.heads for side in sides):
            return False
        rows, targets = [], []
        for probe in (observation.probe, replace(OTHER, seed=21), replace(OTHER, seed=22)):
            seen = (
                observation
                if probe is observation.probe
                else self.case.try_binding(self.binding, probe, trace=True)
            )
            again = assessment if seen is observation else self.assessed(seen)
            output = seen.output
            if again is None or again.walk is None or output is None or output.ndim != 3:
                return False
            if output.shape[:2] != again.walk["merge"].shape[:2]:
                return False
            rows.append(flat(again.walk["merge"]))
            targets.append(output.reshape(-1, output.shape[-1]))
        if len({(one.shape[1], two.shape[1]) for one, two in zip(rows, targets, strict=True)}) > 1:
            return False  # a width that changes with the length is nobody's linear map
        columns, wanted = np.concatenate(rows), np.concatenate(targets)
        residual, rank = affine(columns, wanted)
        return residual <= 10 * self.tolerance and rank >= min(columns.shape[1], wanted.shape[1])

    @property
    def tolerance(self) -> float:
        """How far right may be from right."""
        return self.case.tolerance

    def expected(self, observation: Observation) -> np.ndarray | None:
        """Return the reference's output, (B, L, D), on the submission's own weights; None where it cannot be told."""
        if not self.spec.projections:
            return self._plain(observation)[0]
        assessment = self.assessed(observation)
        if (
            assessment is None
            or assessment.walk is None
            or assessment.tail is None
            or assessment.output is None
        ):
            return None
        merged, tail = flat(assessment.walk["merge"]), assessment.tail
        if tail.call is None:
            return merged.reshape(*observation.inputs[next(iter(observation.inputs))].shape[:2], -1)
        order = order_of(merged, tail.merged, self.tolerance)
        if order is not None and not tail.fault:
            return assessment.output
        return _replayed(assessment, merged)

    def _plain(self, observation: Observation) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return output and weights of plain scaled dot-product attention on the inputs themselves."""
        from mha_drill.attention.steps import walk_through
        from mha_drill.judge.plain import plain_material

        material = plain_material(observation, self.case.permitted(observation))
        if material is None:
            return None, None
        walk = walk_through(material)
        return walk["merge"].numpy(), walk["softmax"].numpy()[:, 0]

    def returned_weights(self, observation: Observation) -> np.ndarray | None:
        """Return the second thing returned, where it is a tensor of floats."""
        output = observation.output
        for index in range(len(observation.items)):
            found = observation.tensor(index)
            if (
                found is not None
                and found.dtype.kind == "f"
                and not (output is not None and found.shape == output.shape and np.array_equal(found, output))
            ):
                return found.astype(np.float64)
        return None

    def weights_agree(self, observation: Observation) -> bool | None:
        """Whether what is returned beside the output are the weights after softmax, in any of the usual layouts."""
        returned = self.returned_weights(observation)
        if returned is None:
            return None
        if self.spec.projections:
            assessment = self.assessed(observation)
            if assessment is None or assessment.walk is None:
                return None
            expected = assessment.walk["softmax"].numpy()
        else:
            plain = self._plain(observation)[1]
            if plain is None:
                return None
            expected = plain[:, None]
        batch, heads, length, key_length = expected.shape
        layouts = [
            expected,
            expected.reshape(batch * heads, length, key_length),
            expected.mean(1),
            expected.swapaxes(0, 1),
            expected.mean(1)[:, None],
            expected.swapaxes(0, 1).reshape(batch * heads, length, key_length),
        ]
        if batch * heads == len(returned) and heads == 1:
            layouts.append(expected[:, 0])
        return any(close(layout, returned, self.tolerance) for layout in layouts)


def _replayed(assessment: Assessment, merged: np.ndarray) -> np.ndarray | None:
    """Return the output projection of merged heads (tokens, D), shaped like the output; None for odd projections."""
    tail, recording = assessment.tail, assessment.recording
    assert tail is not None and tail.call is not None and assessment.output is not None
    arrays = [recording.values[number].array for number in tail.call.inputs if not recording.content[number]]
    matrix = next((array for array in arrays if array is not None and array.ndim == 2), None)
    if matrix is None:
        return None
    if tail.call.short == "linear":
        matrix = matrix.T
    if matrix.shape[0] != merged.shape[1]:
        return None
    bias = next((array for array in arrays if array is not None and array.ndim == 1), None)
    result = merged @ matrix + (0 if bias is None else bias)
    return result.reshape(*assessment.output.shape[:2], -1) if result.size == assessment.output.size else None

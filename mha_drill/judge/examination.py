"""The facts about a submission that the hidden tests and the diagnosis share, each found out once. Judge side."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mha_drill.judge.assessment import Assessment, flat
from mha_drill.judge.candidates import Definition
from mha_drill.judge.evidence import Binding, Case, Observation
from mha_drill.judge.matching import WEAKEST_FILL, affine, close, order_of
from mha_drill.judge.names import meaning, role
from mha_drill.judge.probes import CROSS, LARGE, OTHER, SQUARE, MaskForm, Probe
from mha_drill.judge.slopes import COARSE_STEP, FINE, Slopes

if TYPE_CHECKING:
    from mha_drill.judge.unseen import Unseen

MOST_BINDINGS = 40
MOST_ERRORS = 3


class Examination:
    """One submission under examination; every fact is lazy and remembered."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.attempts: list[str] = []

    def bind(self, definitions: list[Definition]) -> bool:
        """Find the way to make and call the answer that agrees with the reference, else the best that runs.

        Returns whether any way could be tried at all.
        """
        best: tuple[int, Binding, Observation] | None = None
        for definition in (item.used_in(self.case.runner.source) for item in definitions):
            self.case.definition = definition
            todo = self.case.bindings()
            tried = 0
            raised: set[str] = set()
            while todo and tried < MOST_BINDINGS:
                binding = todo.pop(0)
                tried += 1
                self.case.binding = binding
                observation = self.case.try_binding(binding, SQUARE, trace=True, inventory=True)
                points = self._points(binding, observation)
                self.attempts.append(f"{'; '.join(binding.say())}: {_outcome(observation)}")
                # What the file says of its axes decides where neither order agrees.
                turned = (
                    binding.by_position
                    and best is not None
                    and points == best[0] == 4
                    and not self._keeps_items_apart(best[1], best[2])
                )
                if best is None or points > best[0] or turned:
                    best = (points, binding, observation)
                if points == 5:
                    break
                asked = self.case.asking(binding, observation)
                if asked is not None:
                    todo.insert(0, asked)
                elif observation.error is not None:
                    # What raises another error than before has come further: it is varied as the first was.
                    if tried == 1 or (
                        0 < len(raised) < MOST_ERRORS
                        and observation.error["message"] not in raised
                        and observation.stage == "call"
                    ):
                        raised.add(observation.error["message"])
                        variants = self.case.variants(binding, observation.error)
                        todo[:0] = [item for item in variants if item not in todo][:24]
                elif points == 4 and (narrow := self.case.per_head(binding, observation)) is not None:
                    todo.insert(0, narrow)
                elif points == 4 and not binding.by_position and self._by_position():
                    todo.insert(0, replace(binding, by_position=True))
                elif points == 4 and not binding.base.scale_turned and self.case.given_scale(binding):
                    todo.insert(0, replace(binding, base=replace(binding.base, scale_turned=True)))
                if self.case.runner.stopped:
                    break
            if best is not None and best[0] == 5:
                break
        if best is None:
            return False
        self.case.binding = best[1]
        self.case.definition = best[1].definition
        self.case.observed[(SQUARE, None, ())] = best[2]
        self.case.bound = True
        return True

    def _points(self, binding: Binding, observation: Observation) -> int:
        """Return how well a binding does.

        5 agrees with each input in its place, 4 gives the right shape, 3 runs, 2 raises inside, 1 cannot be called,
        0 cannot be made.
        """
        if observation.error is not None:
            if observation.stage == "construct":
                return 0
            return 1 if observation.error["line"] is None else 2
        output = self.output(observation)
        if output is None or output.shape[:2] != (observation.probe.batch, observation.probe.query_length):
            return 3
        if binding.idle_mask is not None and (
            not np.isfinite(output).all() or _hides_everything(observation)
        ):
            return 3  # what should let everything through hides it
        return 5 if self.agrees(observation) and self._as_bound(binding, observation) else 4

    def _as_bound(self, binding: Binding, observation: Observation) -> bool:
        """Whether the query is made from what was given as the query, where no name says which input that is."""
        assessment = self.assessed(observation)
        roles = assessment.roles if assessment is not None else None
        return roles is None or roles.query.source != "context" or not binding.call.neutral

    def _keeps_items_apart(self, binding: Binding, observation: Observation) -> bool:
        """Whether, called so, one item of the batch is what it is whatever stands beside it."""
        beside = self.case.try_binding(binding, replace(SQUARE, name="batch", twin=77))
        one, two = self.output(observation), self.output(beside)
        return (
            one is not None and two is not None and one.ndim == two.ndim == 3 and close(one[0], two[0], 1e-9)
        )

    def _by_position(self) -> bool:
        """Whether the file itself says that time comes before the batch: `T, B, C = x.shape`."""
        source = self.case.runner.source
        return bool(
            re.search(
                r"^\s*(t|l|s|n|seq\w*|len\w*|tgt_len|src_len|q_len|length|time\w*|T|L|S)\s*,\s*(b|bs|bsz|batch\w*|n_batch|B|N)\s*,[^=\n]*=",
                source,
                re.MULTILINE,
            )
            or re.search(r"[(\[](T|L|S|seq_len\w*|tgt_len|time)\s*,\s*(B|N|bsz|batch\w*)\s*,", source)
            or re.search(r"\b(T|L|time|seq_len\w*)\s*[xX×*]\s*(B|batch\w*)\s*[xX×*]", source, re.IGNORECASE)
        )

    def with_mask(self, name: str) -> Examination:
        """Return an examination of the same submission with another of its mask arguments as the mask."""
        call = replace(self.binding.call, mask=name, lengths=role(name) == "lengths", other_masks=())
        case = replace(self.case, binding=replace(self.binding, call=call), observed={})
        case.observed[(SQUARE, None, ())] = self.square
        return Examination(case)

    # -- observations ---------------------------------------------------------------------------

    @property
    def spec(self) -> Any:
        """What the problem asks for."""
        return self.case.spec

    @property
    def binding(self) -> Binding:
        """How the submission is made and called."""
        assert self.case.binding is not None
        return self.case.binding

    @cached_property
    def square(self) -> Observation:
        """As many keys as queries; what the binding was found with."""
        return self.case.observed[(SQUARE, None, ())]

    @cached_property
    def cross(self) -> Observation | None:
        """More keys than queries, where the signature takes them apart and nothing is causal."""
        if not self.binding.call.separate or self.spec.causal:
            return None
        return self.case.observe(CROSS, trace=True)

    @cached_property
    def fewer(self) -> Observation | None:
        """Fewer keys than queries."""
        if self.cross is None:
            return None
        return self.case.observe(Probe("fewer", key_length=3, seed=15), trace=True)

    @cached_property
    def other(self) -> Observation:
        """Another batch size and other lengths than the first."""
        return self.case.observe(OTHER, trace=True)

    @cached_property
    def one(self) -> Observation:
        """A single position: L = S = 1."""
        return self.case.observe(Probe("one", query_length=1, key_length=1, seed=16), trace=True)

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
        return self.case.observe(LARGE, trace=True)

    @cached_property
    def graded(self) -> Observation:
        """With gradients, on the square probe or, where it can be, with more keys; bare where no tensor comes out."""
        if self.output(self.square) is None:
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

    def output(self, observation: Observation) -> np.ndarray | None:
        """Return the submission's output as float64: what it returns, or the first of a tuple."""
        return observation.output

    @property
    def returns_right_kind(self) -> bool:
        """Whether a tensor is returned, or a tuple that starts with one (an array, where numpy is the answer)."""
        answer = self.square.answer["output"]
        kind = answer["type"]
        wanted = ("ndarray", "float64") if self.binding.numpy else ("Tensor", "Parameter")
        return kind in wanted or (
            kind not in ("dict", "list", "OrderedDict", "ndarray", "set") and bool(answer["items"])
        )

    def assessed(self, observation: Observation) -> Assessment | None:
        """Return an observation held against the reference."""
        return self.case.assessed(observation)

    def agrees(self, observation: Observation) -> bool:
        """Whether an observation is what the reference gives on the submission's own projections."""
        if observation.error is not None:
            return False
        output = self.output(observation)
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
        if assessment.roles is None:
            return self._unseen(observation)
        return self._affine(observation, assessment)

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
            found = self.output(seen) if output is None else output(seen)
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
            output = self.output(seen)
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

        material = plain_material(observation)
        if material is None:
            return None, None
        walk = walk_through(material)
        return walk["merge"].numpy(), walk["softmax"].numpy()[:, 0]

    def returned_weights(self, observation: Observation) -> np.ndarray | None:
        """Return the second thing returned, where it is a tensor of floats."""
        output = self.output(observation)
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

    # -- behaviour ------------------------------------------------------------------------------

    @cached_property
    def has_dropout(self) -> bool:
        """Whether a dropout rate can be given: to the constructor, or to a dropout layer through a configuration."""
        named = any(item.meaning == "dropout" for item in self.binding.definition.construct)
        settings = [
            value.get("class") for value in (self.binding.construct or {}).values() if isinstance(value, dict)
        ]
        fields = [
            item["name"]
            for entry in self.case.loaded.get("definitions", [])
            if entry["name"] in settings
            for item in entry["construct"]
        ]
        named = named or any(meaning(name) == "dropout" for name in fields)
        return named or any(kind.startswith("Dropout") for _, kind in self.square.answer.get("modules", []))

    @cached_property
    def quiet(self) -> tuple[Observation, Observation]:
        """Twice in evaluation with dropout asked for, from different seeds."""
        probe = replace(SQUARE, name="quiet", dropout=0.5)
        return self.case.observe(probe, seed=1), self.case.observe(probe, seed=2)

    @cached_property
    def noisy(self) -> tuple[Observation, Observation] | None:
        """Twice in training with dropout 0.5, from different seeds; None where no rate can be given."""
        if not self.has_dropout:
            return None
        probe = replace(SQUARE, name="noisy", dropout=0.5, train=True)
        return self.case.observe(probe, seed=1), self.case.observe(probe, seed=2)

    @cached_property
    def ignores_rate(self) -> bool:
        """Whether, in training, from one seed, the rate that was asked for makes no difference."""
        if self.noisy is None:
            return False
        asked, other = self.noisy[0], replace(SQUARE, name="little", dropout=0.1, train=True)
        one, two = self.output(asked), self.output(self.case.observe(other, seed=1))
        return one is not None and two is not None and np.isfinite(one).all() and close(one, two, 1e-12)

    @cached_property
    def items_mix(self) -> bool:
        """Whether an item of the batch comes out otherwise when another one is another."""
        before = self.output(self.square)
        if before is None or before.ndim != 3:
            return False
        first = self.output(self.case.observe(replace(SQUARE, name="batch", twin=77)))
        if first is not None and first.shape == before.shape and not close(before[0], first[0], 1e-9):
            return True
        others = self.output(self.case.observe(replace(SQUARE, name="batch", first=78)))
        return others is not None and others.shape == before.shape and not close(before[1:], others[1:], 1e-9)

    @cached_property
    def later_changed(self) -> Observation:
        """The same sequence but for its last position."""
        return self.case.observe(replace(SQUARE, name="later", last=88))

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
        return FORMS


# Names of masks that say yes or no to each position: nobody adds them to scores.
SEEN = re.compile(r"((may|can|could)_?(look|see|attend)|is_?visible|allowed|visible|permitted|keep)(_?mask)?")

# The likelier conventions first: an (L, S) grid for every item and head, then one for padding, then additive.
FORMS = tuple(
    MaskForm(axes, meaning_, dtype)
    for axes in ("b1ls", "bls", "ls", "b11s", "bs", "11ls", "bhls", "(bh)ls", "b1s", "1ls")
    for meaning_, dtype in (
        ("keep", "bool"),
        ("drop", "bool"),
        ("keep", "int"),
        ("drop", "int"),
        ("add", "float"),
        ("keep", "float"),
        ("drop", "float"),
    )
)


def _hides_everything(observation: Observation) -> bool:
    """Whether no score that goes into a softmax is above what stands for a forbidden position."""
    values = observation.answer.get("values", [])
    for call in observation.answer.get("calls", []):
        if call["name"].endswith("softmax") and call["in"]:
            index = values[call["in"][0]]["array"]
            if index is not None and observation.arrays[index].max(initial=WEAKEST_FILL) <= WEAKEST_FILL:
                return True
    return False


def _outcome(observation: Observation) -> str:
    error = observation.error
    if error is not None:
        return f"{error['type']}: {error['message'].splitlines()[0][:120] if error['message'] else ''}"
    return f"returned {observation.answer['output']['type']}"


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

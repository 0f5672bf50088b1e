"""Who is projected by what: shared, missing, swapped and too small maps. Judge side."""

from __future__ import annotations

import numpy as np

from mha_drill.judge.assessment import Assessment, shared_by_heads
from mha_drill.judge.diagnosis.places import line_of, merged_line, spec_requires_output
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.lines.definitions import definition_of
from mha_drill.judge.lines.exchanged import shared_line, side_of, swapped_line
from mha_drill.judge.lines.handed import handed_line, own_line
from mha_drill.judge.lines.left_out import unprojected_line
from mha_drill.judge.matching import order_of
from mha_drill.judge.recording import Call
from mha_drill.judge.roles import Side
from mha_drill.judge.uses import weighs_what_was_scored


def wiring_findings(examination: Examination) -> list[Finding]:
    """Who is projected by what: shared, missing and swapped maps, small maps for every head, loose parameters."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return []
    roles = assessment.roles
    source, start = examination.case.runner.source, examination.binding.definition.line
    found = [
        Finding("extra-normalization", "output", own_line(source, call, start), True)
        for call in assessment.wiring.norms[:1]
    ]
    found += _misplaced(examination, assessment)
    if not examination.spec.projections:
        return found or _swapped(examination, assessment)
    sides = {"q": roles.query, "k": roles.key, "v": roles.value}
    for position, (name, side) in enumerate(sides.items()):
        if not side.weights:
            found.append(
                Finding(
                    "missing-projection",
                    "project",
                    unprojected_line(examination.case.runner.source, assessment, name)
                    or line_of(examination, "weigh" if name == "v" else "score"),
                    True,
                    name,
                )
            )
            continue
        for other_name in list(sides)[:position]:
            other = sides[other_name]
            if _same_rows(side, other) and any(
                item.code in ("weigh-wrong-tensor", "swapped-inputs") for item in found
            ):
                continue
            if _same_weights(assessment, side, other):
                line = _shared_line(examination, side, other, f"{other_name}{name}")
                found.append(Finding("shared-projection", "project", line, True, f"{other_name}{name}"))
                break
        slices = any(_slice_only(assessment, index) for index in side.projections if index >= 0)
        one_for_all = not examination.case.multi_query and shared_by_heads(
            side, tuple(sides.values()), examination.binding.base.heads
        )
        repeated = slices or _repeated(assessment, side.projections) or one_for_all
        alike = not examination.case.multi_query and _all_alike(examination, assessment)
        if examination.binding.base.heads > 1 and (repeated or alike):
            line, proved = _made_line(examination, side), bool(repeated)
            found.append(Finding("shared-across-heads", "project", line, proved, name))
    if not any(item.code in ("weigh-wrong-tensor", "swapped-inputs") for item in found):
        found += _swapped(examination, assessment)
    if (
        assessment.tail is not None
        and assessment.tail.call is not None
        and not any(item.code == "shared-projection" for item in found)
    ):
        matrices = _matrices(assessment, assessment.tail.weights)
        for name, side in sides.items():
            if matrices & _matrices(assessment, side.weights) and _same_matrix(
                assessment, assessment.tail.call, side
            ):
                found.append(Finding("shared-projection", "output", assessment.tail.line, True, f"{name}o"))
                break
    if (
        spec_requires_output(examination)
        and assessment.tail is not None
        and assessment.tail.call is None
        and not assessment.tail.fault
    ):
        found.append(Finding("missing-output-projection", "output", merged_line(examination), True))
    return found


def _all_alike(examination: Examination, assessment: Assessment) -> bool:
    """Whether there are scores for every head, but one head's map for all of them, on each side."""
    roles, base = assessment.roles, examination.binding.base
    if roles is None or not roles.scores:
        return False
    sides = (roles.query, roles.key, roles.value)
    scored = assessment.recording.values[roles.scores[0].outputs[0]].shape
    return scored[-3:-2] == (base.heads,) and all(
        side.proper and side.heads == 1 and side.rows.shape[-1] * base.heads == base.width for side in sides
    )


def _shared_line(examination: Examination, side: Side, other: Side, letters: str) -> int | None:
    """Return where two sides come to have one map; of the two uses that of the side it is not named after."""
    weights = side.weights | other.weights
    named = {side_of(name.split(".")[0]) for name in weights} - {None}
    line = _side_line(examination, other if named == {letters[-1]} else side)
    return shared_line(examination.case.runner.source, line, letters, weights)


def _side_line(examination: Examination, side: Side) -> int | None:
    """Return where a side is projected: in the answer itself, where a map of the file's own does it."""
    assessment = examination.assessed(examination.square)
    used = [index for index in side.projections if index >= 0]
    if assessment is None or not used:
        return side.line
    call = assessment.wiring.projections[min(used)].call
    return own_line(examination.case.runner.source, call, examination.binding.definition.line) or side.line


def _made_line(examination: Examination, side: Side) -> int | None:
    """Return where the one map of all heads is made, where it hangs on the instance, else where it is used."""
    owners = {name.split(".")[0] for name in side.weights if "." in name}
    source, start = examination.case.runner.source, examination.binding.definition.line
    owner = owners.pop() if len(owners) == 1 else ""
    tensors = examination.square.answer.get("tensors", {})
    listed = {name.split(".")[1] for name in tensors if name.startswith(f"{owner}.")}
    used = {name.split(".")[1] for name in side.weights if "." in name}
    # Of several in a list only one is used: the list is right.
    spare = any(index.isdigit() for index in listed - used)
    made = definition_of(source, owner, start) if owner and not spare else None
    return made or _side_line(examination, side)


def _misplaced(examination: Examination, assessment: Assessment) -> list[Finding]:
    """One tensor used in two places while the one that belongs there is made and never used."""
    roles, wiring = assessment.roles, assessment.wiring
    assert roles is not None
    used = {index for side in (roles.query, roles.key, roles.value) for index in side.projections}
    tail = assessment.tail
    idle = [
        item
        for item in wiring.projections
        if item.index not in used and (tail is None or item.call is not tail.call)
    ]
    if examination.spec.projections and not idle and not _part_idle(examination, assessment, used):
        return []
    same = _same_rows
    if same(roles.value, roles.key) or same(roles.value, roles.query):
        which = "k" if same(roles.value, roles.key) else "q"
        line = handed_line(examination.case.runner.source, roles.weighs[0], "v")
        return [Finding("weigh-wrong-tensor", "weigh", line, True, which)]
    if same(roles.query, roles.key):
        return [
            Finding(
                "swapped-inputs",
                "project",
                line_of(examination, "score"),
                True,
                "one tensor as query and key",
            )
        ]
    return []


def _part_idle(examination: Examination, assessment: Assessment, used: set[int]) -> bool:
    """Whether of one projection that holds all three sides a third is used by none."""
    roles = assessment.roles
    assert roles is not None
    if len(used) != 1 or min(used) < 0:
        return False
    made = len(next(iter(assessment.wiring.projections[min(used)].rows.values()), ()))
    sides = (roles.query, roles.key, roles.value)
    if len({side.rows.shape for side in sides}) > 1:
        return False
    columns = np.concatenate([side.rows.reshape(-1, side.rows.shape[-1]) for side in sides], axis=1)
    twice = made == columns.shape[1] > int(np.unique(columns, axis=1).shape[1])
    return twice and weighs_what_was_scored(
        examination.case.runner.source, roles.scores[0].line, roles.weighs[0].line
    )


def _same_rows(one: Side, two: Side) -> bool:
    return (
        one.projections == two.projections
        and one.source == two.source
        and one.rows.shape == two.rows.shape
        and bool((one.rows == two.rows).all())
    )


def _matrices(assessment: Assessment, names: frozenset[str]) -> frozenset[str]:
    """Return those of the weights that are matrices: biases may be shared by accident of naming only."""
    shapes = {value.name: value.shape for value in assessment.recording.values if value.kind != "call"}
    return frozenset(name for name in names if len(shapes.get(name, ())) >= 2)


def _same_weights(assessment: Assessment, one: Side, two: Side) -> bool:
    """Whether two sides come from one map: the same call's same channels, or two calls of one matrix."""
    if _unmerged(assessment, one) or _unmerged(assessment, two):
        return _matrices(assessment, one.weights) == _matrices(assessment, two.weights)
    if set(one.projections) & set(two.projections):
        return one.rows.shape == two.rows.shape and order_of(_rows(one), _rows(two), 1e-12) is not None
    projections = assessment.wiring.projections
    for index in one.projections:
        for other in two.projections:
            if index < 0 or other < 0:
                continue
            if _weight_numbers(assessment, index) == _weight_numbers(assessment, other):
                if _channels(assessment, one, index).isdisjoint(_channels(assessment, two, other)):
                    continue
                return True
            if _matrices(assessment, projections[index].weights) & _matrices(
                assessment, projections[other].weights
            ) and _weight_values(assessment, index, other):
                return True
    return False


def _channels(assessment: Assessment, side: Side, index: int) -> frozenset[int]:
    """Return which channels of a map's output a side is made of: all, where they are not there as they came."""
    recording, call = assessment.recording, assessment.wiring.projections[index].call
    made = recording.values[call.outputs[0]].array
    every = frozenset(range(made.shape[-1])) if made is not None else frozenset()
    rows = _rows(side)
    if made is None or made.size // made.shape[-1] != len(rows):
        return every
    found = (made.reshape(-1, made.shape[-1])[:, :, None] == rows[:, None, :]).all(0).any(1)
    return frozenset(int(at) for at in np.flatnonzero(found)) or every


def _unmerged(assessment: Assessment, side: Side) -> bool:
    """Whether a side has one of two weights that were multiplied before they met an input."""
    return any(
        index >= 0 and side.weights < assessment.wiring.projections[index].weights
        for index in side.projections
    )


def _rows(side: Side) -> np.ndarray:
    return side.rows.reshape(-1, side.rows.shape[-1])


def _weight_numbers(assessment: Assessment, index: int) -> tuple[int, ...]:
    recording, call = assessment.recording, assessment.wiring.projections[index].call
    return tuple(
        number for number in call.inputs if recording.weights[number] and not recording.content[number]
    )


def _weight_values(assessment: Assessment, index: int, other: int) -> bool:
    """Whether two calls use the same matrix by value: slices of one fused weight differ, two takes of one do not."""
    recording = assessment.recording
    arrays = [
        [recording.values[number].array for number in _weight_numbers(assessment, item)]
        for item in (index, other)
    ]
    matrices = [
        next((array for array in each if array is not None and array.ndim >= 2), None) for each in arrays
    ]
    one, two = matrices
    return one is not None and two is not None and one.shape == two.shape and bool((one == two).all())


def _same_matrix(assessment: Assessment, call: Call, side: Side) -> bool:
    """Whether a call takes a matrix, by value, that a side is made with: of one parameter, `W[0]` is not `W[3]`."""
    values = assessment.recording.values
    mine = [values[number].array for number in call.inputs if not assessment.recording.content[number]]
    theirs = [
        values[number].array
        for index in side.projections
        if index >= 0
        for number in _weight_numbers(assessment, index)
    ]
    pairs = [
        (one, two)
        for one in mine
        for two in theirs
        if one is not None and two is not None and one.ndim == two.ndim == 2
    ]
    if not pairs:
        return True
    return any(
        one.shape == turned.shape and bool((one == turned).all())
        for one, two in pairs
        for turned in (two, two.T)
    )


def _repeated(assessment: Assessment, indices: tuple[int, ...]) -> bool:
    """Whether the heads of one side come from one small map called again and again."""
    made = [_weight_numbers(assessment, index) for index in indices if index >= 0]
    return len(made) > 1 and len(set(made)) < len(made)


def _slice_only(assessment: Assessment, index: int) -> bool:
    """Whether a projection has fewer weights than channels times width: every head uses one small map."""
    projection = assessment.wiring.projections[index]
    recording = assessment.recording
    channels = len(next(iter(projection.rows.values()), ()))
    sizes = [recording.values[number].array for number in _weight_numbers(assessment, index)]
    matrix = max((len(np.unique(array)) for array in sizes if array is not None), default=0)
    source = next(
        (value for value in recording.values if value.kind == "input" and value.name == projection.source),
        None,
    )
    if source is None or not channels:
        return False
    return matrix < channels * source.shape[-1] and projection.call.short in (
        "linear",
        "matmul",
        "__matmul__",
        "einsum",
    )


def _swapped(examination: Examination, assessment: Assessment) -> list[Finding]:
    """Sides that are made from another's input."""
    roles = assessment.roles
    assert roles is not None
    style = examination.binding.call.style
    wanted = {"qkv": ("q", "k", "v"), "cross": ("q", "context", "context")}.get(style)
    if wanted is None:
        return []
    sides = (roles.query, roles.key, roles.value)
    wrong = [
        (name, side) for name, side, source in zip("qkv", sides, wanted, strict=True) if side.source != source
    ]
    return [
        Finding(
            "swapped-inputs",
            "project",
            swapped_line(
                examination.case.runner.source,
                name,
                side.source,
                (roles.weighs if name == "v" else roles.scores)[0].line,
            )
            or _side_line(examination, side)
            or line_of(examination, "score"),
            True,
            f"{name} from {side.source}",
        )
        for name, side in wrong
    ]

"""Find the way to make and call a submission that agrees with the reference, else the best that runs. Judge side.

Called by `ruling` before anything is examined; `ways` says which ways there are.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from mha_drill.judge.candidates import Definition
from mha_drill.judge.examination import Examination
from mha_drill.judge.matching import WEAKEST_FILL, close
from mha_drill.judge.observation import Binding, Observation
from mha_drill.judge.probes import SQUARE
from mha_drill.judge.ways import asking, bindings, given_scale, per_head, variants

MOST_BINDINGS = 40
MOST_ERRORS = 3


def bind(examination: Examination, definitions: list[Definition]) -> bool:
    """Find the way to make and call the answer that agrees with the reference, else the best that runs.

    Returns whether any way could be tried at all.
    """
    best: tuple[int, Binding, Observation] | None = None
    narrow: Binding | None = None
    for definition in (item.used_in(examination.case.runner.source) for item in definitions):
        examination.case.definition = definition
        todo = bindings(examination.case)
        tried = 0
        raised: set[str] = set()
        while todo and tried < MOST_BINDINGS:
            binding = todo.pop(0)
            tried += 1
            examination.case.binding = binding
            observation = examination.case.try_binding(binding, SQUARE, trace=True, inventory=True)
            points = _points(examination, binding, observation)
            examination.attempts.append(f"{'; '.join(binding.say())}: {_outcome(observation)}")
            # What the file says of its axes decides where neither order agrees.
            turned = (
                binding.by_position
                and best is not None
                and points == best[0] == 4
                and not _keeps_items_apart(examination, best[1], best[2])
            )
            narrowed = binding == narrow and points == 4
            if best is None or points > best[0] or turned or narrowed:
                best = (points, binding, observation)
            if points == 5:
                break
            if points == 4 and _as_wide_as_told(examination, binding, observation):
                # At the model's own width one scale looks like the other.
                todo = [item for item in todo if item.construct == binding.construct]
            asked = asking(binding, observation)
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
                    others = variants(examination.case, binding, observation.error)
                    todo[:0] = [item for item in others if item not in todo][:24]
            elif points == 4 and (narrow := per_head(binding, observation)) is not None:
                todo.insert(0, narrow)
            elif points == 4 and not binding.by_position and _by_position(examination):
                todo.insert(0, replace(binding, by_position=True))
            elif points == 4 and not binding.base.scale_turned and given_scale(examination.case, binding):
                todo.insert(0, replace(binding, base=replace(binding.base, scale_turned=True)))
            if examination.case.runner.stopped:
                break
        if best is not None and best[0] == 5:
            break
    if best is None:
        return False
    examination.case.binding = best[1]
    examination.case.definition = best[1].definition
    examination.case.observed[(SQUARE, None, ())] = best[2]
    examination.case.bound = True
    return True


def _points(examination: Examination, binding: Binding, observation: Observation) -> int:
    """Return how well a binding does.

    5 agrees with each input in its place, 4 gives the right shape, 3 runs, 2 raises inside, 1 cannot be called,
    0 cannot be made.
    """
    if observation.error is not None:
        if observation.stage == "construct":
            return 0
        return 1 if observation.error["line"] is None else 2
    output = observation.output
    if output is None or output.shape[:2] != (observation.probe.batch, observation.probe.query_length):
        return 3
    if binding.idle_mask is not None and (not np.isfinite(output).all() or _hides_everything(observation)):
        return 3  # what should let everything through hides it
    return 5 if examination.agrees(observation) and _as_bound(examination, binding, observation) else 4


def _as_wide_as_told(examination: Examination, binding: Binding, observation: Observation) -> bool:
    """Whether the one head's key has the width that the constructor was given for it, another than the model's."""
    base, assessment = binding.base, examination.assessed(observation)
    told = {item.name for item in binding.definition.construct if item.meaning == "head_dim"}
    if base.heads > 1 or base.head_width == base.width or assessment is None or assessment.roles is None:
        return False
    given = {(binding.construct or {}).get(name) for name in told}
    return given == {base.head_width} == {assessment.roles.key.rows.shape[-1]}


def _as_bound(examination: Examination, binding: Binding, observation: Observation) -> bool:
    """Whether the query is made from what was given as the query, where no name says which input that is."""
    assessment = examination.assessed(observation)
    roles = assessment.roles if assessment is not None else None
    return roles is None or roles.query.source != "context" or not binding.call.neutral


def _keeps_items_apart(examination: Examination, binding: Binding, observation: Observation) -> bool:
    """Whether, called so, one item of the batch is what it is whatever stands beside it."""
    beside = examination.case.try_binding(binding, replace(SQUARE, name="batch", twin=77))
    one, two = observation.output, beside.output
    return one is not None and two is not None and one.ndim == two.ndim == 3 and close(one[0], two[0], 1e-9)


def _by_position(examination: Examination) -> bool:
    """Whether the file itself says that time comes before the batch: `T, B, C = x.shape`."""
    source = examination.case.runner.source
    return bool(
        re.search(
            r"^\s*(t|l|s|n|seq\w*|len\w*|tgt_len|src_len|q_len|length|time\w*|T|L|S)\s*,\s*(b|bs|bsz|batch\w*|n_batch|B|N)\s*,[^=\n]*=",
            source,
            re.MULTILINE,
        )
        or re.search(r"[(\[](T|L|S|seq_len\w*|tgt_len|time)\s*,\s*(B|N|bsz|batch\w*)\s*,", source)
        or re.search(r"\b(T|L|time|seq_len\w*)\s*[xX×*]\s*(B|batch\w*)\s*[xX×*]", source, re.IGNORECASE)
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

"""Which of the learner's names stand for the reference's, so that the reference speaks the learner's language.

`reference` asks when the report is built. Everything here is a wish: what was bound (constructor, forward),
what the trace showed (who is projected by what), what is assigned on the lines where the steps happen.
`identifiers.settle` grants the wishes under which the reference stays the same program. Judge side.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from mha_drill.judge.examination import Examination
from mha_drill.judge.identifiers import ATTRIBUTE, Names, names_of, rename, settle
from mha_drill.judge.localnames import local_names, parsed, sized_names, written_dropout
from mha_drill.judge.names import meaning, role
from mha_drill.judge.observation import Binding
from mha_drill.judge.owners import letter_of, owners
from mha_drill.judge.sides import side_places
from mha_drill.judge.stepmap import places
from mha_drill.records import StepSide

Wish = tuple[str, str, int]
# Which wishes stand back where two cannot both be granted: the higher number.
CLASS, GIVEN, OWN, LOCAL, LETTER = range(5)


def mapping_for(
    examination: Examination, solution_source: str, steps: Mapping[str, StepSide] | None = None
) -> dict[str, str]:
    """Return the reference's identifiers (`query`, `self.q_proj`) with the learner's for them.

    steps: where the reference does each step; without them its local names are left. What is in doubt is left
    out. The result is always one that `rename` takes.
    """
    if examination.case.binding is None:
        return {}
    tree = parsed(examination.case.runner.source)
    ours = names_of(solution_source)
    wishes = [*_signature(examination.binding, ours)]
    if examination.binding.definition.kind == "class":
        wishes += _attributes(examination, ours, tree)
    if tree is not None:
        wishes += _locals(examination, ours, tree, steps or {})
    return settle(solution_source, wishes)


def reference_lines(steps: Mapping[str, StepSide], renamed: str) -> dict[str, StepSide]:
    """Return the reference's steps with their lines as the renamed source has them; renaming moves no line."""
    lines = renamed.splitlines()
    return {
        step: replace(side, code=lines[side.line - 1].strip()) if side.line else side
        for step, side in steps.items()
    }


def _signature(binding: Binding, ours: Names) -> list[Wish]:
    """Wish for the class's name and the parameters, by what they mean and what they were bound to."""
    wishes: list[Wish] = []
    definition = binding.definition
    if definition.kind == "class":
        wishes += [(name, definition.name, CLASS) for name in ours.classes if len(ours.classes) == 1]
    for name in _parameters(ours, "__init__"):
        wishes += [(name, theirs, GIVEN) for theirs in _constructor(binding, meaning(name))]
    sources = {
        source: name
        for name, source in binding.call.arguments
        if isinstance(source, str) and name.isidentifier()
    }
    first = sources.get("x", sources.get("q"))
    fed = {
        "q": first,
        "k": sources.get("k", sources.get("context", sources.get("x"))),
        "v": sources.get("v", sources.get("context", sources.get("x"))),
        "x": sources.get("x"),
        "mask": None if binding.call.lengths else binding.call.mask,
    }
    for name in [*_parameters(ours, "forward"), *_parameters(ours, "__call__")]:
        theirs = fed.get(role(name) or "")
        if theirs:
            wishes.append((name, theirs, GIVEN))
    return wishes


def _parameters(ours: Names, function: str) -> list[str]:
    return [
        arg.arg
        for node in ours.functions
        if node.name == function
        for arg in node.args.args
        if arg.arg != "self"
    ]


def _constructor(binding: Binding, wanted: str | None) -> list[str]:
    """Return the learner's constructor parameter of a meaning, if there is exactly one."""
    construct = binding.construct or {}
    parameters = binding.definition.construct
    found = [item.name for item in parameters if wanted and meaning(item.name) == wanted]
    if wanted in ("width", "head_dim"):
        width = binding.base.width
        found = [name for name in found if construct.get(name) == width]
        if not found and wanted == "head_dim":
            found = [item.name for item in parameters if construct.get(item.name) == width]
    return found if len(found) == 1 else []


def _attributes(examination: Examination, ours: Names, tree: ast.Module | None) -> list[Wish]:
    """Wish for the attributes: projections, dropout, the number of heads and their width."""
    wishes: list[Wish] = []
    found = owners(examination)
    answer = examination.square.answer
    integers: dict[str, int] = answer.get("integers", {})
    base = examination.binding.base
    heads = _count(examination)
    for name in sorted(ours.attributes):
        theirs: str | None = None
        if (letter := letter_of(name)) is not None:
            theirs = found.get(letter)
        elif (wanted := meaning(name)) == "dropout":
            theirs = written_dropout(tree, examination.binding.definition, answer.get("modules", []))
        elif wanted in ("heads", "head_dim", "width"):
            value = {"heads": heads, "head_dim": base.width // heads, "width": base.width}[wanted]
            like = [item for item, number in integers.items() if number == value]
            telling = [item for item in like if meaning(item) == wanted]
            theirs = like[0] if len(like) == 1 else telling[0] if len(telling) == 1 else None
        if theirs:
            wishes.append((ATTRIBUTE + name, ATTRIBUTE + theirs, OWN))
    return wishes


def _count(examination: Examination) -> int:
    """Return the number of heads the instance was made with."""
    assessment = examination.assessed(examination.square)
    if assessment is not None and assessment.roles is not None:
        count = assessment.roles.query.heads
        if count in examination.case.heads:
            return count
    return examination.binding.base.heads


# The steps whose result has one name in the reference, the most telling place of that name first.
CHAIN = (
    "project:q", "project:k", "project:v", "split:q", "split:k", "split:v",
    "score", "scale", "mask", "softmax", "dropout", "weigh", "merge",
)  # fmt: skip


def _locals(
    examination: Examination, ours: Names, tree: ast.Module, steps: Mapping[str, StepSide]
) -> list[Wish]:
    """Wish for local names: what is assigned where the steps happen, and what the sizes are called."""
    wishes: list[Wish] = []
    where = {step: side.line for step, side in steps.items() if step in CHAIN and side.line}
    theirs = local_names(tree, learner_lines(examination))
    names = local_names(ours.tree, where)
    taken: dict[str, str] = {}
    for step in CHAIN:
        if step in names and step in theirs and names[step] not in taken:
            taken[names[step]] = theirs[step]
            wishes.append((names[step], theirs[step], LOCAL))
    kinds = {"x": "q", "context": "k", "kv": "k"}
    theirs_by = {
        name: kinds.get(source, source)
        for name, source in examination.binding.call.arguments
        if isinstance(source, str)
    }
    ours_by = {
        arg: kinds.get(found, found)
        for arg in (*_parameters(ours, "forward"), *_parameters(ours, "__call__"))
        if (found := role(arg))
    }
    letters = sized_names(tree, theirs_by)
    wishes += [
        (name, letters[size], LETTER)
        for size, name in sized_names(ours.tree, ours_by).items()
        if size in letters
    ]
    return wishes


def learner_lines(examination: Examination) -> dict[str, int]:
    """Return the learner's lines of the steps, those of `CHAIN` that the trace shows."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return {}
    roles = assessment.roles
    found = places(assessment.recording, assessment.wiring, roles, assessment.tail)
    found |= side_places(assessment.recording, assessment.wiring, roles)
    return {step: place.line for step, place in found.items() if step in CHAIN and place.line}


__all__ = ["learner_lines", "mapping_for", "reference_lines", "rename"]

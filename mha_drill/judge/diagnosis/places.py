"""Where the steps stand in the submission: what every finding needs for its line. Judge side."""

from __future__ import annotations

import ast

from mha_drill.judge.examination import Examination
from mha_drill.judge.lines.left_out import drops
from mha_drill.judge.lines.looks import source_line
from mha_drill.judge.lines.statements import function_at, last_given, statement_at
from mha_drill.judge.parsing import tree_of
from mha_drill.judge.sides import operands, side_places
from mha_drill.judge.stepmap import BY_HAND, SOFTMAXES, Place, first_layout, places


def place_of(examination: Examination, step: str) -> Place | None:
    """Return where a step (`split`, or that of one side: `split:k`) happens, read off the square probe."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return None
    if ":" in step:
        return side_places(assessment.recording, assessment.wiring, assessment.roles).get(step)
    return places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail).get(step)


def line_of(examination: Examination, *steps: str) -> int | None:
    """Return the line of the first of `steps` that the submission has."""
    for step in steps:
        place = place_of(examination, step)
        if place is not None and place.line is not None:
            return place.line
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return next((line for step in steps if (line := source_line(examination, step)) is not None), None)
    return None


def exponential_line(examination: Examination) -> int | None:
    """Return the line that takes the exponentials: that of a softmax written by hand is where it divides."""
    assessment, place = examination.assessed(examination.square), place_of(examination, "softmax")
    if assessment is None or assessment.roles is None or place is None or place.call is None:
        return line_of(examination, "softmax")
    if place.call.short in SOFTMAXES:
        return place.line
    reached = assessment.recording.after(list(assessment.roles.scores))
    made = [
        call
        for call in assessment.recording.calls
        if call.short in BY_HAND and call.index <= place.call.index and reached[call.inputs[0]]
    ]
    return made[-1].line if made else place.line


# Where to look for the line of a wrong step: the step itself, else the nearest one the file has.
NEAR = {
    "project": ("project", "score"),
    "split": ("split", "project"),
    "score": ("score",),
    "scale": ("scale", "score"),
    "mask": ("mask", "softmax", "scale", "score"),
    "softmax": ("softmax", "weigh"),
    "dropout": ("dropout", "softmax"),
    "weigh": ("weigh",),
    "merge": ("merge", "weigh"),
    "output": ("output", "merge"),
}


def cut_line(examination: Examination, letter: str) -> int | None:
    """Return where one side, or the query, is cut into heads."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return None
    found = operands(assessment.recording, assessment.wiring, assessment.roles)
    number = found.get(letter or "q")
    call = None if number is None else first_layout(assessment.recording, number)
    return None if call is None else call.line


def return_line(examination: Examination) -> int | None:
    """Return the line of the `return` after the last call, else that of the last call."""
    calls = [call for call in examination.square.answer.get("calls", []) if call["line"] is not None]
    if not calls:
        return None
    last: int = calls[-1].get("via", [calls[-1]["line"]])[-1]
    lines = examination.case.runner.source.splitlines()
    for number in range(last, min(len(lines), last + 8) + 1):
        text = lines[number - 1].strip()
        if text.startswith("return"):
            return number
        if number > last and text.startswith(("def ", "class ")):
            break
    return last


def merged_line(examination: Examination) -> int | None:
    """Return where merged heads go out without a projection: the `return` that says them, else the merge."""
    merge, line = line_of(examination, "merge", "weigh"), return_line(examination)
    tree = tree_of(examination.case.runner.source)
    statement, function = statement_at(tree, line), function_at(tree, line)
    value = statement.value if isinstance(statement, ast.Return) else None
    if isinstance(value, ast.IfExp):
        return merge
    value = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
    if isinstance(statement, ast.Return) and isinstance(value, ast.Name) and function is not None:
        given = last_given(function, value.id, statement.lineno)
        if given is not None and isinstance(given.value, ast.Tuple | ast.IfExp):
            return merge
        if given is not None and (isinstance(given.value, ast.Name) or drops(tree, given.value)):
            return given.line
    return line or merge


def spec_requires_output(examination: Examination) -> bool:
    """Whether the problem asks for an output projection."""
    return bool(examination.spec.output_projection == "required")

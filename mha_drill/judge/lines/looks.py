"""The line of a step where no roles are known: by what the line reads like, or by the calls that there are. Judge side.

The surer ways are `stepmap.places` and `side_places`, which need roles. Called by `diagnosis`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mha_drill.judge.examination import Examination
from mha_drill.judge.parsing import nodes_of, tree_of
from mha_drill.judge.recording import PRODUCTS, Recording
from mha_drill.judge.stepmap import BY_HAND, MASKINGS, SCALINGS, SOFTMAXES

# Where a step stands in a source whose trace does not show it: what the line reads like, the surer first.
LOOKS = {
    "score": (r"@|matmul|einsum|\bdot\(|\bbmm\(", r"\*.*sum\("),
    "scale": (r"sqrt|\*\*\s*-?0?\.5|scale",),
    "mask": (r"mask|where|tril|triu",),
    "softmax": (r"softmax|exp\(", r"sigmoid|relu|tanh|/=? *\w*\.?sum\("),
    "weigh": (r"@|matmul|einsum|\bdot\(|\bbmm\(|\*.*sum\(|sum\(.*\*",),
    "output": (r"return",),
}


def rough_line(recording: Recording, step: str, code: str) -> int | None:
    """Return the line of a step, by the calls there are: no roles are known."""
    calls = [call for call in recording.calls if call.outputs and recording.content[call.outputs[0]]]
    softmax = next((call.index for call in calls if call.short in SOFTMAXES | BY_HAND), None)
    before = [call for call in calls if softmax is None or call.index < softmax]
    after = [call for call in calls if softmax is not None and call.index > softmax]
    products = [call for call in before if call.short in PRODUCTS]
    late = [call for call in after if call.short in PRODUCTS]
    named = {
        "scale": [
            call
            for call in (after if code == "scale-after-softmax" else before[::-1])
            if call.short in SCALINGS
        ],
        "mask": [
            call
            for call in (after if code == "mask-after-softmax" else before[::-1])
            if call.short in MASKINGS
        ],
        "softmax": [call for call in calls if call.index == softmax],
        "weigh": late,
        "merge": late,
        "score": products[::-1],
    }
    found = named.get(step) or products[::-1] or calls
    return found[0].line if found else None


def source_line(examination: Examination, step: str) -> int | None:
    """Return the line that reads like a step, of those that ran where there is a trace; the weighing is the last."""
    looks = LOOKS.get(step, ())
    lines = examination.case.runner.source.splitlines()
    calls = examination.square.answer.get("calls", [])
    ran: list[int] = list(dict.fromkeys(call["line"] for call in calls if call["line"] is not None))
    numbers = ran or list(_body(examination.case.runner.source, examination.binding.definition.line))
    for pattern in looks:
        found = [number for number in numbers if _reads(pattern, lines[number - 1])]
        if found:
            return found[-1] if step in ("weigh", "output") else found[0]
    return None


def _reads(pattern: str, line: str) -> bool:
    return not re.match(r"\s*(def|class)\s", line) and re.search(pattern, line.partition("#")[0]) is not None


def _body(source: str, start: int) -> Iterator[int]:
    """Yield the numbers of the lines of the definition that starts at one, those of its docstring left out."""
    for item in nodes_of(tree_of(source)):
        if isinstance(item, ast.FunctionDef | ast.ClassDef) and item.lineno == start:
            said = {
                number
                for inner in ast.walk(item)
                if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
                for number in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
            }
            yield from (
                number for number in range(start, (item.end_lineno or start) + 1) if number not in said
            )

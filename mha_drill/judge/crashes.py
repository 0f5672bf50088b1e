"""An exception of the submission, told as what it most likely is. Judge side."""

from __future__ import annotations

import re
from typing import Any

from mha_drill.judge.bounds import limit_met
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.observation import Observation
from mha_drill.judge.written import size_written

SENDING = re.compile(r"\b(kill|killpg|raise_signal|pthread_kill|abort|alarm|setitimer)\b")
JOINING = re.compile(r"\.(cat|concat|concatenate|stack|hstack|dstack)$")


def crash_findings(examination: Examination, observation: Observation) -> list[Finding]:
    """Return what a call or a construction that raised says of the submission."""
    error = observation.error
    assert error is not None
    kind, line, message = error["type"], error["line"], error["message"]
    if kind == "Hung":
        return [Finding("time-limit", "load", None, False)]
    if kind == "Died":
        return [ended(error["message"], examination.case.runner.source)]
    if "NotImplementedError" in error["bases"] and _raised_by_hand(examination, line):
        return [Finding("not-implemented", "load", line, False)]
    if limit := limit_met(error):
        return [Finding(limit, "load", line, False)]
    if observation.stage == "construct":
        return [
            _missing_import(examination, error)
            or Finding("constructor-error", "load", line, False, detail=_plain(error))
        ]
    missing = _missing_import(examination, error)
    if missing is not None:
        return [missing]
    if _one_head_wide(observation, message):
        joined = [
            call["line"] for call in observation.answer.get("calls", []) if JOINING.search(call["name"])
        ]
        line = joined[-1] if joined else line
        return [Finding("heads-not-concatenated", "merge", line, False, detail=_plain(error))]
    if _about_shapes(error) and (split := _scored_among_heads(observation, examination.binding.base.heads)):
        return [Finding("split-without-transpose", "split", split, False, detail=_plain(error))]
    if _about_shapes(error):
        written = size_written(examination.case.runner.source, message, examination.binding.base.head_width)
        if written is not None or _hard_coded(observation, message):
            return [Finding("hard-coded-shape", "split", written or line, False, detail=_plain(error))]
    return [Finding("crash", "load", line, False, detail=_plain(error))]


def _about_shapes(error: dict[str, Any]) -> bool:
    """Whether an exception is one of torch or numpy that tells of sizes that do not meet."""
    return error["type"] in ("RuntimeError", "ValueError", "IndexError") and bool(
        re.search(r"\b(size|shape|shapes|dimension)\b", error["message"])
    )


def _raised_by_hand(examination: Examination, line: int | None) -> bool:
    """Whether the learner's own line raises: torch has NotImplementedErrors of its own."""
    lines = examination.case.runner.source.splitlines()
    return line is None or line > len(lines) or "raise" in lines[line - 1]


def _plain(error: dict[str, Any]) -> str:
    message = error["message"].strip().splitlines()
    return f"{error['type']}: {message[0]}" if message else str(error["type"])


def ended(how: str, source: str) -> Finding:
    """Return what the end of the runner says: an exit code, a signal, or that the file spoke on the judge's line.

    A signal is a crash, unless the source sends signals: to others it cannot.
    """
    kind, _, number = how.partition(" ")
    if kind == "exit":
        return Finding("process-exit", "load", None, False, number)
    if kind == "line":
        return Finding("crash", "load", None, False, "line")
    if kind == "signal" and SENDING.search(source):
        return Finding("process-exit", "load", None, False, "signal")
    return Finding("crash", "load", None, False, how, detail=how)


def _missing_import(examination: Examination, error: dict[str, Any]) -> Finding | None:
    """Return an import error where a name is missing because the statement that binds it failed."""
    if error["type"] in ("ImportError", "ModuleNotFoundError"):
        return Finding("import-error", "load", error["line"], False, error["name"], detail=_plain(error))
    if error["type"] != "NameError":
        return None
    name = error["name"] or (re.search(r"name '([^']+)'", error["message"]) or ["", ""])[1]
    for failure in examination.case.loaded.get("failures", []):
        if name in failure["names"]:
            return Finding(
                "import-error",
                "load",
                failure["line"] or failure["statement"],
                False,
                failure["name"],
                detail=_plain(failure),
            )
    return None


PRODUCTS = ("matmul", "bmm", "__matmul__", "einsum", "baddbmm")


def _scored_among_heads(observation: Observation, heads: int) -> int | None:
    """Return where heads were split off, if at each position heads were then scored with heads, (B, L, H, H)."""
    probe, values = observation.probe, observation.answer.get("values", [])
    lead = [probe.batch, probe.query_length, heads]
    split = None
    for call in observation.answer.get("calls", []):
        shapes = [values[number]["shape"] for number in call["out"]]
        if call["name"].rsplit(".", 1)[-1] in PRODUCTS and [*lead, heads] in shapes:
            return split if heads not in (1, probe.query_length) else None
        if split is None and any(shape[:3] == lead and len(shape) == 4 for shape in shapes):
            split = call["line"]
    return None


def _one_head_wide(observation: Observation, message: str) -> bool:
    """Whether the output projection was given one head's channels where it wants all of them."""
    found = re.search(r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)", message)
    if not found:
        return False
    products = [
        call for call in observation.answer.get("calls", []) if call["name"].rsplit(".", 1)[-1] in PRODUCTS
    ]
    return len(products) >= 2 and int(found.group(2)) == 6 and int(found.group(3)) == 24


def _hard_coded(observation: Observation, message: str) -> bool:
    """Whether a shape that does not fit holds numbers that come from none of the sizes in play."""
    untrimmed = re.search(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", message)
    if untrimmed:
        return any(
            int(number) == 32 or not _in_play(observation, int(number)) for number in untrimmed.groups()
        )
    found = re.search(r"shape '\[([-\d, ]+)\]' is invalid for input of size", message) or re.search(
        r"mat1 and mat2 shapes cannot be multiplied \(\d+x\d+ and (\d+)x\d+\)", message
    )
    if not found:
        return False
    return not all(_in_play(observation, int(number)) for number in found.group(1).split(","))


def _in_play(observation: Observation, number: int) -> bool:
    """Whether a number can come from the sizes of a call: one of them, or the product of two."""
    probe = observation.probe
    base = (probe.batch, probe.query_length, probe.key_length, 4, 6, 24, 72, 48, 1, 2, 3, 10)
    return number == -1 or number in base or number in {one * two for one in base for two in base}

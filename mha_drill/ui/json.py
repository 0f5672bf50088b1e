"""A report as one JSON object on one line: the contract of `check --json`."""

from __future__ import annotations

import json
from typing import Any

from mha_drill.records import STEPS, Report, StepSide

SCHEMA = 1


def report_line(report: Report) -> str:
    """Return the report as one line of JSON, ASCII only, so that no terminal sign in a file gets through."""
    return json.dumps(report_object(report), ensure_ascii=True)


def report_object(report: Report) -> dict[str, Any]:
    """Return the report as the contract's object."""
    return {
        "schema": SCHEMA,
        "file": report.file,
        "problem": report.problem,
        "verdict": report.verdict,
        "tests": [
            {
                "id": test.id,
                "group": test.group,
                "title": test.title,
                "outcome": test.outcome,
                "message": test.message,
                "ms": test.ms,
            }
            for test in report.tests
        ],
        "mistakes": [
            {
                "code": mistake.code,
                "step": mistake.step,
                "line": mistake.line,
                "yours": mistake.yours,
                "reference": mistake.reference,
                "title": mistake.title,
                "explanation": mistake.explanation,
                "fix": mistake.fix,
                "topic": mistake.topic,
                "proved": mistake.proved,
            }
            for mistake in report.mistakes
        ],
        "notes": list(report.notes),
        "steps": [
            {"step": row.step, "yours": _side(row.yours), "reference": _side(row.reference), "same": row.same}
            for row in report.steps
        ],
        "seconds": {"total": report.seconds_total, "judge": report.seconds_judge},
    }


def error_line(file: str, sentence: str) -> str:
    """Return the object of a file that could not be judged at all."""
    empty: dict[str, Any] = {"schema": SCHEMA, "file": file, "problem": "", "verdict": "error"}
    empty |= {
        "tests": [],
        "mistakes": [],
        "notes": [sentence],
        "steps": [{"step": step, "yours": None, "reference": None, "same": False} for step in STEPS],
        "seconds": {"total": 0.0, "judge": 0.0},
    }
    return json.dumps(empty, ensure_ascii=True)


def _side(side: StepSide | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {"line": side.line, "code": side.code, "shape": None if side.shape is None else list(side.shape)}

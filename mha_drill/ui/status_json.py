"""Where the learner stands as one JSON object: `status --json`."""

from __future__ import annotations

import json
from datetime import date

from mha_drill.progress.status import Status

SCHEMA = 1


def status_line(status: Status) -> str:
    """Return the status as one line of JSON."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "attempts": status.attempts,
            "due": status.due,
            "due_week": status.due_week,
            "new": status.new,
            "waiting": status.waiting,
            "next": _day(status.next_day),
            "streak": status.streak,
            "interview": _day(status.interview),
            "solved": [best.problem for best in status.best],
            "weakest": status.weakest or None,
            "by_step": {
                step.step: {
                    "attempts": step.attempts,
                    "strength": None if step.strength is None else round(step.strength, 4),
                    "due": step.due,
                    "seen": step.seen,
                    "cards": step.cards,
                }
                for step in status.steps
            },
            "best_times": {best.problem: best.quickest for best in status.best},
            "weeks": list(status.weeks),
            "mocks": [
                {
                    "at": sheet.at,
                    "problem": sheet.problem,
                    "verdict": sheet.verdict or None,
                    "score": round(sheet.score, 4),
                    "used": sheet.used,
                    "limit": sheet.limit,
                }
                for sheet in status.mocks
            ],
        }
    )


def _day(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()

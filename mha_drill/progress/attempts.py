"""How the report of a `check` becomes an attempt; called by `check` and by the quiz after a code problem."""

from __future__ import annotations

from mha_drill.records import STEPS, Attempt, Report


def of_report(report: Report, steps: tuple[str, ...], at: float, hints: int = 0) -> Attempt | None:
    """Return the attempt a report stands for, None where the drill itself could not judge.

    steps: the problem's. at: seconds since the epoch. The answer kept is the codes of the mistakes named, and
    `missed` the steps they belong to.
    """
    if report.verdict == "error":
        return None
    return Attempt(
        item=report.problem,
        kind="code",
        steps=steps,
        at=at,
        score=1.0 if report.verdict == "pass" else 0.0,
        answer=" ".join(dict.fromkeys(mistake.code for mistake in report.mistakes)),
        seconds=report.seconds_total,
        hints=hints,
        missed=tuple(step for step in STEPS if any(mistake.step == step for mistake in report.mistakes)),
    )

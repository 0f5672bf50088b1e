"""What the judge holds against a submission, before it is put into words. Judge side."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mha_drill.records import STEPS

_SIDE = re.compile(r"(?:\w+ )?(?:[qkv](?=[kv]$))?([qkv])(?: from \w+)?")


def side_said(variant: str) -> str:
    """Return the side that a variant blames, `q`, `k` or `v`: the last of `qk`, that of `torn k`, of `k from v`."""
    found = _SIDE.fullmatch(variant)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake at one line. variant: which way of making it; proved: the wrong step gave the same numbers."""

    code: str
    step: str
    line: int | None = None
    proved: bool = False
    variant: str = ""
    shapes: tuple[tuple[int, ...], ...] = ()
    detail: str = ""

    @property
    def order(self) -> tuple[int, int]:
        """Where it stands in the report: by step, then by line."""
        steps = (*STEPS, "any", "load")
        return (steps.index(self.step) if self.step in steps else len(steps), self.line or 0)


def distinct(findings: list[Finding]) -> list[Finding]:
    """Return findings by step, one for each code and line."""
    seen: dict[tuple[str, int | None], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.code, finding.line), finding)
    return sorted(seen.values(), key=lambda finding: finding.order)

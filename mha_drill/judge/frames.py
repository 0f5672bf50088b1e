"""The lines of the learner's file that a call comes from: where it stands, and where that was called. Runner side.

Called by the two recorders, `tracing` and `arrays`.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

MOST_FRAMES = 8


def lines_of(path: str) -> list[int]:
    """Return the lines in the file at `path` that are being executed, the innermost first."""
    found: list[int] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(found) < MOST_FRAMES:
        if frame.f_code.co_filename == path:
            found.append(frame.f_lineno)
        frame = frame.f_back
    return found


def placed_call(
    name: str, lines: list[int], inputs: list[int], outputs: list[int], text: str = ""
) -> dict[str, Any]:
    """Return one call as an answer tells it."""
    call = {"name": name, "line": lines[0] if lines else None, "in": inputs, "out": outputs, "args": text}
    return call | ({"via": lines[1:]} if len(lines) > 1 else {})

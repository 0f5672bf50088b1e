"""What a line to the judge begins with: eight bytes that say what for, and the judge's hello. Both sides read this."""

from __future__ import annotations

from typing import Final

LENGTH: Final = 8
CHECK: Final = b"check   "  # a request follows, see `judge.wire`; hello, then the answer, come back
STATUS: Final = b"status  "  # a message comes back
STOP: Final = b"stop    "  # the judge ends at once, and the line with it
RETIRE: Final = b"retire  "  # the judge ends when it has no more to do
HELLO: Final = b"hello"

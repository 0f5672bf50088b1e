"""The first steps of the program, `mha-drill` and `python -m mha_drill` alike: quick, and at no moment deaf to Ctrl-C.

Loading is most of what a short command does, so nothing but this stands before it: a way out for who interrupts
it, no looking for garbage where there is none yet, and at the end no tidying of what the system takes back anyway.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

INTERRUPTED = 130
# Objects made since the garbage was last looked for; loading alone makes tens of thousands, and keeps them.
MANY = 200_000


def main() -> NoReturn:
    """Load the program, run the command that the arguments name, and leave with its exit code."""
    try:
        gc.set_threshold(MANY)
        import signal

        listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if listening:
            signal.signal(signal.SIGINT, _leave_at_once)
        from mha_drill.cli import main as run

        if listening:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run()
    except KeyboardInterrupt:
        _leave_at_once()
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process once what was printed is out; an error that only shows here can no longer be told of."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(code)


def _leave_at_once(number: int = 0, frame: FrameType | None = None) -> NoReturn:
    """Leave where Ctrl-C came before there was a command to end."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()

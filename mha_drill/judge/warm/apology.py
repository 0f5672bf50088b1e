"""What a judge that cannot start tells those who wait for it. Called by `judge.server`.

It takes its address away, so that the next command tries anew, tells everybody who has come by then, and ends.
"""

from __future__ import annotations

import select
import time
from contextlib import suppress

from mha_drill.judge import wire
from mha_drill.judge.warm.entrances import Entrance
from mha_drill.judge.warm.greeting import CHECK, HELLO, LENGTH

# Seconds: how long to wait for one who is about to come, or to say what is wanted.
PATIENCE = 1.0


def apologise(entrance: Entrance, error: Exception) -> None:
    """Tell everybody who waits why there is no judge."""
    entrance.withdraw()
    poll = select.poll()
    poll.register(entrance.fileno(), select.POLLIN)
    while poll.poll(1000 * PATIENCE):
        if (line := entrance.admit()) is None:
            return
        with line, suppress(OSError, wire.Closed, wire.Late):
            line.settimeout(PATIENCE)
            if line.recv(LENGTH) == CHECK:
                wire.receive(line, time.monotonic() + PATIENCE)
                line.sendall(HELLO)
                wire.send(line, reason(error))


def reason(error: Exception) -> dict[str, str]:
    """Return why the judge could not start, as the command reads it."""
    missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else ""
    return {"missing": missing, "unstarted": f"{type(error).__name__}: {error}"}

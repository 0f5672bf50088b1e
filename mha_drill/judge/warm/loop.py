"""The judge's own loop: it lets lines in, gives each a fork, fetches it runners, and ends it when its command goes.

Called by `judge.server`. This process holds everything loaded and never judges itself, so that nothing a check
does can stop the next one: a check that hangs or dies is a fork that is ended. One poll, no thread.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mha_drill import __version__
from mha_drill.judge import wire
from mha_drill.judge.host import Template
from mha_drill.judge.warm.entrances import Entrance
from mha_drill.judge.warm.errands import Errands
from mha_drill.judge.warm.forks import Closes, Fork, Forks
from mha_drill.judge.warm.greeting import CHECK, HELLO, LENGTH, RETIRE, STATUS, STOP

GONE = getattr(select, "POLLRDHUP", 0)  # elsewhere than on Linux a check ends when its answer finds nobody
LOST = GONE | select.POLLHUP | select.POLLERR | select.POLLNVAL
TICK = 60.0
# So long must nobody have come before the judge does something for itself.
QUIET = 0.1


@dataclass(slots=True)
class Guest:
    """One command's line, and the fork that answers it, once its turn has come."""

    line: socket.socket
    greeted: bool = False
    fork: Fork | None = None


class Loop:
    """Serves guests until it is time to leave."""

    def __init__(
        self,
        entrance: Entrance,
        template: Template,
        work: Callable[[Errands], None],
        warm_up: Iterator[None],
    ) -> None:
        self._entrance = entrance
        self._template = template
        self._forks = Forks(template, work, self._foreign)
        self._warm_up = warm_up
        self._warming = False
        self._poll = select.poll()
        self._guests: dict[int, Guest] = {}
        self._errands: dict[int, Guest] = {}
        self._queue: deque[Guest] = deque()
        self._most = max(4, 2 * (os.cpu_count() or 1))
        self._since = time.time()
        self._checks = 0
        self._leaving = False
        self._prepared = False

    def run(self) -> None:
        """Serve until it is time to leave, then end this process."""
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        self._poll.register(self._entrance.fileno(), select.POLLIN)
        try:
            while self._guests or not self._time_to_leave():
                events = self._poll.poll(1000 * self._patience())
                # Who comes in is last: a new line may get the number of one that parts in the same round.
                for descriptor, event in sorted(events, key=self._is_entrance):
                    self._happened(descriptor, event)
                while self._queue and len(self._errands) < self._most:
                    self._begin(self._queue.popleft())
                if not events and not self._guests and not self._leaving:
                    self._get_ready()
        finally:
            self._end()

    def _time_to_leave(self) -> bool:
        """Whether to go, with nobody here: the address goes first, and who came just before that is still served."""
        if not self._leaving and self._entrance.seconds_left() > 0:
            return False
        self._leave()
        while self._admit():
            pass
        return not self._guests

    def _leave(self) -> None:
        if not self._leaving:
            self._leaving = True
            self._entrance.withdraw()

    def _is_entrance(self, event: tuple[int, int]) -> bool:
        return event[0] == self._entrance.fileno()

    def _patience(self) -> float:
        if not self._guests and not self._prepared and self._checks:
            return 0.0 if self._warming else QUIET
        return min(self._entrance.seconds_left() or TICK, TICK)

    def _get_ready(self) -> None:
        """Use the quiet after a check: load what checks use, once, and make the next one's processes."""
        if self._prepared or not self._checks:
            return
        self._warming = next(self._warm_up, self) is None
        if not self._warming:
            self._forks.prepare()
            self._prepared = True

    def _happened(self, descriptor: int, event: int) -> None:
        if descriptor == self._entrance.fileno():
            self._admit()
        elif guest := self._errands.get(descriptor):
            if guest.fork is not None and not self._forks.errand(guest.fork):
                self._part(guest)
        elif guest := self._guests.get(descriptor):
            if event & select.POLLIN and not guest.greeted:
                self._greet(guest)
            elif event & LOST:
                self._part(guest)

    def _admit(self) -> bool:
        line = self._entrance.admit()
        if line is None:
            return False
        self._guests[line.fileno()] = Guest(line)
        self._poll.register(line.fileno(), select.POLLIN | GONE)
        return True

    def _greet(self, guest: Guest) -> None:
        guest.greeted = True
        try:
            wish = guest.line.recv(LENGTH, socket.MSG_DONTWAIT)
            if wish == CHECK:
                guest.line.sendall(HELLO)
                self._queue.append(guest)
                # From here on the fork reads; here only the command's end is heard.
                self._poll.modify(guest.line.fileno(), GONE)
                return
            if wish == STATUS:
                wire.send(guest.line, self._status())
            if wish == STOP:
                self._end()
        except (OSError, wire.Closed):
            wish = b""
        self._part(guest)
        if wish == RETIRE:
            self._leave()

    def _begin(self, guest: Guest) -> None:
        self._checks += 1
        self._prepared = False
        try:
            guest.fork = self._forks.take(guest.line)
        except OSError:  # no process to be had: the command goes on without us
            self._part(guest)
            return
        self._errands[guest.fork.channel.fileno()] = guest
        self._poll.register(guest.fork.channel.fileno(), select.POLLIN)

    def _part(self, guest: Guest) -> None:
        """End a guest's visit and whatever was started for it."""
        with suppress(ValueError):
            self._queue.remove(guest)
        if guest.fork is not None:
            self._poll.unregister(guest.fork.channel.fileno())
            del self._errands[guest.fork.channel.fileno()]
            self._forks.end(guest.fork)
        self._poll.unregister(guest.line.fileno())
        del self._guests[guest.line.fileno()]
        guest.line.close()
        self._entrance.busy()

    def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "version": __version__,
            "since": self._since,
            "checks": self._checks,
            "running": len(self._errands) + len(self._queue),
            "minutes": self._entrance.minutes,
        }

    def _foreign(self) -> Iterator[Closes]:
        """Yield what a fork has no business to hold open."""
        yield self._entrance
        for guest in self._guests.values():
            yield guest.line
            if guest.fork is not None:
                yield guest.fork.channel

    def _end(self) -> None:
        self._forks.kill_all()
        self._entrance.withdraw()
        self._template.close()
        os._exit(0)

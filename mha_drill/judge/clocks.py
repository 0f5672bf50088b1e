"""Clocks that the judge can set forward for one call. Runner side; for `runner` and `laboratory`.

What a right file computes is the same whenever it is asked; one that looks at the time is asked at many times.
Only what the file itself asks is changed: nothing of the drill or of torch goes by these clocks.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

_COUNTED = ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
_BROKEN_DOWN = ("gmtime", "localtime", "ctime")


class Shift:
    """How many seconds the clocks are ahead."""

    seconds = 0.0


class Clock:
    """A function of `time`, ahead by the shift. Like a built-in one, it does not become a method in a class."""

    def __init__(self, read: Callable[..., Any], unit: int) -> None:
        self._read, self._unit = read, unit

    def __call__(self, *which: Any) -> Any:
        """Return what the real clock says, and the shift."""
        now = self._read(*which)
        return now + type(now)(Shift.seconds * self._unit) if Shift.seconds else now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


class Calendar(Clock):
    """A function of `time` that takes seconds, and the present without any."""

    def __call__(self, seconds: float | None = None) -> Any:
        """Return what the real function makes of these seconds, or of the present and the shift."""
        return self._read(_NOW() + Shift.seconds if seconds is None else seconds)


class _Times(Clock):
    """`os.times`: five numbers, each of which goes on."""

    def __call__(self) -> Any:
        """Return what the real one says, and the shift."""
        return os.times_result(number + Shift.seconds for number in self._read())


class _Kind(type):
    """What is a date and time to the real class is one to its stand-in."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _DATETIME)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _DATETIME)


class _Late(datetime.datetime, metaclass=_Kind):
    """`datetime.datetime` while the clocks are ahead."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _DATETIME.now(tz) + datetime.timedelta(seconds=Shift.seconds)

    @classmethod
    def utcnow(cls) -> Any:
        return _DATETIME.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=Shift.seconds)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


_NOW, _DATETIME = time.time, datetime.datetime


def install() -> None:
    """Put these clocks in the place of those of `time`, before a file is run that may take them along."""
    for name in _COUNTED:
        for own, unit in ((name, 1), (f"{name}_ns", 10**9)):
            if hasattr(time, own):
                setattr(time, own, Clock(getattr(time, own), unit))
    os.times = _Times(os.times, 1)
    for name in _BROKEN_DOWN:
        setattr(time, name, Calendar(getattr(time, name), 1))


@contextlib.contextmanager
def ahead(seconds: float, names: dict[str, Any]) -> Iterator[None]:
    """Set all clocks forward for as long as the block lasts; names: the globals of the file."""
    owners = [vars(datetime), names] if seconds else []
    held = [(owner, name) for owner in owners for name, value in owner.items() if value is _DATETIME]
    for owner, name in held:
        owner[name] = _Late
    Shift.seconds = seconds
    try:
        yield
    finally:
        Shift.seconds = 0.0
        for owner, name in held:
            owner[name] = _DATETIME

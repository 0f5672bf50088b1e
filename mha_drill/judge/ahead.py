"""Calls that are sent to a runner before anybody asks for their answers: the file runs while the judge thinks.

Used by `host.Runner`. A call is known by what is sent for it, so whoever asks need not know that it was foreseen;
one that is foreseen and never asked for costs the runner's time alone.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mha_drill.judge.answers import Answer

Asked = tuple[dict[str, Any], Sequence[np.ndarray]]


def key_of(experiment: dict[str, Any], arrays: Sequence[np.ndarray]) -> tuple[Any, ...]:
    """Return what tells a call from every other: all that is sent for it."""
    text = json.dumps(experiment, sort_keys=True)
    return text, *((array.dtype.str, array.shape, array.tobytes()) for array in arrays)


def together(calls: Sequence[Asked]) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Return calls as one message: experiments that refer to one list of arrays."""
    experiments: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    for experiment, own in calls:
        shift = len(arrays)
        moved = dict(experiment)
        for field in ("inputs", "move"):
            if field in moved:
                moved[field] = {name: shift + at for name, at in moved[field].items()}
        if "grad" in moved:
            moved["grad"] = [shift + at for at in moved["grad"]]
        experiments.append(moved)
        arrays += own
    return experiments, arrays


class Ahead:
    """The answers that are on their way, in the order in which they were asked for, and those that have come."""

    def __init__(self) -> None:
        self._due: deque[tuple[Any, ...]] = deque()
        self._stream: Iterator[Answer] = iter(())
        self._come: dict[tuple[Any, ...], Answer | Exception] = {}

    def sent(self, calls: Sequence[Asked], stream: Iterator[Answer]) -> None:
        """Take note of calls whose answers `stream` will yield; those before them have come."""
        self._due.extend(key_of(*call) for call in calls)
        self._stream = stream

    def take(self, experiment: dict[str, Any], arrays: Sequence[np.ndarray]) -> Answer | None:
        """Return the answer to a call that was foreseen, None where it was not; raise what its wait for it raised."""
        if not self._due and not self._come:
            return None
        key = key_of(experiment, arrays)
        while key not in self._come and key in self._due:
            self._next()
        found = self._come.pop(key, None)
        if isinstance(found, Exception):
            raise found
        return found

    def finish(self) -> None:
        """Wait for everything that is on its way: the line is free then."""
        while self._due:
            self._next()

    def forget(self) -> None:
        """Expect nothing more: the runner has ended."""
        self._due.clear()

    def _next(self) -> None:
        key = self._due.popleft()
        try:
            self._come[key] = next(self._stream)
        except Exception as error:  # belongs to who asks for this call, not to who waits now
            self._come[key] = error
            self._due.clear()

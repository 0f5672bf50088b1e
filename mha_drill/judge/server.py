"""The judge: a process that holds the reference and the hidden tests, and answers checks. It never imports the
learner's file: runners do.

Run as `python -m mha_drill.judge.server`, by `warm.doors`: `private FD` serves the one command at the other end
of that socket, `warm LISTENER LOCK ADDRESS LOCKFILE MINUTES` all of a user's until nobody has come for a while.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mha_drill.judge import template, wire
from mha_drill.judge.warm.apology import apologise
from mha_drill.judge.warm.entrances import Entrance, OwnEntrance, SharedEntrance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mha_drill.judge.host import Spawns, Template
    from mha_drill.judge.warm.errands import Errands

# A command sends its request with its greeting; what is so late comes from a command that is gone or stopped.
LATEST = 60.0
# The judge reads a file's expressions by recursion; Python compiles some that are nested a thousand deep.
DEEPEST = 6_000


def main(words: list[str]) -> None:
    """Load everything, serve the entrance that the words describe, then end."""
    if words[0] == "warm" and os.fork():
        os._exit(0)  # what goes on is nobody's child
    try:
        layers = template.load()
        born = template.fork_off(layers)  # it has seen nothing so far, not even whom this judge serves
        from mha_drill.judge.host import Template
        from mha_drill.judge.warm.loop import Loop

        judge = Judge()
    except Exception as error:
        apologise(entrance_of(words), error)
        return
    runners = Template(born)
    signal.signal(signal.SIGCHLD, lambda *_: runners.tidy())
    Loop(entrance_of(words), runners, judge.work, judge.warm_up(runners)).run()


def entrance_of(words: list[str]) -> Entrance:
    """Return where lines come in, and let go of the lock that says that this judge is being started."""
    if words[0] == "private":
        return OwnEntrance(int(words[1]))
    listener, lock, address, lock_file, minutes = words[1:]
    os.close(int(lock))
    return SharedEntrance(int(listener), Path(address), Path(lock_file), float(minutes))


class Judge:
    """Judges files, in forks of the process that loaded it."""

    def __init__(self) -> None:
        import mha_drill.judge.judging  # noqa: F401

    def work(self, errands: Errands) -> None:
        """Wait in a fork for a command's line, and answer the one request that comes over it."""
        if errands.ahead:
            from mha_drill.judge.rehearsal import rehearse

            rehearse(errands.asked)
        line = errands.line()
        if line is None:
            return
        try:
            request, _ = wire.receive(line, time.monotonic() + LATEST)
            with contextlib.ExitStack() as after:
                wire.send(line, self.answer(request, errands, after))
        except (wire.Closed, wire.Late):
            return

    def answer(self, request: dict[str, Any], spawns: Spawns, after: contextlib.ExitStack) -> dict[str, Any]:
        """Return `{"report": ...}`, or `{"usage": key, "values": ...}`, or `{"broke": ...}` with the traceback.

        after: gets what can wait until the answer is sent, the runner's end.
        """
        import traceback

        from mha_drill.errors import UsageError

        try:
            return {"report": asdict(self.check(request, spawns, after))}
        except UsageError as error:
            return {"usage": error.key, "values": {name: str(value) for name, value in error.values.items()}}
        except Exception:
            return {"broke": traceback.format_exc()}

    def check(self, request: dict[str, Any], spawns: Spawns, after: contextlib.ExitStack) -> Any:
        """Judge one file; return its Report."""
        from mha_drill.catalog import load_catalog
        from mha_drill.errors import DrillError, UsageError
        from mha_drill.judge.host import Runner
        from mha_drill.judge.judging import judge_file

        started = time.perf_counter()
        sys.setrecursionlimit(DEEPEST)
        catalog = load_catalog(Path(request["root"]))
        if request["problem"] is not None and catalog.problem(request["problem"]).code is None:
            known = ", ".join(problem.id for problem in catalog.problems if problem.code is not None)
            raise UsageError("check.not-code", problem=request["problem"], known=known)
        setting = {"environ": request["environ"]}
        runner = Runner(spawns, request["path"], request["source"], request["time_limit"], setting)
        after.callback(runner.close)
        report, broken = judge_file(runner, catalog, request, started)
        if broken:
            raise DrillError("check.judge-broke", reason=broken[0])
        return report

    def warm_up(self, template: Template) -> Iterator[None]:
        """Judge each reference, right and mistaken, so that every fork from then on finds loaded what checks load."""
        import gc

        from mha_drill.catalog import load_catalog
        from mha_drill.judge.rehearsal import examples

        catalog = load_catalog()
        for problem in catalog.problems:
            for path, source in examples(catalog, problem):
                request = {
                    "file": path.name,
                    "path": str(path),
                    "source": source,
                    "problem": problem.id,
                    "class": None,
                    "lang": "en",
                    "time_limit": 10.0,
                    "root": str(catalog.root),
                    "environ": dict(os.environ),
                }
                with contextlib.ExitStack() as after:
                    self.answer(request, template, after)
                yield
        gc.collect()
        gc.freeze()


if __name__ == "__main__":
    main(sys.argv[1:])

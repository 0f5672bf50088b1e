"""The judge: a process that holds the reference and the hidden tests, and answers checks over a socket.

Run as `python -m mha_drill.judge.server FD`; the command talks to it through `client`. It never imports the
learner's file: runners do.
"""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mha_drill.judge import wire
from mha_drill.judge.host import Template, single_threaded
from mha_drill.judge.lifeline import die_with


def main(descriptor: int, command: int) -> None:
    """Answer checks until the command, of that process id, closes its end."""
    die_with(command)
    channel = socket.socket(fileno=descriptor)
    template = Template()
    judge = None
    try:
        while True:
            try:
                request, _ = wire.receive(channel)
            except wire.Closed:
                return
            if judge is None:
                judge = Judge(template)
            wire.send(channel, judge.answer(request))
    finally:
        template.close()


class Judge:
    """Answers one check after another."""

    def __init__(self, template: Template) -> None:
        single_threaded()
        import torch

        torch.set_num_threads(1)
        self.template = template

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return `{"report": ...}`, or `{"usage": key, "values": ...}`, or `{"broke": ...}` with the traceback."""
        import traceback

        from mha_drill.errors import UsageError

        try:
            return {"report": asdict(self.check(request))}
        except UsageError as error:
            return {"usage": error.key, "values": {name: str(value) for name, value in error.values.items()}}
        except Exception:
            return {"broke": traceback.format_exc()}

    def check(self, request: dict[str, Any]) -> Any:
        """Judge one file; return its Report."""
        from mha_drill.catalog import load_catalog
        from mha_drill.errors import DrillError, UsageError
        from mha_drill.judge.host import Runner
        from mha_drill.judge.judging import judge_file

        started = time.perf_counter()
        catalog = load_catalog(Path(request["root"]))
        if request["problem"] is not None and catalog.problem(request["problem"]).code is None:
            known = ", ".join(problem.id for problem in catalog.problems if problem.code is not None)
            raise UsageError("check.not-code", problem=request["problem"], known=known)
        runner = Runner(self.template, request["path"], request["source"], request["time_limit"])
        try:
            report, broken = judge_file(runner, catalog, request, started)
        finally:
            runner.close()
        if broken:
            raise DrillError("check.judge-broke", reason=broken[0])
        return report


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

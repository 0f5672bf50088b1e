"""Who is late and wants the processor is waited for; who computes or sleeps is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mha_drill.judge import starving
from mha_drill.judge.starving import MOST, Patience, Worked, worked

RUNNING, SLEEPING = Worked("R", 1.2), Worked("S", 1.2)


@pytest.mark.parametrize(
    ("before", "now", "passed", "wanted"),
    [
        (Worked("R", 1.0), RUNNING, 10.0, True),
        (Worked("R", 1.0), Worked("D", 1.2), 10.0, True),
        (Worked("R", 1.0), RUNNING, 0.4, False),
        (Worked("R", 1.0), SLEEPING, 10.0, False),
        (None, RUNNING, 10.0, False),
        (Worked("R", 1.0), None, 10.0, False),
    ],
)
def test_who_wants_the_processor_and_has_little_of_it_is_starving(
    before: Worked | None, now: Worked | None, passed: float, wanted: bool
) -> None:
    assert starving.starving(before, now, passed) is wanted


def test_the_limit_is_put_off_some_times_and_not_beyond_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starving, "worked", lambda _: RUNNING)
    patience = Patience(1, 5.0, time.monotonic() + 1000)
    time.sleep(0.01)
    assert [patience.more() for _ in range(MOST + 1)][-1] == 0.0
    assert 0 < Patience(1, 5.0, time.monotonic() + 2).more() <= 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says it")
def test_the_kernel_tells_who_works_and_who_waits() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    ) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        time.sleep(0.2)
        told = worked(busy.pid)
        busy.send_signal(signal.SIGKILL)
    assert told is not None
    assert told.state == "R"
    with subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    ) as idle:
        assert idle.stdout is not None
        idle.stdout.readline()
        time.sleep(0.2)
        told = worked(idle.pid)
        idle.send_signal(signal.SIGKILL)
    assert told is not None
    assert told.state == "S"
    assert worked(None) is None
    mine = worked(os.getpid())
    assert mine is not None
    assert mine.seconds > 0

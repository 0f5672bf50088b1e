"""Driving the real program as a learner does: through a pipe, and through a pseudo-terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07|\r")


def drill(
    *arguments: str,
    typed: str | bytes = "",
    cwd: Path | None = None,
    python: tuple[str, ...] = (),
    patience: float = 60,
    **environ: str,
) -> subprocess.CompletedProcess[str]:
    """Run `mha-drill` with `typed` piped in; `environ` is laid over the test's own environment."""
    given = typed.encode() if isinstance(typed, str) else typed
    done = subprocess.run(
        [sys.executable, *python, "-m", "mha_drill", *arguments],
        input=given,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **environ},
        timeout=patience,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


class Terminal:
    """A learner at a terminal of `width` columns."""

    def __init__(self, *arguments: str, width: int = 80, cwd: Path | None = None, **environ: str) -> None:
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "mha_drill", *arguments],
            env={**os.environ, "TERM": "xterm-256color", **environ},
            cwd=str(cwd) if cwd else None,
            dimensions=(60, width),
            encoding="utf-8",
            timeout=30,
            echo=False,
        )
        self._child.delaybeforesend = None
        self.raw = ""

    def prompt(self) -> str:
        """Wait for the prompt; return what was shown since the last one, without colours."""
        self._child.expect(r"(?:^|\n|\x1b\[\?2004h)> (?:$|(?=\x1b))")
        return self._shown()

    def prompts(self, count: int) -> None:
        """Wait for so many prompts with nothing but what was typed between them."""
        for _ in range(count):
            self._child.expect_exact("> ")

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self._child.send(line + "\r")

    def press_ctrl_c(self) -> None:
        """Interrupt; again when nothing comes of it: CPython misses one in the instant before it waits."""
        self._child.send("\x03")
        for _ in range(5):
            if self._child.expect([r"[^^C\x03]", pexpect.EOF, pexpect.TIMEOUT], timeout=4) < 2:
                break
            self._child.send("\x03")

    def press_ctrl_d(self) -> None:
        """End the input."""
        self._child.send("\x04")

    def end(self) -> tuple[str, int | None]:
        """Wait for the end; return what was shown and the exit code."""
        self._child.expect(pexpect.EOF)
        shown = self._shown()
        self._child.close()
        return shown, self._child.exitstatus

    def _shown(self) -> str:
        self.raw += self._child.before + (self._child.after if isinstance(self._child.after, str) else "")
        return ANSI.sub("", self._child.before)

"""A short answer written in the learner's own editor; called by the quiz's screen."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mha_drill.errors import DrillError

USUAL_EDITORS = ("editor", "nano", "vi", "notepad")
CUT = "-" * 24


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the editor asked for by `VISUAL` or `EDITOR`, else the first usual one that is there."""
    asked = environ.get("VISUAL") or environ.get("EDITOR")
    if asked:
        try:
            return shlex.split(asked, posix=os.name != "nt")
        except ValueError as error:
            raise DrillError("quiz.no-editor", editor=asked, reason=str(error)) from error
    return [next((name for name in USUAL_EDITORS if shutil.which(name)), USUAL_EDITORS[-2])]


def edited(
    lines: Sequence[str], prompt: str, below: str, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Return the lines written, beginning with `lines`; the question stands below a cut and is left out.

    Raises DrillError when the editor cannot be started or fails.
    """
    command = editor_command(os.environ if environ is None else environ)
    cut = f"# {CUT} {below}"
    with tempfile.TemporaryDirectory(prefix="mha-drill-") as folder:
        path = Path(folder, "answer.md")
        quoted = "\n".join(f"# {line}".rstrip() for line in prompt.splitlines())
        path.write_text("\n".join([*lines, "", cut, quoted, ""]), encoding="utf-8")
        try:
            with _left_to_the_editor():
                code = subprocess.run([*command, str(path)], check=False).returncode
            written = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            reason = error.strerror or str(error)
            raise DrillError("quiz.no-editor", editor=command[0], reason=reason) from error
    if code:
        raise DrillError("quiz.editor-failed", editor=command[0], code=code)
    kept = written.split(f"# {CUT}", 1)[0].strip()
    return kept.splitlines()


@contextmanager
def _left_to_the_editor() -> Iterator[None]:
    """Let Ctrl-C reach the editor alone; ignoring it outright would be inherited by the editor."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

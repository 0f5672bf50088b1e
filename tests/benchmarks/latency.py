"""How long a learner waits, beside `import torch` measured in the same run: the table of the README.

    make bench                 (ARGS='--rounds 20')

The rounds are interleaved, so that a machine that slows down slows everything; each figure is a median.
`unit` is the time of `python -c "import torch"`: nothing a learner does should be felt beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pexpect

from mha_drill.judge.warm.roll import stop_judges, warm_judges

ROOT = Path(__file__).resolve().parent.parent.parent
DRILL = (sys.executable, "-m", "mha_drill")
FILES = 100


class Bench:
    """A learner's folder and environment, with a warm judge of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "run").mkdir(mode=0o700)
        wanted = {"MHA_DRILL_HOME": str(folder / "record"), "XDG_RUNTIME_DIR": str(folder / "run")}
        self.environ = os.environ | wanted | {"PYTHONPATH": str(ROOT), "CI": "", "MHA_DRILL_WARM": ""}
        self.right = (ROOT / "solutions" / "mha.py").read_text(encoding="utf-8")
        self.wrong = self.right.replace("/ math.sqrt(d)", "* math.sqrt(d)", 1)
        (folder / "right.py").write_text(self.right, encoding="utf-8")
        (folder / "wrong.py").write_text(self.wrong, encoding="utf-8")
        (folder / "watched.py").write_text(self.right, encoding="utf-8")
        self.many = [folder / f"many{number}.py" for number in range(FILES)]
        for path in self.many:
            path.write_text(self.right, encoding="utf-8")
        self._watch: pexpect.spawn[str] | None = None
        self._is_right = True

    def run(self, *command: str) -> float:
        """Run one command with nothing on its standard input, and return how long it took."""
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        taken = time.perf_counter() - begun
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()}")
        return taken

    def first_check(self) -> float:
        """Return how long a check takes that has to start the judge, and leave the judge."""
        self.end_watch()
        stop_judges(self.environ)
        taken = self.run(*DRILL, "check", "right.py")
        self.settle()
        return taken

    def later_check(self, name: str) -> float:
        """Return how long a check takes some seconds after another."""
        self.settle()
        return self.run(*DRILL, "check", name)

    def settle(self) -> None:
        """Let the judge get ready for the next check, as it does while a learner types."""
        time.sleep(2.0)

    def save_to_verdict(self) -> float:
        """Return how long after a save `watch` shows the new verdict."""
        self.settle()
        signs = {True: "right since", False: "not right, checked"}
        if self._watch is None:
            self._watch = pexpect.spawn(
                sys.executable,
                ["-m", "mha_drill", "watch", "--lang", "en", "watched.py"],
                cwd=str(self.folder),
                env={**self.environ, "TERM": "xterm"},
                dimensions=(24, 80),
                encoding="utf-8",
                timeout=120,
            )
            self._watch.expect(signs[self._is_right])
            time.sleep(1.0)
        self._is_right = not self._is_right
        begun = time.perf_counter()
        (self.folder / "watched.py").write_text(
            self.right if self._is_right else self.wrong, encoding="utf-8"
        )
        self._watch.expect(signs[self._is_right])
        return time.perf_counter() - begun

    def end_watch(self) -> None:
        """End `watch`."""
        if self._watch is not None:
            self._watch.send("q")
            self._watch.expect(pexpect.EOF)
            self._watch.close()
            self._watch = None

    def megabytes(self) -> float:
        """Return what the judge and all it keeps ready hold of the memory."""
        return sum(judge.megabytes or 0.0 for judge in warm_judges(self.environ))

    def rows(self) -> dict[str, Callable[[], float]]:
        """Return what is timed, by the name it has in the table."""
        return {
            'python -c "import torch"': lambda: self.run(sys.executable, "-c", "import torch"),
            "check, the first: it starts the judge": self.first_check,
            "check, a right file": lambda: self.later_check("right.py"),
            "check, a wrong file": lambda: self.later_check("wrong.py"),
            "watch, from save to verdict": self.save_to_verdict,
            f"check, {FILES} files in one call": lambda: self.run(*DRILL, "check", *map(str, self.many)),
            "quiz, to its first question": lambda: self.run(
                *DRILL, "quiz", "--kind", "choice", "--count", "1"
            ),
            "explain view": lambda: self.run(*DRILL, "explain", "view"),
            "list": lambda: self.run(*DRILL, "list"),
            "--help": lambda: self.run(*DRILL, "--help"),
            "python -c pass": lambda: self.run(sys.executable, "-c", "pass"),
        }


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often each is run (default: 10)")
    rounds = parser.parse_args().rounds
    # A folder with a short name: a socket's address has no room for a long one.
    folder = Path(tempfile.mkdtemp(prefix="mha-"))
    bench = Bench(folder)
    try:
        taken: dict[str, list[float]] = {label: [] for label in bench.rows()}
        for number in range(rounds + 1):
            for label, measure in bench.rows().items():
                seconds = measure()
                if number:  # the first round reads the disk
                    taken[label].append(seconds)
        bench.end_watch()
        bench.settle()
        megabytes = bench.megabytes()
    finally:
        bench.end_watch()
        stop_judges(bench.environ)
        shutil.rmtree(folder, ignore_errors=True)
    unit = statistics.median(next(iter(taken.values())))
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ",
        end="",
    )
    print(
        f"torch {version('torch')}; medians of {rounds}; the judge, idle, with all it keeps ready: {megabytes:.0f} MB\n"
    )
    print("| | seconds | `import torch` = 1 |\n|---|---|---|")
    for label, values in taken.items():
        median = statistics.median(values)
        print(f"| {label} | {median:.2f} | {median / unit:.2f} |")


if __name__ == "__main__":
    main()

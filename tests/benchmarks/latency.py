"""How long the commands take as whole processes, beside `import torch` measured in the same run.

    make bench                 (ARGS='--rounds 20')

The rounds are interleaved, so that a machine that slows down slows everything; each figure is a median.
`unit` is the time of `python -c "import torch"`: nothing a learner does should be felt beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DRILL = (sys.executable, "-m", "mha_drill")


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return what is timed, by the name it has in the table."""
    right = ROOT / "solutions" / "mha.py"
    wrong = folder / "wrong.py"
    wrong.write_text(right.read_text(encoding="utf-8").replace(".softmax(", ".sigmoid(", 1), encoding="utf-8")
    return {
        "import torch": (sys.executable, "-c", "import torch"),
        "python": (sys.executable, "-c", "pass"),
        "--help": (*DRILL, "--help"),
        "list": (*DRILL, "list"),
        "quiz, to its first question": (*DRILL, "quiz", "--kind", "choice", "--count", "1"),
        "explain view": (*DRILL, "explain", "view"),
        "check, a right file": (*DRILL, "check", str(right)),
        "check, a wrong file": (*DRILL, "check", str(wrong)),
    }


def seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    """Run one command with nothing on its standard input, and return how long it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    taken = time.perf_counter() - begun
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()}")
    return taken


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often each is run (default: 10)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        environment = dict(
            os.environ, MHA_DRILL_HOME=str(Path(name, "record")), PYTHONPATH=str(ROOT), MHA_DRILL_WARM="0"
        )
        timed = commands(Path(name))
        taken: dict[str, list[float]] = {label: [] for label in timed}
        for command in timed.values():
            seconds(command, environment)  # the first run reads the disk
        for _ in range(rounds):
            for label, command in timed.items():
                taken[label].append(seconds(command, environment))
    unit = statistics.median(taken["import torch"])
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, {machine}")
    print(f"{'':30}{'seconds':>9}{'unit':>9}   medians of {rounds}")
    for label, values in taken.items():
        median = statistics.median(values)
        print(f"{label:30}{median:9.3f}{median / unit:9.2f}")


if __name__ == "__main__":
    main()

"""How long `review` takes to its first card after a thousand answers, beside `import torch` in the same run.

    python tests/benchmarks/review_start.py            (--rounds 20)

The answers are spread over forty days and every card, so that the schedule has all of them to reckon with.
The rounds are interleaved; each figure is a median. The target is 0.15 of an `import torch`.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mha_drill.progress import Store
from mha_drill.records import Attempt
from mha_drill.sitting import whole_stock

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS = 1000
DAYS = 40.0


def fill(path: Path) -> None:
    """Answer a thousand times, as somebody would over forty days."""
    chance = random.Random(1)
    stock = whole_stock()
    store = Store(path)
    for number in range(ANSWERS):
        card = chance.choice(stock)
        at = time.time() - DAYS * 86_400 * (1 - number / ANSWERS)
        score = chance.choice([0.0, 0.5, 1.0, 1.0, 1.0])
        store.record(Attempt(card.item, card.kind, card.steps, at, score, "", 5.0))
    store.close()


def seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    """Run a command until its input ends, and return how long it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    taken = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return taken


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often each is run (default: 10)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name, "progress.sqlite3"))
        environment = dict(os.environ, MHA_DRILL_HOME=name, PYTHONPATH=str(ROOT))
        drill = (sys.executable, "-m", "mha_drill")
        timed = {
            "import torch": (sys.executable, "-c", "import torch"),
            "review, to its first card": (*drill, "review"),
            "quiz, to its first question": (*drill, "quiz", "--count", "1"),
            "status": (*drill, "status"),
        }
        taken: dict[str, list[float]] = {label: [] for label in timed}
        for round_number in range(rounds + 1):
            for label, command in timed.items():
                found = seconds(command, environment)
                if round_number:  # the first reads the disk
                    taken[label].append(found)
    unit = statistics.median(taken["import torch"])
    for label, values in taken.items():
        median = statistics.median(values)
        print(f"{label:30}{median:9.3f}{median / unit:9.3f}   medians of {rounds}")


if __name__ == "__main__":
    main()

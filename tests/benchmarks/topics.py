"""How long `explain` takes for each topic as a whole process, beside `import torch` measured in the same run.

    python tests/benchmarks/topics.py                (--rounds 20)

The rounds are interleaved; each figure is a median. The target is 0.15 of `import torch`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from latency import DRILL, ROOT, seconds

TARGET = 0.15


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often each is run (default: 10)")
    rounds = parser.parse_args().rounds
    names = sorted(path.stem for path in (ROOT / "mha_drill" / "explain" / "topics").glob("*.toml"))
    timed = {"import torch": (sys.executable, "-c", "import torch"), "(the list)": (*DRILL, "explain")}
    timed |= {name: (*DRILL, "explain", name) for name in names}
    taken: dict[str, list[float]] = {label: [] for label in timed}
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, MHA_DRILL_HOME=str(Path(folder, "record")), PYTHONPATH=str(ROOT))
        for command in timed.values():
            seconds(command, environment)  # the first run reads the disk
        for _ in range(rounds):
            for label, command in timed.items():
                taken[label].append(seconds(command, environment))
    unit = statistics.median(taken["import torch"])
    print(f"{'':14}{'seconds':>9}{'unit':>9}   medians of {rounds}; the target is {TARGET}")
    for label, values in taken.items():
        median = statistics.median(values)
        print(f"{label:14}{median:9.3f}{median / unit:9.3f}")


if __name__ == "__main__":
    main()

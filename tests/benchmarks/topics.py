"""How long `explain` takes for each topic as a whole process, beside `import torch` measured in the same run.

    python tests/benchmarks/topics.py                (--rounds 20)

The rounds are interleaved; each figure is a median. The target is 0.15 of `import torch`. On a busy machine the
clock tells little: read the column of processor time.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from latency import DRILL, ROOT

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
    taken: dict[str, list[tuple[float, float]]] = {label: [] for label in timed}
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, MHA_DRILL_HOME=str(Path(folder, "record")), PYTHONPATH=str(ROOT))
        for command in timed.values():
            seconds(command, environment)  # the first run reads the disk
        for _ in range(rounds):
            for label, command in timed.items():
                taken[label].append(seconds(command, environment))
    medians = {
        label: [statistics.median(each) for each in zip(*taken[label], strict=True)] for label in timed
    }
    unit = medians["import torch"]
    print(
        f"{'':14}{'clock':>9}{'unit':>9}{'processor':>12}{'unit':>9}   medians of {rounds}; target {TARGET}"
    )
    for label, (clock, processor) in medians.items():
        shown = f"{clock:9.3f}{clock / unit[0]:9.3f}{processor:12.3f}{processor / unit[1]:9.3f}"
        print(f"{label:14}{shown}")


def seconds(command: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Return how long a command takes, by the clock and of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()

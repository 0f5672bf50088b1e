"""How much memory a call of `check` takes at most, with the judge it uses, for few files and for many.

Run as `python tests/benchmarks/many_files.py`. Memory is proportional set size, sampled while the command runs: of
the command and all processes below it, which are the judge and its runners, for the judge is one of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COUNTS = (20, 200)
EVERY = 0.05


def below(process: int) -> list[int]:
    """Return a process and all its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
                )
            except OSError:
                continue
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def megabytes(process: int) -> float:
    """Return the proportional set size of one process; 0 for one that has just ended."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def peaks(paths: list[Path], environ: dict[str, str]) -> tuple[float, float]:
    """Return the most memory, in megabytes, of the command alone and of everything together."""
    command = [sys.executable, "-m", "mha_drill", "check", "--cold", *map(str, paths)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as call:
        alone = together = 0.0
        while call.poll() is None:
            sizes = [megabytes(process) for process in below(call.pid)]
            alone, together = max(alone, sizes[0]), max(together, sum(sizes))
            time.sleep(EVERY)
    return alone, together


def main() -> None:
    """Measure, and print a line for each number of files."""
    source = (ROOT / "solutions" / "mha.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        environ = os.environ | {"MHA_DRILL_HOME": folder, "PYTHONPATH": str(ROOT)}
        paths = [Path(folder) / f"file{number}.py" for number in range(max(COUNTS))]
        for path in paths:
            path.write_text(source, encoding="utf-8")
        first: tuple[float, float] | None = None
        for count in COUNTS:
            alone, together = peaks(paths[:count], environ)
            first = first or (alone, together)
            print(
                f"{count:4} files: the command {alone:5.0f} MB ({alone / first[0]:.2f}),"
                f" with judge and runners {together:5.0f} MB ({together / first[1]:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()

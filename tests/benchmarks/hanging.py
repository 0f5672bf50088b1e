"""How long the hanging files of `tests/submissions/` hold `check` up, over what is promised; on a quiet machine.

Promised: two time limits and two seconds, three limits and two seconds for an import. `--limits 1,3,10` are the
limits tried, two files at a time; the time is that of the whole command, the start of Python included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SUBMISSIONS = Path(__file__).parents[1] / "submissions"


def seconds(path: Path, limit: float, environ: dict[str, str]) -> tuple[float, str]:
    """Return how long the command took over a file, and the code it named."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mha_drill", "check", "--json", f"--time-limit={limit:g}", str(path)],
        capture_output=True,
        env=environ,
        check=False,
    )
    took = time.perf_counter() - started
    mistakes = json.loads(done.stdout)["mistakes"]
    return took, ",".join(mistake["code"] for mistake in mistakes)


def main() -> int:
    """Measure, print one line a file and limit, and say whether all of them are inside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", default="1,3,10")
    parser.add_argument("--only", default="hangs")
    options = parser.parse_args()
    files = sorted(path for path in SUBMISSIONS.glob("*.py") if options.only in path.name)
    files = [path for path in files if "# hangs" in path.read_text(encoding="utf-8")]
    worst = 0.0
    with tempfile.TemporaryDirectory() as home:
        environ = os.environ | {"MHA_DRILL_HOME": home, "XDG_RUNTIME_DIR": home}
        environ.pop("CI", None)
        seconds(SUBMISSIONS / "right.py", 10, environ)  # starts the judge
        for limit in map(float, options.limits.split(",")):
            with ThreadPoolExecutor(2) as pool:
                found = list(pool.map(lambda path, limit=limit: seconds(path, limit, environ), files))
            for path, (took, codes) in zip(files, found, strict=True):
                promised = limit * (3 if path.stem == "hangs-at-import" else 2) + 2
                worst = max(worst, took / promised)
                print(
                    f"{path.stem:34} limit {limit:4g}   took {took:6.2f}   promised {promised:4g}   {codes}",
                    flush=True,
                )
        subprocess.run(
            [sys.executable, "-m", "mha_drill", "judge", "stop"],
            env=environ,
            capture_output=True,
            check=False,
        )
    print(f"worst: {worst:.2f} of what is promised")
    return int(worst > 1)


if __name__ == "__main__":
    sys.exit(main())

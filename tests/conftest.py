"""What every test stands on: a home of its own, no colour, no judge left behind, no luck.

A test that wants something else (a language, a warm judge, a width) sets it in the environment it gives to
its own process.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# No timing decides a test; CI tries the same examples every time.
settings.register_profile("drill", deadline=None)
settings.register_profile("drill-ci", deadline=None, derandomize=True, database=None)
settings.load_profile("drill-ci" if os.environ.get("CI") else "drill")

_UNSET = (
    "COLUMNS", "EDITOR", "FORCE_COLOR", "LC_ALL", "LC_MESSAGES", "LINES", "MHA_DRILL_WARM", "NO_COLOR",
    "PYTHONPATH", "VISUAL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)  # fmt: skip
_numbers = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a snapshot be written anew instead of compared."""
    parser.addoption("--update-snapshots", action="store_true", help="write the snapshots anew")


def pytest_configure(config: pytest.Config) -> None:
    """Move the whole run, processes it starts included, out of the developer's home."""
    home = Path(tempfile.mkdtemp(prefix="mha-drill-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    for name in _UNSET:
        os.environ.pop(name, None)
    os.environ.update(HOME=str(home), MHA_DRILL_HOME=str(home / "drill"), LANG="C.UTF-8", CI="true")


@pytest.fixture(autouse=True)
def own_record(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a place for a record of its own, not made yet, so that none reads what another wrote."""
    folder = Path(os.environ["HOME"], f"record-{next(_numbers)}")
    monkeypatch.setenv("MHA_DRILL_HOME", str(folder))
    return folder

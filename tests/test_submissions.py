"""Files that do their worst, and files that only look odd: each gets what its first lines say, and harms nobody.

`tests/submissions/` holds them as data: `# must: VERDICT CODE...` (one of the codes, `*` for any), `# note: WORDS`
that a note must have, `# hangs` for those that are given one second.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from driving import drill

import mha_drill
from mha_drill.catalog import load_catalog
from mha_drill.judge.sandbox import LAYER_NAMES, layers, variable

SUBMISSIONS = Path(__file__).parent / "submissions"
SOLUTION = load_catalog().root / "solutions" / "mha.py"
HANGING, ALONE = "# hangs", ("slow-at-every-call",)
# What must be the same whichever one layer is missing: another holds.
WITHOUT_ONE = """
    right sibling-module uses-a-temporary-file exits-in-forward connects writes-over-itself writes-home
    imports-the-reference reads-the-solution runs-a-command patched-sender signals-nobody-else
""".split()
# What is not the same, each by the one layer that holds it; it harms nobody all the same.
OTHERWISE = {
    "landlock": "links-out reads-another-folder reads-the-machine",
    "seccomp": """
        becomes-another-program changes-modes daemon forks listens memory-file multiprocessing unix-socket
    """,
    "namespaces": "",
    "limits": "eats-mapped-memory eats-memory-at-import",
}
# Every submission with every layer off takes some minutes: `MHA_DRILL_TEST_LAYERS=all`.
EACH = os.environ.get("MHA_DRILL_TEST_LAYERS") == "all"


@dataclass(frozen=True)
class Told:
    """One submission: its path, and what its first lines say it must get."""

    path: Path
    verdict: str
    codes: frozenset[str]
    notes: tuple[str, ...]
    hangs: bool

    @property
    def name(self) -> str:
        return self.path.stem


def read(path: Path) -> Told:
    text = (path / "answer.py" if path.is_dir() else path).read_bytes().decode("utf-8", "replace")
    must = re.search(r"^# must: (\w+)(.*)$", text, re.MULTILINE)
    assert must is not None, path
    notes = re.findall(r"^# note: (.*?)\r?$", text, re.MULTILINE)
    return Told(path, must[1], frozenset(must[2].split()), tuple(notes), HANGING in text)


ALL = [read(path) for path in sorted(SUBMISSIONS.iterdir())]
BY_NAME = {told.name: told for told in ALL}


@dataclass
class Ward:
    """A folder of submissions as they were laid, what each call printed, and what was found afterwards."""

    found: dict[str, dict[str, Any]]
    printed: str
    exit_codes: list[int]
    before: dict[str, tuple[Any, ...]]
    after: dict[str, tuple[Any, ...]]
    left: list[str]
    seconds: dict[str, float]


def seen(*roots: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below folders: names, contents, modes and times."""
    found = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            status = path.lstat()
            data = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (status.st_mode, status.st_mtime_ns, data)
    return found


def run(folder: Path, some: list[Told], limit: float, mark: str, **environ: str) -> Ward:
    """Check submissions in one call, with a good file at the end, and look at what is left of it."""
    own, home, temporary = folder / "own", folder / "home", folder / "tmp"
    for place in (own, home, temporary, folder / "elsewhere"):
        place.mkdir(parents=True)
    (folder / "elsewhere" / "private.txt").write_text("private")
    names = []
    for told in [*some, BY_NAME["right"]]:
        if told.path.is_dir():
            shutil.copytree(told.path, folder / told.name, ignore=shutil.ignore_patterns("__pycache__"))
            names.append(str(Path("..", told.name, "answer.py")))
        else:
            shutil.copy(told.path, own)
            names.append(told.path.name)
    outside = [Path(place) for place in ("/dev/shm", "/tmp", str(Path.home()))]
    places = [own, home, folder / "elsewhere", *(folder / told.name for told in some if told.path.is_dir())]
    before = seen(*places)
    done = drill(
        "check", "--json", f"--time-limit={limit:g}", *names, cwd=own, patience=1800 if EACH else 900,
        MARK=mark, HOME=str(home), TMPDIR=str(temporary), MHA_DRILL_TEST_SOLUTION=str(SOLUTION), **environ,
    )  # fmt: skip
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["file"] for item in objects] == names, done.stderr
    assert objects[-1]["verdict"] == "pass", "a good file right afterwards"
    left = [*processes(mark), *map(str, temporary.iterdir())]
    left += [str(path) for place in outside for path in place.glob("*mha-drill-was-here")]
    found = {told.name: item for told, item in zip(some, objects, strict=False)}
    seconds = {name: item["seconds"]["judge"] for name, item in found.items()}
    return Ward(found, done.stdout + done.stderr, [done.returncode], before, seen(*places), left, seconds)


def processes(mark: str) -> list[str]:
    """The command lines of the processes that carry a mark, once they have had some seconds to go."""
    until = time.monotonic() + 10
    while found := list(_marked(mark)):
        if time.monotonic() > until:
            return found
        time.sleep(0.05)
    return []


def _marked(mark: str) -> Any:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def judged(ward: Ward, told: Told) -> None:
    """What a submission got is what it must get."""
    report = ward.found[told.name]
    codes = {mistake["code"] for mistake in report["mistakes"]}
    assert report["verdict"] == told.verdict, report
    assert "*" in told.codes or codes <= told.codes, codes
    assert bool(codes) == bool(told.codes)
    for note in told.notes:
        assert any(note in said for said in report["notes"]), report["notes"]


def unharmed(ward: Ward) -> None:
    """Nothing was written, nothing was left, nothing reached a terminal that a terminal would obey."""
    assert ward.after == ward.before
    assert ward.left == []
    assert "Traceback" not in ward.printed
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", ward.printed
    )


@pytest.fixture(scope="module")
def mark() -> str:
    return f"submissions-{os.getpid()}"


QUICK = [told for told in ALL if not told.hangs and told.name not in ALONE]
SLOW = [told for told in ALL if told.hangs or told.name in ALONE]


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory, mark: str) -> dict[str, Ward]:
    """Every submission, judged in a few calls of the real command."""
    parts = [(QUICK[0::2], 10), (QUICK[1::2], 10), (SLOW, 1)]
    folders = [tmp_path_factory.mktemp("ward") for _ in parts]
    with ThreadPoolExecutor(len(parts)) as pool:  # most of the slow ones only wait
        calls = [
            pool.submit(run, folder, *part, f"{mark}-{folder.name}")
            for folder, part in zip(folders, parts, strict=True)
        ]
        return {name: ward for call in calls for ward in [call.result()] for name in ward.found}


@pytest.mark.parametrize("told", ALL, ids=lambda told: told.name)
def test_each_gets_what_it_must(wards: dict[str, Ward], told: Told) -> None:
    judged(wards[told.name], told)


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 60


def test_nobody_is_harmed(wards: dict[str, Ward]) -> None:
    for ward in {id(ward): ward for ward in wards.values()}.values():
        unharmed(ward)


@pytest.mark.parametrize("told", [told for told in SLOW if told.hangs], ids=lambda told: told.name)
def test_a_hanging_file_ends_inside_two_limits(wards: dict[str, Ward], told: Told) -> None:
    # ten seconds more than the promise: the machine that runs this has other things to do
    limits = 3 if told.name == "hangs-at-import" else 2
    assert wards[told.name].seconds[told.name] <= limits * 1 + 2 + 10


@pytest.mark.parametrize("off", LAYER_NAMES)
def test_where_one_layer_is_missing_the_others_hold(tmp_path: Path, mark: str, off: str) -> None:
    # without seccomp a process can be started; how many, a limit bounds that binds root too
    some = [BY_NAME[name] for name in (*WITHOUT_ONE, *(["fork-bomb"] if off == "seccomp" else []))]
    some = QUICK if EACH else some
    ward = run(tmp_path, some, 10, f"{mark}-{off}", **{variable(off): "0"})  # type: ignore[arg-type]
    for told in some:
        if told.name in OTHERWISE[off].split():
            continue
        if off in ("landlock", "namespaces") or told.name != "signals-nobody-else":
            # who is root is nobody there, and has another home
            judged(ward, replace(told, notes=()) if off == "seccomp" else told)
    unharmed(ward)


def test_where_no_layer_is_on_the_drill_still_judges(tmp_path: Path, mark: str) -> None:
    some = [
        BY_NAME[name]
        for name in ("right", "sibling-module", "exits-in-forward", "patched-allclose", "forged-answers")
    ]
    everything = {variable(name): "0" for name in LAYER_NAMES}
    ward = run(tmp_path, some, 10, f"{mark}-none", **everything)
    for told in some:
        judged(ward, told)
    unharmed(ward)


def test_a_layer_that_is_switched_off_says_so() -> None:
    for name in LAYER_NAMES:
        found = {layer.name: layer for layer in layers({variable(name): "0"})}
        assert (found[name].on, found[name].why) == (False, "switched-off")
        assert variable(name) in found[name].reason("en")
        assert variable(name) in found[name].reason("zh")


def test_the_package_is_where_the_submissions_look_for_it() -> None:
    assert SOLUTION.is_file()
    assert Path(mha_drill.__file__).is_file()

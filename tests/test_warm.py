"""The judge that stays: found, started, healed, shared, and gone again. Each test has a runtime folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from driving import Terminal, drill

from mha_drill.judge.warm import place as places_room
from mha_drill.judge.warm.doors import connect, locked, minutes_to_stay
from mha_drill.judge.warm.entrances import SharedEntrance
from mha_drill.judge.warm.place import LONGEST_ADDRESS, folders, make, ours, places
from mha_drill.judge.warm.roll import WarmJudge, warm_judges

ROOT = Path(__file__).resolve().parent.parent
RIGHT = ROOT / "solutions" / "mha.py"
HANGING = "import time\nwhile True:\n    time.sleep(1)\n"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a judge stays on Linux only")


def until(true: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something to become true; return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    return true()


def processes(word: str) -> list[int]:
    """Return the processes whose command line or environment's runtime folder has `word` in it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in told and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


@dataclass
class Desk:
    """A user's machine: a folder that is all of its runtime folders, and the commands run on it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def sockets(self) -> list[Path]:
        return self.files(".sock")

    def files(self, suffix: str) -> list[Path]:
        # Not `rglob`: folders of other processes may go while it looks, which `os.walk` passes over.
        found = (Path(place) / name for place, _, names in os.walk(self.folder) for name in names)
        return sorted(path for path in found if path.suffix == suffix)

    def drill(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return drill(*arguments, **{**self.environ, **environ})

    def check(self, path: Path = RIGHT, *options: str, **environ: str) -> dict[str, Any]:
        done = self.drill("check", "--json", str(path), *options, **environ)
        assert done.stderr == ""
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == {"pass": 0, "fail": 1}[found["verdict"]]
        return found

    def check_all(self, *arguments: object) -> list[dict[str, Any]]:
        done = self.drill("check", "--json", *map(str, arguments))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "mha_drill", *arguments],
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def judge(self) -> WarmJudge:
        # Not another one of this user's, in the folder that is everybody's last resort.
        (found,) = [one for one in warm_judges(self.environ) if one.pid in processes(str(self.folder))]
        return found

    def pid(self) -> int:
        pid = self.judge().pid
        assert pid is not None
        return pid


def open_desk() -> Iterator[Desk]:
    # Not tmp_path: a socket's address has room for a short one only.
    folder = Path(tempfile.mkdtemp(prefix="mha-"))
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    environ = {"XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(folder), "CI": ""}
    yield Desk(folder, environ)
    for pid in processes(str(folder)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
    left = until(lambda: not processes(str(folder)), 10.0)
    shutil.rmtree(folder, ignore_errors=True)
    assert left, "a judge is left behind"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    """A desk with a warm judge, for tests that leave it as it is."""
    yield from open_desk()


# --- one judge for all


def test_twenty_checks_at_a_cold_start_leave_one_judge_and_twenty_right_verdicts(
    desk: Desk, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(RIGHT.read_text(encoding="utf-8").replace(".softmax(", ".sigmoid(", 1), encoding="utf-8")
    files = [RIGHT, wrong] * 10
    running = [desk.start("check", "--json", str(path)) for path in files]
    for path, process in zip(files, running, strict=True):
        out, err = process.communicate(timeout=120)
        assert err == b""
        assert json.loads(out)["verdict"] == ("pass" if path == RIGHT else "fail")
        assert process.returncode == (0 if path == RIGHT else 1)
    assert desk.judge().checks == 20
    assert len([pid for pid in processes(str(desk.folder)) if is_judge(pid)]) == 1
    assert len(desk.sockets) == 1


def is_judge(pid: int) -> bool:
    """Whether a process is the judge's loop and no fork of it."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    parent = int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    above = Path(f"/proc/{parent}/cmdline")
    return b"mha_drill.judge.server" in words and (
        not above.exists() or b"mha_drill.judge.server" not in above.read_bytes()
    )


def test_a_warm_check_says_what_a_cold_one_says(shared: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        RIGHT.read_text(encoding="utf-8").replace("/ math.sqrt(", "* math.sqrt("), encoding="utf-8"
    )
    said = [
        shared.check_all(RIGHT, wrong),
        shared.check_all(RIGHT, wrong),
        shared.check_all(RIGHT, wrong, "--cold"),
    ]
    for report in (report for reports in said for report in reports):
        del report["seconds"]
        for test in report["tests"]:
            del test["ms"]
    assert [report["verdict"] for report in said[0]] == ["pass", "fail"]
    assert said[0] == said[1] == said[2]


def test_the_judge_holds_nothing_of_the_command_that_started_it(shared: Desk) -> None:
    shared.check()
    process = Path(f"/proc/{shared.pid()}")
    assert str((process / "cwd").readlink()) == "/"
    assert os.getsid(shared.pid()) != os.getsid(0)
    held = [str(item.readlink()) for item in (process / "fd").iterdir()]
    assert {name.partition(":")[0] for name in held} <= {"/dev/null", "socket"}


def test_the_file_runs_in_the_environment_of_the_command_that_asks(shared: Desk, tmp_path: Path) -> None:
    shared.check()
    asking = tmp_path / "asking.py"
    asking.write_text("import os\nraise RuntimeError('it is ' + os.environ['SETTING'])\n", encoding="utf-8")
    for setting in ("one", "two"):
        done = shared.drill("check", "--json", str(asking), SETTING=setting)
        assert f"it is {setting}" in done.stdout


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_ends_early_ends_its_check_and_not_the_judge(
    shared: Desk, tmp_path: Path, sign: int
) -> None:
    shared.check()
    pid = shared.pid()
    assert until(lambda: shared.judge().running == 0)
    hanging = tmp_path / "hanging.py"
    hanging.write_text(HANGING, encoding="utf-8")
    command = shared.start("check", str(hanging))
    assert until(lambda: shared.judge().running == 1)
    before = set(children_of(pid, deep=True))
    command.send_signal(sign)
    command.communicate(timeout=20)
    assert command.returncode == (130 if sign == signal.SIGINT else -sign)
    assert until(lambda: shared.judge().running == 0)
    assert shared.pid() == pid
    # Only the template and what stands ready for the next check are left of its children.
    assert until(lambda: len(children_of(pid, deep=True)) <= 3), before


def children_of(pid: int, *, deep: bool = False) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="ascii").split()):
            found += [child, *(children_of(child, deep=True) if deep else [])]
    return found


# --- it leaves, and where it is not wanted it does not stay


@pytest.mark.parametrize(
    ("options", "environ"), [(["--cold"], {}), ([], {"MHA_DRILL_WARM": "0"}), ([], {"CI": "true"})]
)
def test_none_is_left_where_none_is_wanted(desk: Desk, options: list[str], environ: dict[str, str]) -> None:
    assert desk.check(RIGHT, *options, **environ)["verdict"] == "pass"
    assert not desk.sockets
    assert until(lambda: not processes(str(desk.folder)), 10.0)


@pytest.mark.parametrize(
    ("environ", "minutes"),
    [
        ({}, 15.0),
        ({"MHA_DRILL_WARM": "1"}, 1.0),
        ({"MHA_DRILL_WARM": "yes"}, 15.0),
        ({"MHA_DRILL_WARM": "off"}, 0.0),
        ({"MHA_DRILL_WARM": "0"}, 0.0),
        ({"MHA_DRILL_WARM": "-3"}, 0.0),
        ({"CI": "1"}, 0.0),
        ({"CI": "false"}, 15.0),
    ],
)
def test_how_long_a_judge_stays_is_the_users_choice(environ: dict[str, str], minutes: float) -> None:
    assert minutes_to_stay(environ) == minutes


def test_a_judge_that_nobody_asks_leaves_and_takes_its_address_along(desk: Desk) -> None:
    desk.check(MHA_DRILL_WARM="0.02")
    assert until(lambda: not desk.sockets)
    assert until(lambda: not processes(str(desk.folder)))
    if not warm_judges({}):
        assert "No warm judge" in desk.drill("judge", "status").stdout


def test_status_and_stop(desk: Desk) -> None:
    if not warm_judges({}):
        assert "No warm judge" in desk.drill("judge", "status").stdout
        assert "没有常驻" in desk.drill("judge", "stop", "--lang", "zh").stdout
    desk.check()
    pid = desk.pid()
    assert f"pid {pid}," in desk.drill("judge", "status").stdout
    assert f"pid {pid}，" in desk.drill("judge", "status", "--lang", "zh").stdout
    stopped = desk.drill("judge", "stop")
    assert (stopped.returncode, f"pid {pid}." in stopped.stdout) == (0, True)
    assert not desk.sockets
    assert until(lambda: not processes(str(desk.folder)), 10.0)
    assert not desk.files(".lock")


# --- it heals


def test_after_a_killed_judge_the_next_check_starts_another(desk: Desk) -> None:
    desk.check()
    pid = desk.pid()
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not processes(str(desk.folder)))
    assert desk.sockets, "its address is stale, and in the way"
    assert desk.check()["verdict"] == "pass"
    assert desk.pid() != pid


def test_a_judge_killed_under_a_check_costs_time_and_no_verdict(desk: Desk, tmp_path: Path) -> None:
    desk.check()
    pid = desk.pid()
    assert until(lambda: desk.judge().running == 0)
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(3)\n" + RIGHT.read_text(encoding="utf-8"), encoding="utf-8")
    command = desk.start("check", "--json", str(slow))
    assert until(lambda: desk.judge().running == 1)
    os.kill(pid, signal.SIGKILL)
    out, err = command.communicate(timeout=120)
    assert (json.loads(out)["verdict"], err, command.returncode) == ("pass", b"", 0)
    assert desk.pid() != pid


def test_a_judge_that_does_not_answer_is_left_alone_and_stopped_by_force(desk: Desk) -> None:
    desk.check()
    stuck = desk.pid()
    os.kill(stuck, signal.SIGSTOP)
    assert desk.check()["verdict"] == "pass"
    assert desk.pid() != stuck
    os.kill(stuck, signal.SIGCONT)
    assert until(lambda: not Path(f"/proc/{stuck}").exists(), 90.0), "it sees that its address is another's"


def copy_of_the_drill(desk: Desk) -> dict[str, str]:
    """Put a copy of the program in a folder of its own; return the environment that runs it."""
    for name in ("mha_drill", "problems", "solutions"):
        shutil.copytree(
            ROOT / name, desk.folder / "copy" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return {**desk.environ, "PYTHONPATH": str(desk.folder / "copy")}


@pytest.mark.parametrize(
    ("options", "lang", "raised", "said"),
    [
        ([], "en", "ModuleNotFoundError('No module', name='landlockpy')", "module landlockpy is missing"),
        (
            ["--cold"],
            "zh",
            "ModuleNotFoundError('No module', name='landlockpy')",
            "缺少 Python 模块 landlockpy",
        ),
        ([], "en", "OSError('libgomp.so.1: cannot open')", "(OSError: libgomp.so.1: cannot open)"),
    ],
)
def test_a_judge_that_cannot_start_says_why_and_leaves_nothing(
    desk: Desk, options: list[str], lang: str, raised: str, said: str
) -> None:
    environ = copy_of_the_drill(desk)
    broken = desk.folder / "copy" / "landlockpy.py"
    broken.write_text(f"raise {raised}\n", encoding="utf-8")
    done = drill("check", str(RIGHT), "--lang", lang, *options, cwd=desk.folder, **environ)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not desk.sockets
    assert until(lambda: not processes(str(desk.folder)), 10.0)
    broken.unlink()
    assert drill("check", str(RIGHT), *options, cwd=desk.folder, **environ).returncode == 0


def test_a_judge_that_is_long_in_loading_is_waited_for(desk: Desk) -> None:
    environ = copy_of_the_drill(desk)
    slow = desk.folder / "copy" / "mha_drill" / "judge" / "laboratory.py"
    slow.write_text(
        "import time\ntime.sleep(4)\n"
        + slow.read_text(encoding="utf-8").replace("from __future__ import annotations\n", ""),
        encoding="utf-8",
    )
    client = desk.folder / "copy" / "mha_drill" / "judge" / "client.py"
    client.write_text(
        client.read_text(encoding="utf-8").replace("HELLO_PATIENCE = 12.0", "HELLO_PATIENCE = 0.5"),
        encoding="utf-8",
    )
    done = drill("check", "--json", str(RIGHT), cwd=desk.folder, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(desk.sockets) == 1
    assert len([pid for pid in processes(str(desk.folder)) if is_judge(pid)]) == 1


def test_a_replaced_interpreter_gets_its_own_judge_and_the_old_one_leaves(desk: Desk) -> None:
    home = desk.folder / "env"
    venv.create(home, symlinks=False)
    beside = "\n".join([str(ROOT), *(path for path in sys.path if path.endswith("-packages"))])
    (site,) = home.glob("lib/python*/site-packages")
    (site / "beside.pth").write_text(beside, encoding="utf-8")
    python = home / "bin" / "python"

    def check() -> int:
        command = [str(python), "-m", "mha_drill", "check", "--json", str(RIGHT)]
        environ = {**os.environ, **desk.environ}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=240)
        assert (done.returncode, done.stderr) == (0, "")
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(desk.sockets[-1]))
            return struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]

    first = check()
    assert check() == first
    shutil.copy(python, f"{python}.new")
    Path(f"{python}.new").replace(python)
    second = check()
    assert second != first
    assert until(lambda: not Path(f"/proc/{first}").exists())
    assert check() == second
    os.kill(second, signal.SIGTERM)


def test_other_content_gets_its_own_judge_and_the_old_one_leaves(desk: Desk) -> None:
    environ = copy_of_the_drill(desk)
    done = drill("check", "--json", str(RIGHT), cwd=desk.folder, **environ)
    assert done.returncode == 0
    old = desk.pid()
    assert not desk.judge().current, "this process runs the checkout's own code"
    with (desk.folder / "copy" / "problems" / "mha" / "test_mha.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef test_value_that_is_new(submission):\n    assert False, 'as the new test says'\n")
    done = drill("check", "--json", str(RIGHT), cwd=desk.folder, **environ)
    assert (done.returncode, "as the new test says" in done.stdout) == (1, True)
    assert until(lambda: not Path(f"/proc/{old}").exists())
    assert len(desk.sockets) == 1


# --- where it may live


def unshared(script: str, desk: Desk, mount: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which something may be mounted."""
    where = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script]
    return subprocess.run(
        where,
        env={
            **os.environ,
            **desk.environ,
            "MOUNT": str(mount),
            "PYTHON": sys.executable,
            "RIGHT": str(RIGHT),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "mounting",
    [
        pytest.param('mount -t tmpfs -o ro none "$MOUNT"', id="read-only"),
        pytest.param(
            'mount -t tmpfs -o size=4k,nr_inodes=2 none "$MOUNT"\necho full > "$MOUNT/full"', id="full"
        ),
        pytest.param(
            'mkdir -m 700 "$MOUNT/mha-drill"\nmount -t tmpfs -o ro,mode=700 none "$MOUNT/mha-drill"',
            id="read-only-folder",
        ),
    ],
)
def test_a_runtime_folder_that_cannot_be_written_to_is_done_without(desk: Desk, mounting: str) -> None:
    runtime = Path(desk.environ["XDG_RUNTIME_DIR"])
    if unshared(mounting.replace('"$MOUNT/mha-drill"', '"$MOUNT/try"'), desk, runtime).returncode:
        pytest.skip("nothing can be mounted here")
    shutil.rmtree(runtime / "try", ignore_errors=True)
    done = unshared(f'{mounting}\n"$PYTHON" -m mha_drill check --json "$RIGHT"', desk, runtime)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["verdict"] == "pass"
    assert [address.parent.parent for address in desk.sockets] == [desk.folder], "the temporary folder's turn"


def test_where_no_folder_will_do_the_check_goes_on_without(desk: Desk) -> None:
    long = desk.folder / ("long" * 25)
    long.mkdir(mode=0o700)
    environ = {"XDG_RUNTIME_DIR": str(long), "TMPDIR": str(long), "CI": ""}
    assert [str(item.folder) for item in places(environ)] == [f"/tmp/mha-drill-{os.geteuid()}"]
    script = (
        'mount -t tmpfs -o ro none /tmp\ncd /\n"$PYTHON" -m mha_drill check --json "$RIGHT"\n'
        '"$PYTHON" -m mha_drill judge status'
    )
    if not str(ROOT).startswith("/tmp") and not sys.executable.startswith("/tmp"):
        done = unshared(script, Desk(desk.folder, {**environ, "TMPDIR": ""}), long)
        if done.returncode == 0:
            assert "No warm judge" in done.stdout


def test_an_address_is_never_longer_than_a_socket_takes(tmp_path: Path) -> None:
    for length in range(1, 120, 7):
        folder = tmp_path / ("x" * length)
        folder.mkdir()
        for place in places({"XDG_RUNTIME_DIR": str(folder)}):
            assert len(os.fsencode(place.socket)) <= LONGEST_ADDRESS
            assert len(os.fsencode(place.unnamed)) <= LONGEST_ADDRESS


def test_a_folder_is_made_private_and_anything_else_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    assert make(mine)
    assert mine.stat().st_mode & 0o777 == 0o700
    mine.chmod(0o755)
    assert not ours(mine)
    assert make(mine), "it is this user's, and is closed again"
    (tmp_path / "link").symlink_to(mine)
    assert not make(tmp_path / "link")
    (tmp_path / "file").touch()
    assert not make(tmp_path / "file")
    assert not make(tmp_path / "not" / "there")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's folder")
def test_another_users_folder_is_refused(desk: Desk) -> None:
    runtime = Path(desk.environ["XDG_RUNTIME_DIR"])
    (runtime / "mha-drill").mkdir(mode=0o700)
    os.chown(runtime / "mha-drill", 65534, 65534)
    assert not make(runtime / "mha-drill")
    assert desk.check()["verdict"] == "pass"
    assert [address.parent.parent for address in desk.sockets] == [desk.folder]
    os.chown(runtime, 65534, 65534)
    assert runtime / "mha-drill" not in list(folders(desk.environ))


def as_another_user(act: Callable[[], None]) -> int:
    """Do something in a child that is not this user; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setuid(65534)
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_both_ends_refuse_another_user() -> None:
    with tempfile.TemporaryDirectory(prefix="mha-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        address = folder / "a.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(address))
        address.chmod(0o777)
        listener.listen()
        entrance = SharedEntrance(listener.detach(), address, folder / "lock", 1.0)
        stranger = lambda: socket.socket(socket.AF_UNIX).connect(str(address))  # noqa: E731
        assert as_another_user(stranger) == 0
        assert entrance.admit() is None
        mine = connect(address)
        assert mine is not None
        admitted = entrance.admit()
        assert admitted is not None
        for item in (mine, admitted, entrance):
            item.close()

        theirs = folder / "b.sock"
        ready, done = os.pipe(), os.pipe()

        def listen() -> None:
            with socket.socket(socket.AF_UNIX) as other:
                other.bind(str(theirs))
                theirs.chmod(0o777)
                other.listen()
                os.write(ready[1], b"x")
                os.read(done[0], 1)

        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534)
                listen()
            finally:
                os._exit(0)
        os.read(ready[0], 1)
        assert connect(theirs) is None
        os.write(done[1], b"x")
        os.waitpid(child, 0)
        for descriptor in (*ready, *done):
            os.close(descriptor)


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", wait=0.0) as first, locked(tmp_path / "lock", wait=0.0) as second:
        assert first is not None
        assert second is None
    with locked(tmp_path / "lock", wait=0.0) as third:
        assert third is not None


def test_another_interpreter_or_content_has_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    (first, *_) = places(environ)
    assert next(places(environ)) == first
    assert next(places(environ | {"LD_PRELOAD": "x.so"})).home != first.home
    interpreter = tmp_path / "python"
    interpreter.write_bytes(b"one")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(interpreter))
        other = next(places(environ))
        interpreter.write_bytes(b"replaced")
        replaced = next(places(environ))
    assert first.home != other.home == replaced.home
    assert other.content != replaced.content
    with monkeypatch.context() as patch:
        patch.setattr(places_room, "__version__", "99")
        assert next(places(environ)).content != first.content


def test_a_quiz_and_a_terminal_find_the_same_judge(shared: Desk) -> None:
    shared.check()
    before = shared.judge()
    terminal = Terminal("check", str(RIGHT), **shared.environ)
    shown, code = terminal.end()
    assert code == 0
    assert "✓" in shown
    after = shared.judge()
    assert (after.pid, after.checks) == (before.pid, before.checks + 1)

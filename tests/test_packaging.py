"""What is shipped: the wheel and what runs from it, and what the repository says of itself.

The wheel is built from the sdist, so both are proved; it is installed without its dependencies into a new
environment, which borrows those of the running one.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

import mha_drill

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {
    ".ci", ".github", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "examples", "LICENSE", "Makefile", "README.md",
    "constraints.txt", "mha_drill", "problems", "pyproject.toml", "solutions", "tests",
}  # fmt: skip
# Hosts that may be named; an SVG file has to name its namespace, and a hostile file asks this machine.
HOSTS = {"www.w3.org", "127.0.0.1:9"}


def run(*command: str | Path, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command with text streams; what it returned is for the test to judge."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd, input=stdin, capture_output=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip


def repository_files() -> Iterator[Path]:
    """Yield every file that is, or would be, committed; in an unpacked sdist that is every file."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT)
    if listed.returncode == 0:
        paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    else:
        ignored = {".venv", "__pycache__", "dist", "build", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
        paths = (path for path in ROOT.rglob("*") if not ignored.intersection(path.relative_to(ROOT).parts))
    yield from (path for path in paths if path.is_file())


@dataclass(frozen=True)
class Installed:
    """The wheel, the sdist it was built from, and a new environment that holds the wheel."""

    sdist: Path
    wheel: Path
    folder: Path

    def drill(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the installed console script from a folder that has nothing to do with the checkout."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        script = Path(scripts_of(self.folder / "env")) / "mha-drill"
        return run(script, *arguments, cwd=elsewhere, stdin=stdin)


def scripts_of(environment: Path) -> str:
    return sysconfig.get_path("scripts", "venv", vars={"base": str(environment)})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", ROOT)
    built = run(*build, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")

    environment = folder / "env"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    places = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=places))
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    python = Path(scripts_of(environment)) / "python"
    done = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps",
        "--disable-pip-version-check", wheel, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Installed(sdist, wheel, folder)


def test_the_new_environment_runs_the_wheel_and_not_the_checkout(installed: Installed) -> None:
    python = Path(scripts_of(installed.folder / "env")) / "python"
    seen = run(python, "-c", "import mha_drill; print(mha_drill.__file__)", cwd=installed.folder)
    assert Path(seen.stdout.strip()).is_relative_to(installed.folder / "env"), seen


def test_the_wheel_holds_the_package_and_the_content_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = set()
    for path in repository_files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("mha_drill/"):
            expected.add(name)
        elif name.startswith(("problems/", "solutions/")):
            expected.add(f"mha_drill/_content/{name}")
    assert inside == expected
    assert any(name.startswith("mha_drill/_content/problems/mha/test_") for name in inside)


def test_the_sdist_is_the_whole_repository(installed: Installed) -> None:
    with tarfile.open(installed.sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()} - {"PKG-INFO"}
    assert inside == {path.relative_to(ROOT).as_posix() for path in repository_files()}


def test_there_is_one_version(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == mha_drill.__version__
    assert installed.drill("--version").stdout.split() == ["mha-drill", mha_drill.__version__]
    assert f"\n## {mha_drill.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_an_installed_drill_lists_its_problems(installed: Installed) -> None:
    listed = installed.drill("list")
    assert (listed.returncode, listed.stderr) == (0, "")
    for folder in (ROOT / "problems").glob("*/problem.toml"):
        assert folder.parent.name in listed.stdout


def test_an_installed_drill_asks_and_marks(installed: Installed) -> None:
    right = installed.drill("quiz", "--kind", "choice", "--count", "1", stdin="B\n")
    wrong = installed.drill("quiz", "--kind", "choice", "--count", "1", stdin="A\n")
    assert (right.returncode, right.stderr) == (0, "")
    assert (wrong.returncode, wrong.stderr) == (0, "")
    assert "[N, L, D]" in right.stdout
    assert right.stdout != wrong.stdout


def test_an_installed_drill_fails_the_blank_and_passes_the_solution(installed: Installed) -> None:
    written = installed.drill("new", "mha")
    assert written.returncode == 0, written.stderr
    blank = installed.drill("check", "--json", "my_mha.py")
    assert (blank.returncode, blank.stderr) == (1, "")
    assert json.loads(blank.stdout)["verdict"] == "fail"

    solved = installed.drill("check", "--json", str(ROOT / "solutions" / "mha.py"))
    report = json.loads(solved.stdout)
    assert (solved.returncode, report["verdict"], report["problem"]) == (0, "pass", "mha"), solved.stdout


def test_the_top_level_holds_only_what_the_design_allows() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in repository_files()} <= TOP_LEVEL


def test_no_file_names_a_machine_or_a_host() -> None:
    """Paths of one machine mean nothing on another; and the drill is offline, so it has no host to name."""
    paths = re.compile(r"(?<![\w.])/(?:Users|builds|home|mnt|opt|root|srv|work|workspace)/\w")
    hosts = re.compile(r"https?://[^\s\"'<>)\]]+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org)\b")
    found = []
    for path in repository_files():
        if path == Path(__file__):
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        named = [hit[0] for hit in hosts.finditer(text)]
        named = [hit for hit in named if re.sub(r"^https?://", "", hit).split("/")[0] not in HOSTS]
        named += [hit[0] for hit in paths.finditer(text)]
        named += [str(ROOT)] if str(ROOT) in text else []
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in named]
    assert not found


def test_every_dependency_is_pinned_to_the_version_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[^\w-]", requirement, maxsplit=1)[0].lower() for requirement in asked}
    assert names <= pins.keys()
    assert not [pin for pin in pins.values() if "+" in pin], "a local version installs on one machine only"


def imports(path: Path) -> set[str]:
    """Return the top-level names of everything a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names


def test_only_the_rooms_that_compute_import_torch() -> None:
    """ruff sees an import at the top of a file; a late one would cost the learner its second all the same."""
    package = ROOT / "mha_drill"
    guilty = []
    for path in package.rglob("*.py"):
        where = path.relative_to(package)
        allowed = where.parts[0] in ("attention", "judge") and where.as_posix() != "judge/client.py"
        if not allowed and where.parts[0] != "_content" and "torch" in imports(path):
            guilty.append(where.as_posix())
    assert not guilty


def test_every_package_that_is_imported_is_asked_for_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[^\w-]", requirement, maxsplit=1)[0] for requirement in project["dependencies"]}
    places = (
        *(ROOT / "mha_drill").rglob("*.py"),
        *(ROOT / "problems").rglob("*.py"),
        *ROOT.glob("solutions/*.py"),
    )
    used = set[str]().union(*(imports(path) for path in places))
    renamed = {"markdown_it": "markdown-it-py"}
    found = {renamed.get(name, name) for name in used - sys.stdlib_module_names - {"__future__", "mha_drill"}}
    assert found == asked


def test_ci_runs_the_commands_the_readme_opens_with() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.search(r"```\w*\n(.*?)```", readme, re.DOTALL)
    assert first
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == ["make drill", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^check: lint types test$", makefile, re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make drill\b", ci, re.MULTILINE)
    assert re.search(r"^make check\b", ci, re.MULTILINE)


def test_the_readme_knows_every_command_and_no_other() -> None:
    from mha_drill.cli import app

    commands = {entry.name or entry.callback.__name__ for entry in app.registered_commands if entry.callback}
    commands |= {group.name for group in app.registered_groups if group.name}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = " ".join(re.findall(r"```.*?```|`[^`\n]+`", readme, re.DOTALL))
    named = set(re.findall(r"\bmha-drill ([a-z]+)\b", code))
    assert named == commands


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_links_of_a_document_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]

"""Run a problem's hidden tests with pytest, inside the judge, and return what each one says.

A test is named `test_<group>_<what>`; its docstring's first paragraph is what an English learner reads, the
paragraph that starts with `zh:` what a Chinese one does. Collecting takes pytest longer than running: a warm judge
does it ahead, and a forked check finds the tests collected.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from mha_drill.judge.submission import Submission
from mha_drill.records import GROUPS, Group, Lang, Outcome, TestResult


class Hidden:
    """The hidden tests of one problem, collected once: a pytest plugin that keeps what they say.

    broken: what is wrong with the tests themselves.
    """

    def __init__(self, path: Path) -> None:
        self.results: list[TestResult] = []
        self.broken: list[str] = []
        self.collected = False
        self._items: list[pytest.Item] = []
        self._submission: Submission | None = None
        self._lang: Lang = "en"
        self._started = 0.0
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.environ.pop("PYTEST_ADDOPTS", None)
        sys.modules.pop(path.stem, None)  # another state of the file, or another file of that name
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = pytest.main([str(path), f"--rootdir={path.parent}", *OPTIONS], plugins=[self])
        self.collected = code == 0 and bool(self._items)
        if not self.collected:
            self.broken.append(f"pytest ended with {code}\n{said.getvalue()[-3000:]}")

    def run(self, submission: Submission, lang: Lang) -> None:
        """Run the tests on a submission."""
        self._submission, self._lang = submission, lang
        if self.collected:
            self.results, self.broken = [], []
        for item, following in zip(self._items, [*self._items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    @pytest.fixture(name="submission")
    def submission_fixture(self, request: pytest.FixtureRequest) -> Submission:
        """The learner's file."""
        assert self._submission is not None
        self._submission.test = title(request.function, self._lang)
        return self._submission

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order tests by group."""
        items.sort(key=lambda item: GROUPS.index(group_of(item.name)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why tests could not be collected."""
        if report.failed:
            self.broken.append(f"{report.nodeid}: {report.longrepr}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Keep the tests in place of running them: all of them, or none."""
        self._items = [] if session.testsfailed else session.items
        return True

    def pytest_runtest_logstart(self) -> None:
        """Start the clock of a test."""
        self._started = time.perf_counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Keep the outcome of a test; pytest itself would spell the failure out, which takes long and nobody reads."""
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            self._keep(item, call)
        assert call.when != "collect"
        outcome: Literal["passed", "failed"] = "failed" if call.excinfo is not None else "passed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)

    def _keep(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        outcome: Outcome = "passed"
        message = ""
        if call.excinfo is not None:
            error = call.excinfo.value
            message = str(error)
            if isinstance(error, pytest.skip.Exception):
                outcome, message = "skipped", str(error.msg)
            elif isinstance(error, AssertionError) and call.when == "call":
                outcome = "failed"
            else:
                outcome = "failed"
                self.broken.append(f"{item.name}: {call.excinfo.exconly()}\n{call.excinfo.getrepr()}")
        took = 1000 * (time.perf_counter() - self._started)
        function = getattr(item, "function", None)
        name = item.name.removeprefix("test_").replace("_", "-")
        self.results.append(
            TestResult(
                name, group_of(item.name), title(function, self._lang), outcome, message, round(took, 1)
            )
        )


def group_of(name: str) -> Group:
    """Return the group a test's name says."""
    word = name.removeprefix("test_").partition("_")[0]
    return next(group for group in GROUPS if group == word)


def title(function: Any, lang: Lang) -> str:
    """Return what the learner reads of a test, in `lang`."""
    paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(function.__doc__ or "").split("\n\n")]
    chinese = next((part.removeprefix("zh:").strip() for part in paragraphs if part.startswith("zh:")), "")
    return chinese if lang == "zh" and chinese else paragraphs[0]


def run_tests(path: Path, submission: Submission, lang: Lang) -> tuple[list[TestResult], list[str]]:
    """Return the results of the hidden tests in `path`, by group, and what went wrong with the tests themselves."""
    status = path.stat()
    hidden = _hidden(path, status.st_mtime_ns, status.st_size)
    hidden.run(submission, lang)
    return hidden.results, hidden.broken


@cache
def _hidden(path: Path, changed: int, size: int) -> Hidden:
    """Return the tests in a file, collected anew when the file is another."""
    return Hidden(path)


# What pytest need not load for these tests.
SLIM = (
    "capture",
    "terminal",
    "cacheprovider",
    "doctest",
    "junitxml",
    "pastebin",
    "nose",
    "faulthandler",
    "unraisableexception",
    "threadexception",
    "logging",
    "debugging",
    "stepwise",
    "setuponly",
    "setupplan",
    "tmpdir",
    "monkeypatch",
    "recwarn",
    "legacypath",
    "helpconfig_",
    "warnings",
)

OPTIONS = (
    *("--assert=plain", "-c", os.devnull, "--noconftest", "--strict-markers"),
    *(word for name in SLIM for word in ("-p", f"no:{name}")),
)

"""Run a problem's hidden tests with pytest, inside the judge, and return what each one says.

A test is named `test_<group>_<what>`; its docstring's first paragraph is what an English learner reads, the
paragraph that starts with `zh:` what a Chinese one does.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from mha_drill.judge.submission import Submission
from mha_drill.records import GROUPS, Group, Lang, Outcome, TestResult


class Plugin:
    """Gives the tests their submission and keeps what they say."""

    def __init__(self, submission: Submission, lang: Lang) -> None:
        self._submission = submission
        self.lang = lang
        self.results: list[TestResult] = []
        self.broken: list[str] = []
        self._started = 0.0

    @pytest.fixture(name="submission")
    def submission_fixture(self, request: pytest.FixtureRequest) -> Submission:
        """The learner's file."""
        self._submission.test = title(request.function, self.lang)
        return self._submission

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order tests by group."""
        items.sort(key=lambda item: GROUPS.index(group_of(item.name)))

    def pytest_runtest_logstart(self) -> None:
        """Start the clock of a test."""
        self._started = time.perf_counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Keep the outcome of a test."""
        report = yield
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            self._keep(item, call)
        return report

    def _keep(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        outcome: Outcome = "passed"
        message = ""
        if call.excinfo is not None:
            error = call.excinfo.value
            message = str(error)
            if isinstance(error, pytest.skip.Exception):
                outcome, message = "skipped", str(error.msg)
            elif isinstance(error, AssertionError):
                outcome = "failed"
            else:
                outcome = "failed"
                self.broken.append(f"{item.name}: {call.excinfo.exconly()}\n{call.excinfo.getrepr()}")
        took = 1000 * (time.perf_counter() - self._started)
        function = getattr(item, "function", None)
        name = item.name.removeprefix("test_").replace("_", "-")
        self.results.append(
            TestResult(
                name, group_of(item.name), title(function, self.lang), outcome, message, round(took, 1)
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
    plugin = Plugin(submission, lang)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    options = [
        str(path),
        "--assert=plain",
        "-s",
        "-q",
        "-c",
        os.devnull,
        f"--rootdir={path.parent}",
        "--noconftest",
        "--strict-markers",
        *(word for name in SLIM for word in ("-p", f"no:{name}")),
    ]
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()):
        code = pytest.main(options, plugins=[plugin])
    if code not in (0, 1) or not plugin.results:
        plugin.broken.append(f"pytest ended with {code}\n{said.getvalue()[-3000:]}")
    return plugin.results, plugin.broken


# What pytest need not load for these tests.
SLIM = (
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

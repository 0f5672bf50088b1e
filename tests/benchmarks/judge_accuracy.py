"""How often the judge is right: the files of `corpus`, each proved by plain loops, against what is said of them.

    python tests/benchmarks/judge_accuracy.py [--open | --held-out] [--step N] [--list] [--lines] [--no-times]

Each file is judged as `check` judges it, in a runner forked from a template, up to the findings (`ruling.rule`);
the hidden tests, which are no part of the naming, are not run. In the table

    right accepted   right files with nothing held against them
    wrong rejected   files with a mistake in them that something is held against
    singles, pairs   files with one mistake, with two, where the codes said are those that were planted, or
                     another true naming of the same text; nothing missing and nothing beside
    false namings    files of which a code is said that is neither planted nor another true naming (`wrong-value`
                     says that nothing fits, and is none); on a right file every code is one
    line             of the files named, those where a line that was said is a line that was planted
    through a runner milliseconds of load and ruling, with the pipe between, the fork of the runner included
    in one process   milliseconds of evidence, verdict and diagnosis alone, after loading: the experiments are
                     done in this process, on one thread, torch loaded; and of its processor time, which a busy
                     machine stretches less

`--lines` adds, code by code, how near the line said is to the one planted: at it, one off, elsewhere.

Files whose mistake is a limit of time, memory or processes are judged, but are in no figure of milliseconds: what
they take is the limit. `--list` names the misses of the open half. Those of the held-out half are never named:
they are no longer held out once somebody has tuned the judge to them.

CPU only, fixed seeds: the same files give the same table, the milliseconds aside.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mha_drill.catalog import load_catalog
from mha_drill.judge.host import Runner, Template
from mha_drill.judge.template import single_threaded

if __package__:
    from .corpus import Sample, right_files, wrong_files
else:  # run by its path
    from corpus import Sample, right_files, wrong_files

TIME_LIMIT = 4.0  # no call of the corpus takes a second, except those that never end
LIMITED = frozenset({"time-limit", "memory-limit", "process-limit", "process-exit"})
PATH = "/nowhere/answer.py"
SAYS_NOTHING_FITS = "wrong-value"


@dataclass(frozen=True, slots=True)
class Said:
    """What the judge said of one file: codes with their lines, and how long it took in seconds."""

    sample: Sample
    passes: bool
    findings: tuple[tuple[str, int | None], ...]
    seconds: float
    broke: str = ""

    @property
    def codes(self) -> frozenset[str]:
        """The codes said."""
        return frozenset(code for code, _ in self.findings)

    @property
    def right(self) -> bool:
        """Whether the verdict is right."""
        return not self.broke and self.passes == (not self.sample.codes)

    @property
    def named(self) -> bool:
        """Whether the codes are exactly those planted, or another true naming."""
        return self.codes in (frozenset(self.sample.codes), *self.sample.acceptable)

    @property
    def falsely(self) -> frozenset[str]:
        """The codes said that are not true of the file."""
        true = frozenset(self.sample.codes).union(*self.sample.acceptable)
        return self.codes - true - ({SAYS_NOTHING_FITS} if self.sample.codes else set())

    @property
    def at_the_line(self) -> bool:
        """Whether one of the lines said is one of those planted."""
        return bool({line for _, line in self.findings} & set(self.sample.lines))


@dataclass(slots=True)
class Score:
    """What was said of many files, counted."""

    said: list[Said] = field(default_factory=list)
    inside: list[tuple[float, float]] = field(default_factory=list)

    def of(self, mistakes: int) -> list[Said]:
        """Return what was said of the files with so many mistakes."""
        return [item for item in self.said if len(item.sample.codes) == mistakes]

    def lines(self) -> list[tuple[str, list[int]]]:
        """Return by code how many single mistakes are said at the line, one off, elsewhere; the worst first."""
        found: dict[str, list[int]] = {}
        for item in self.of(1):
            if item.named and item.sample.lines:
                said = [line for _, line in item.findings if line is not None]
                off = min((abs(one - two) for one in said for two in item.sample.lines), default=2)
                found.setdefault(item.sample.codes[0], [0, 0, 0])[min(off, 2)] += 1
        return sorted(found.items(), key=lambda item: (-sum(item[1][1:]), item[0]))

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of the table."""
        right, singles, pairs = self.of(0), self.of(1), self.of(2)
        wrong = singles + pairs
        placed = [item for item in wrong if item.named and item.sample.lines]
        timed = [item.seconds for item in self.said if not LIMITED & set(item.sample.codes)]
        return [
            ("right accepted", _share(right, lambda item: item.right)),
            ("wrong rejected", _share(wrong, lambda item: item.right)),
            ("singles named", _share(singles, lambda item: item.named)),
            ("pairs named", _share(pairs, lambda item: item.named)),
            ("false namings", f"{sum(bool(item.falsely) for item in self.said)} of {len(self.said)}"),
            ("line", _share(placed, lambda item: item.at_the_line)),
            ("through a runner, ms", _times(timed)),
            ("in one process, ms", _times([wall for wall, _ in self.inside])),
            ("  processor, ms", _times([processor for _, processor in self.inside])),
            ("the judge broke", str(sum(bool(item.broke) for item in self.said))),
        ]


def miss(said: Said) -> str:
    """Return what is not as it should be in what was said of a file, in two lines; nothing where all is well."""
    sample = said.sample
    problems = [
        "not named" if sample.codes and said.right and not said.named else "",
        "ACCEPTED" if sample.codes and said.passes else "",
        "REJECTED" if not sample.codes and not said.passes else "",
        f"false {', '.join(sorted(said.falsely))}" if said.falsely else "",
        "elsewhere" if said.named and sample.lines and not said.at_the_line else "",
        f"BROKE {said.broke}" if said.broke else "",
    ]
    if not any(problems):
        return ""
    told = ", ".join(f"{code} at {line}" for code, line in said.findings)
    wanted = f"{' + '.join(sample.codes)} at {', '.join(map(str, sample.lines))}"
    return (
        f"{'; '.join(filter(None, problems))}: {sample.name} ({sample.problem})\n"
        f"    wanted {wanted if sample.codes else 'nothing'}; said {told or 'nothing'}"
    )


def _share(items: Sequence[Said], good: Callable[[Said], bool]) -> str:
    if not items:
        return "-"
    count = sum(good(item) for item in items)
    return f"{count} of {len(items)}  {100 * count / len(items):5.1f} %"


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    return f"median {1000 * statistics.median(seconds):.0f}, worst {1000 * max(seconds):.0f}"


class Judge:
    """A template, and a runner forked from it for each file."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self.catalog = load_catalog()
        self.template = Template()
        self.time_limit = time_limit

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.template.close()

    def say(self, sample: Sample) -> Said:
        """Judge one file in a runner of its own."""
        from mha_drill.judge.ruling import rule

        runner = Runner(self.template, PATH, sample.source, self.time_limit)
        begun = time.perf_counter()
        try:
            ruling = rule(runner, self.catalog.problem(sample.problem))
        except Exception as error:
            return Said(sample, False, (), time.perf_counter() - begun, f"{type(error).__name__}: {error}")
        finally:
            runner.close()
        found = tuple((item.code, item.line) for item in ruling.findings)
        return Said(sample, ruling.passes, found, time.perf_counter() - begun)

    def inside(self, sample: Sample) -> tuple[float, float] | None:
        """Return the seconds that ruling takes without a pipe, by the clock and of the processor.

        None for a file that is better kept outside, and for one that is ruled on before any call: it would
        only flatter the median.
        """
        from mha_drill.judge.ruling import rule

        if LIMITED & set(sample.codes):
            return None
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            here: Any = Here(sample.source)
            loaded = here.load()
            if not loaded["ok"]:
                return None
            begun, worked = time.perf_counter(), time.process_time()
            rule(here, self.catalog.problem(sample.problem), loaded=loaded)
            taken = time.perf_counter() - begun, time.process_time() - worked
        return taken if here.asked else None


class Here:
    """Stands for a runner: the experiments are done in this process."""

    path = PATH
    restarts = hangs = 0
    last_end = ("Hung", "")
    stopped = False
    ended = ""
    time_limit = TIME_LIMIT

    def __init__(self, source: str) -> None:
        self.source = source
        self.asked = 0
        self.laboratory: Any = None

    def load(self) -> dict[str, Any]:
        """Run the file here; return what it defines."""
        import torch

        from mha_drill.judge.laboratory import Laboratory
        from mha_drill.judge.loading import Loaded

        torch.set_default_dtype(torch.float32)
        torch.manual_seed(0)
        loaded = Loaded(self.path, self.source)
        error = loaded.run()
        torch.set_grad_enabled(True)
        if error is not None:
            return {"ok": False, "error": error}
        self.laboratory = Laboratory(loaded)
        return {"ok": True, "definitions": loaded.definitions(), "failures": loaded.failures}

    def run(self, experiments: Iterable[dict[str, Any]], arrays: Sequence[Any]) -> Iterator[Any]:
        """Do the experiments, one after the other."""
        for experiment in experiments:
            self.asked += 1
            yield self.laboratory.run(experiment, list(arrays))

    def foresee(self, calls: object) -> None:
        """Do nothing ahead: there is nobody else to do it."""


def samples(held_out: bool, step: int = 1) -> list[Sample]:
    """Return one half of the corpus, right files first, or every `step`-th file of each kind."""
    wrong = list(wrong_files(held_out))
    kinds = (list(right_files(held_out)), *([s for s in wrong if len(s.codes) == n] for n in (1, 2)))
    return [sample for kind in kinds for sample in kind[::step]]


def measure(judge: Judge, chosen: Sequence[Sample], *, times: bool = True, listed: bool = False) -> Score:
    """Judge the files, first through runners, then, for the time alone, in this process."""
    score = Score()
    for sample in chosen:
        score.said.append(judge.say(sample))
        if listed and not sample.held_out and (told := miss(score.said[-1])):
            print(told, flush=True)
    if times:
        taken = (judge.inside(item.sample) for item in score.said if not item.broke)
        score.inside = [times for times in taken if times is not None]
    return score


def _prepared() -> None:
    """Load torch here, on one thread, with all that its first backward pass imports."""
    import torch

    torch.set_num_threads(1)
    x = torch.ones(2, requires_grad=True)
    torch.autograd.grad(x * 2, x, grad_outputs=torch.ones(2))


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--open", action="store_true", help="only the half to tune the judge with")
    half.add_argument("--held-out", action="store_true", help="only the half never looked at")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="every N-th file of each kind")
    parser.add_argument("--list", action="store_true", help="list the misses of the open half")
    parser.add_argument("--lines", action="store_true", help="how near the lines are, code by code")
    parser.add_argument("--no-times", action="store_true", help="leave out the pass in one process")
    arguments = parser.parse_args()
    single_threaded()
    _prepared()
    halves = {"open": False, "held-out": True}
    if arguments.open or arguments.held_out:
        halves = {"held-out": True} if arguments.held_out else {"open": False}
    scores: dict[str, Score] = {}
    with Judge() as judge:
        scores = {
            name: measure(
                judge,
                samples(held_out, arguments.step),
                times=not arguments.no_times,
                listed=arguments.list,
            )
            for name, held_out in halves.items()
        }
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    print(
        f"{'':24}" + "".join(f"{f'{name} ({len(score.said)} files)':>28}" for name, score in scores.items())
    )
    for line in zip(*(score.rows() for score in scores.values()), strict=True):
        print(f"{line[0][0]:24}" + "".join(f"{value:>28}" for _, value in line))
    for name, score in scores.items() if arguments.lines else ():
        print(f"\n{f'lines, {name}':28}{'right':>7}{'one off':>9}{'else':>6}")
        for code, (right, near, far) in score.lines():
            print(f"{code:28}{right:>7}{near:>9}{far:>6}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Proves the corpus: `python -m tests.benchmarks.corpus.prove [--open|--held-out] [--style NAME]`.

Right files agree with the plain loops of truth.py to 1e-9, at three sizes, masked and with other key lengths
where the style takes them. Wrong files show their mistake (evidence.py); of a pair, each beside the other.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections import Counter

import torch

from . import build, styles
from .base import Sample, Style
from .evidence import attempt, probes, shows
from .running import SIZES, Run, forgiving_view, load

LOADING = {
    "syntax-error",
    "import-error",
    "class-not-found",
    "ambiguous-class",
    "constructor-error",
    "not-implemented",
    "crash",
    "time-limit",
    "memory-limit",
    "process-limit",
    "process-exit",
}


def prove_right(style: Style, variant: str) -> str:
    """'' or why the file is not right."""
    for size in SIZES:
        run = Run(style.text(variant), style.driven(variant), size)
        for probe in probes(run):
            got = attempt(run, **probe)
            if isinstance(got, Exception):
                return f"{probe}: {got!r}"
            true = run.truth(**probe)
            tolerance = run.drive.tolerance * (1 if probe.get("big", 1) == 1 else 1000)
            if got.shape != true.shape:
                return f"{probe}: shape {tuple(got.shape)} for {tuple(true.shape)}"
            if not (got - true).abs().max() < tolerance * max(1.0, float(true.abs().max())):
                return f"{probe}: off by {float((got - true).abs().max()):.2g}"
    return ""


def prove_loading(code: str, sample: Sample, drive) -> str:
    """'' or why a file that should not load does."""

    def fails(step, *kinds):
        try:
            step()
        except kinds:
            return ""
        except BaseException as error:
            return f"raised {error!r}"
        return "did not raise"

    if code == "syntax-error":
        return fails(lambda: compile(sample.source, "f", "exec"), SyntaxError)
    if code in ("time-limit", "memory-limit", "process-limit", "process-exit"):
        return "" if compile(sample.source, "f", "exec") else "no"
    if code == "import-error":
        return fails(lambda: load(sample.source), ImportError)
    if code in ("class-not-found", "ambiguous-class"):
        load(sample.source)
        body = ast.parse(sample.source).body
        found = [
            n.name for n in body if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and "ttention" in n.name
        ]
        return "" if (len(found) > 1) == (code == "ambiguous-class") else f"found {found}"
    if code == "constructor-error":
        load(sample.source)
        return fails(lambda: Run(sample.source, drive, SIZES[0]), Exception)
    if code == "not-implemented":
        try:
            run = Run(sample.source, drive, SIZES[0])
            out = run(raw=True)
        except NotImplementedError:
            return ""
        except TypeError as error:
            return "" if "NoneType" in str(error) or "NotImplemented" in str(error) else repr(error)
        return "" if out is None or out is NotImplemented else "gave a value"

    def go():
        run = Run(sample.source, drive, SIZES[0])
        for probe in probes(run)[:4]:
            with torch.no_grad():
                run(**probe)

    return fails(go, Exception)


def prove_wrong(style: Style, sample: Sample) -> str:
    """'' or why the file's mistakes do not show."""
    numbers = [int(part.split("-")[0]) for part in sample.name.split("/")[1].split("+")]
    faults = [style.faults[n] for n in numbers]
    drive = style.driven(faults[0].on)
    if faults[0].code in LOADING:
        return prove_loading(faults[0].code, sample, drive)
    right_text = style.text(faults[0].on)
    if len(faults) == 1:
        other = Run(right_text, drive, SIZES[0])
        other.source = right_text
        return shows(faults[0].code, sample.source, drive, other, True)
    hidden = any(fault.code == "non-contiguous-view" for fault in faults)
    right = Run(right_text, drive, SIZES[0])
    for number, fault in enumerate(faults):
        rest = build.single(style, numbers[1 - number], faults[1 - number])
        other = Run(rest.source, drive, SIZES[0], like=right)
        other.source = rest.source
        if hidden and fault.code != "non-contiguous-view":
            with forgiving_view():
                why = shows(fault.code, sample.source, drive, other, False)
        else:
            why = shows(fault.code, sample.source, drive, other, False)
        if why:
            return why
    return ""


def judged(kind: str, name: str, check) -> str:
    """The reason, exceptions included."""
    try:
        return check()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {error}"


def main() -> int:
    """Prove, print, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--open", dest="held_out", action="store_false", default=None)
    half.add_argument("--held-out", dest="held_out", action="store_true")
    parser.add_argument("--style")
    parser.add_argument("--all-pairs", action="store_true", help="also pairs beyond the chosen ones")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["CORPUS_PROOF"] = "1"
    counts, codes, problems = Counter(), Counter(), Counter()
    by_style, bad = Counter(), []
    for style in styles(arguments.held_out):
        if arguments.style and arguments.style != style.name:
            continue
        for variant in style.names():
            counts["right"] += 1
            problems[style.problem] += 1
            by_style[style.name] += 1
            why = judged("right", variant, lambda s=style, v=variant: prove_right(s, v))
            if why:
                bad.append(f"{style.name}/{variant}: {why}")
        samples = list(build.wrong_samples(style))
        if arguments.all_pairs:
            samples = [*samples, *build.pair_samples(style, every=True)]
        for sample in samples:
            counts["single" if len(sample.codes) == 1 else "pair"] += 1
            codes.update({(code, len(sample.codes)): 1 for code in sample.codes})
            if sample.source in {style.text(v) for v in style.names()}:
                bad.append(f"{sample.name}: the file is unchanged")
            why = judged("wrong", sample.name, lambda s=style, w=sample: prove_wrong(s, w))
            if why:
                bad.append(f"{sample.name}: {why}")
    distinct = sum(1 for s in styles(arguments.held_out) for _ in build.right_samples(s))
    print(f"{distinct} distinct right files in all the styles asked for")
    print(dict(counts), dict(problems), f"styles {len(by_style)}")
    print("right by style:", dict(by_style))
    print("codes (singles, in pairs):")
    for code in sorted({code for code, _ in codes}):
        print(f"  {code:28} {codes[code, 1]:3} {codes[code, 2]:3}")
    print(f"{len(bad)} not proved")
    for line in bad:
        print("  ", line)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

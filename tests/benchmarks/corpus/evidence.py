"""For every mistake code: how it shows when the file runs. Used by prove.py alone."""

from __future__ import annotations

import contextlib
import itertools
import warnings

import torch

from .running import SIZES, Run

MARGIN = 1e-3
#: Mistakes of the values which may also end in a shape that does not fit.
MAY_RAISE = {"heads-not-concatenated", "key-not-transposed", "split-without-transpose"}
PROBES = (
    {},
    {"masked": True},
    {"cross": True},
    {"cross": True, "masked": True},
    {"big": 30.0},
    {"big": 30.0, "masked": True},
    {"big": 1000.0},
)


def probes(run: Run) -> list[dict]:
    """The probes this style can take."""
    cross = run.drive.inputs != "x" and not run.drive.causal
    return [p for p in PROBES if (cross or "cross" not in p) and (run.drive.masked or "masked" not in p)]


def attempt(run: Run, **probe):
    """The output, or the exception."""
    torch.manual_seed(5)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return run(**probe)
    except Exception as error:
        return error


def far(one, two) -> bool:
    """Whether two outcomes differ for sure."""
    if isinstance(one, Exception) or isinstance(two, Exception):
        return type(one) is not type(two)
    if one.shape != two.shape:
        return True
    same_nan = torch.equal(one.isnan(), two.isnan())
    return not same_nan or bool(((one - two).nan_to_num().abs() > MARGIN).any())


def differs(wrong: Run, other: Run) -> bool:
    """The two files differ on one probe."""
    return any(far(attempt(wrong, **p), attempt(other, **p)) for p in probes(wrong))


def never_right(wrong: Run, right: Run) -> bool:
    """On some probe no reading of the weights (which map is q, k, v; how heads lie) gives the output."""
    weights = right.weights()
    readings = [weights] if weights is None else list(all_readings(weights, right.size.H, right.drive.heads))
    for probe in [p for p in probes(wrong) if p.get("big") != 1000.0]:
        got = attempt(wrong, **probe)
        if isinstance(got, Exception) or got.isnan().any():
            return True
        if all(far(got, right.truth(**probe, weights=reading)) for reading in readings):
            return True
    return False


def all_readings(weights, H, heads):
    """Other right meanings of the same weights."""

    def turn(weight, rows):
        if weight is None:
            return None
        matrix, bias = weight
        if rows:
            return matrix.reshape(-1, H, matrix.shape[1]).transpose(0, 1).reshape(matrix.shape), bias
        return (
            matrix.reshape(matrix.shape[0], -1, H).transpose(1, 2).reshape(matrix.shape),
            None if bias is None else bias.reshape(-1, H).T.reshape(-1),
        )

    layouts = ((0, 0), (0, 1), (1, 0), (1, 1)) if heads else ((0, 0),)
    for inner, outer in layouts:
        three = [turn(w, False) if inner else w for w in weights[:3]]
        out = turn(weights[3], True) if outer else weights[3]
        for order in itertools.permutations(range(3)):
            yield [*(three[i] for i in order), out]


def gradients(run: Run) -> dict:
    """The gradient of a random sum of the output, by parameter and input."""
    generator = torch.Generator().manual_seed(3)
    q, k, v = (t.clone().requires_grad_() for t in run.inputs(False, 1.0))
    if run.drive.inputs == "x":
        k = v = q
    wanted = {path: t for path, t in run.values.items() if isinstance(t, torch.nn.Parameter)}
    wanted |= {"q": q, "k": k, "v": v}
    out = run(given=(q, k, v))
    upstream = torch.randn(out.shape, generator=generator, dtype=torch.float64)
    if not out.requires_grad:
        return {}
    found = torch.autograd.grad((out * upstream).sum(), list(wanted.values()), allow_unused=True)
    return {name: g for name, g in zip(wanted, found, strict=True) if g is not None}


def wrong_gradients(wrong: Run, other: Run) -> bool:
    """Some gradient is lost or differs."""
    mine, theirs = gradients(wrong), gradients(other)
    return any(name not in mine or (mine[name] - theirs[name]).abs().max() > MARGIN for name in theirs)


def mutates(wrong: Run) -> bool:
    """An input, or its mask, is not what it was."""
    given = wrong.inputs(False, 1.0)
    before = [t.clone() for t in given]
    attempt(wrong, given=given)
    if any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(before, given, strict=True)):
        return True
    if not wrong.drive.masked:
        return False
    wrong.watched.clear()
    attempt(wrong, masked=True)
    return any(a.shape != b.shape or not torch.equal(a, b) for a, b in wrong.watched)


class BuiltinCalledError(Exception):
    """The built-in attention was reached."""


@contextlib.contextmanager
def no_builtin():
    """The built-ins raise."""

    def refuse(*_, **__):
        raise BuiltinCalledError

    F, A = torch.nn.functional, torch.nn.MultiheadAttention
    kept = F.scaled_dot_product_attention, F.multi_head_attention_forward, A.forward
    F.scaled_dot_product_attention = F.multi_head_attention_forward = A.forward = refuse
    try:
        yield
    finally:
        F.scaled_dot_product_attention, F.multi_head_attention_forward, A.forward = kept


def shows(code: str, source: str, drive, other: Run, single: bool) -> str:
    """'' if the mistake shows in the file, else why not. `other`: the same file without this mistake."""

    def run(dropout=0.0, size=SIZES[0]):
        return Run(source, drive, size, like=other, dropout=dropout)

    def bad(condition):
        return "" if condition else f"{code} does not show"

    if code == "builtin-used":
        with no_builtin():
            return bad(isinstance(attempt(run()), BuiltinCalledError))
    if code == "dropout-in-eval":
        noisy = run(0.5)
        torch.manual_seed(1)
        with torch.no_grad():
            first, second = noisy(), noisy()
        return bad(far(first, second))
    if code == "dropout-missing":
        quiet = run(0.5)
        if isinstance(quiet.m, torch.nn.Module):
            quiet.m.train()
        first, second = quiet(), quiet()
        return bad("drop" in source and not far(first, second))
    if code == "non-contiguous-view":
        return bad("view size is not compatible" in str(attempt(run())))
    if code in ("detached-graph", "wrong-gradient"):
        return bad(wrong_gradients(run(), other))
    if code == "mutates-input":
        return bad(mutates(run()) and not mutates(other))
    if code == "unregistered-parameters":
        mine, theirs = (sum(p.numel() for p in r.m.parameters()) for r in (run(), other))
        return bad(mine < theirs)
    if code == "nondeterministic":
        fickle = run()
        with torch.no_grad():
            return bad(far(fickle(), fickle()))
    if code == "wrong-output-shape":
        outs = [attempt(run(), **p) for p in probes(other)]
        rights = [attempt(other, **p) for p in probes(other)]
        return bad(
            any(isinstance(a, torch.Tensor) and a.shape != b.shape for a, b in zip(outs, rights, strict=True))
        )
    if code == "wrong-output-type":
        with torch.no_grad():
            try:
                out = run()(raw=True)
            except Exception:
                return ""
        return bad(not isinstance(out, torch.Tensor))
    if code == "nan-output":
        outs = [attempt(run(), **p) for p in probes(other)]
        return bad(any(isinstance(o, torch.Tensor) and o.isnan().any() for o in outs))
    if code == "unstable-softmax":
        mine, theirs = attempt(run(), big=1000.0), attempt(other, big=1000.0)
        return bad(
            not mine.isfinite().all() and theirs.isfinite().all() and not far(attempt(run()), attempt(other))
        )
    if code == "cross-length":
        mine = run()
        square = far(attempt(mine), attempt(other))
        crossed = far(attempt(mine, cross=True), attempt(other, cross=True))
        return bad(crossed and not square)
    if code == "hard-coded-shape":
        outs = []
        for size in SIZES:
            try:
                mine, right = run(size=size), Run(other.source, drive, size)
                mine.randomise(right)
                outs.append(far(attempt(mine), attempt(right)))
            except Exception:
                outs.append(True)
        return bad(any(outs))
    if code == "unexpected-mask":
        return bad(far(attempt(run()), attempt(other)))
    if code not in MAY_RAISE and isinstance(attempt(run()), Exception):
        return f"{code}: the file raises instead"
    if not single:
        return bad(differs(run(), other))
    return bad(never_right(run(), other))

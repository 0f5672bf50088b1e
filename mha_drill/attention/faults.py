"""Every mistake that changes numbers, as a wrong step to put into the reference. One entry a way of making it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from mha_drill.attention.steps import Fault, Material, StepFunction, Walk, cut


def all_faults(*, heads: int, separate: bool, masked: bool, causal_problem: bool) -> Iterator[Fault]:
    """Yield the faults worth trying, the likelier first; each holds for any sizes.

    separate: query and key come in apart, so that their roles are told by the inputs. masked: some position
    may not be seen. causal_problem: a causal mask is asked for.
    """
    yield from scale_faults()
    yield from softmax_faults()
    if heads > 1:
        yield from split_faults()
        yield from merge_faults()
    yield from score_faults()
    yield from role_faults(separate)
    if masked:
        yield from mask_faults()
    if causal_problem:
        yield from causal_faults()
    else:
        yield Fault("unexpected-mask", "mask", "causal", {"mask": _causal_anyway})
        yield Fault("unexpected-mask", "mask", "causal, late", {"dropout": _causal_late})


Factor = Callable[[Material], float]


def _scaled(factor: Factor) -> StepFunction:
    return lambda material, walk: walk["score"] * factor(material)


def _right(material: Material) -> float:
    return float(material.head_width**-0.5)


# How the scores are scaled instead, in the learner's own terms.
FACTORS: dict[str, Factor] = {
    "1/sqrt(d_model)": lambda m: m.query.shape[-1] ** -0.5,
    "1/d_k": lambda m: 1 / m.head_width,
    "1/d_model": lambda m: 1 / m.query.shape[-1],
    "sqrt(d_k)": lambda m: m.head_width**0.5,
    "sqrt(d_model)": lambda m: m.query.shape[-1] ** 0.5,
    "1/sqrt(heads)": lambda m: m.heads**-0.5,
    "1/heads": lambda m: 1 / m.heads,
    "d_k": lambda m: float(m.head_width),
    "1/sqrt(query length)": lambda m: m.query.shape[1] ** -0.5,
    "1/sqrt(key length)": lambda m: m.key.shape[1] ** -0.5,
    "1/key length": lambda m: 1 / m.key.shape[1],
    "1/query length": lambda m: 1 / m.query.shape[1],
    "1/d_k**2": lambda m: m.head_width**-2.0,
    "d_k**-0.25": lambda m: m.head_width**-0.25,
    "1/sqrt(2 d_k)": lambda m: (2 * m.head_width) ** -0.5,
    "1/(2 sqrt(d_k))": lambda m: m.head_width**-0.5 / 2,
    "2/sqrt(d_k)": lambda m: m.head_width**-0.5 * 2,
    "1/sqrt(batch)": lambda m: m.query.shape[0] ** -0.5,
    "1/d_k**(1/3)": lambda m: m.head_width ** (-1 / 3),
    "sqrt(heads)": lambda m: m.heads**0.5,
    "1/8": lambda m: 1 / 8,
    "-1/sqrt(d_k)": lambda m: -(m.head_width**-0.5),
}


def constant_scale(factor: float) -> StepFunction:
    """Return the scale step with a factor of its own."""
    return _scaled(lambda material: factor)


def constant_fill(value: float) -> StepFunction:
    """Return the mask step with a fill of its own."""
    return _filled(value)


def added_fill(value: float) -> StepFunction:
    """Return the mask step that only adds a number where nothing may be seen."""
    return lambda m, w: w["scale"] + value * _forbidden(m).to(w["scale"].dtype)


AFTER = ("1/d_k", "1/sqrt(d_model)", "sqrt(d_k)")


def scale_faults() -> Iterator[Fault]:
    """The scores times anything but 1/sqrt(d)."""
    yield Fault("missing-scale", "scale", "1", {"scale": _scaled(lambda m: 1.0)})
    for variant, factor in FACTORS.items():
        yield Fault("wrong-scale", "scale", variant, {"scale": _scaled(factor)})
    for variant, factor in {"1/sqrt(d_k)": _right, **{name: FACTORS[name] for name in AFTER}}.items():
        yield Fault("scale-after-softmax", "scale", variant, _after_softmax(factor))


def _after_softmax(factor: Factor) -> dict[str, StepFunction]:
    return {"scale": lambda m, w: w["score"], "dropout": lambda m, w: w["softmax"] * factor(m)}


def _softmax_over(axis: int) -> StepFunction:
    return lambda material, walk: walk["mask"].softmax(dim=axis)


def _softmax_of_the_seen(axis: int) -> StepFunction:
    return lambda material, walk: walk["mask"].softmax(dim=axis).nan_to_num(0.0)


def _normalised_over(axis: int) -> StepFunction:
    """The maximum taken off over the keys, the sum taken over another axis."""

    def step(material: Material, walk: Walk) -> Tensor:
        risen = (walk["mask"] - walk["mask"].amax(-1, keepdim=True)).exp()
        return risen / risen.sum(axis, keepdim=True)

    return step


def softmax_faults() -> Iterator[Fault]:
    """Weights that do not sum to one over the keys."""
    yield Fault("missing-softmax", "softmax", "", {"softmax": lambda m, w: w["mask"]})
    # Where what may not be seen never was there: a growing slice of the keys.
    yield Fault(
        "missing-softmax",
        "softmax",
        "",
        {"softmax": lambda m, w: w["mask"].masked_fill(w["mask"].isneginf(), 0.0)},
    )
    for axis, variant in ((-2, "queries"), (1, "heads"), (0, "batch")):
        yield Fault("softmax-axis", "softmax", variant, {"softmax": _softmax_over(axis)})
        yield Fault("softmax-axis", "softmax", variant, {"softmax": _softmax_of_the_seen(axis)})
        yield Fault("softmax-axis", "softmax", variant, {"softmax": _normalised_over(axis)})
    yield Fault("softmax-axis", "softmax", "heads and batch", {"softmax": _over_folded})
    yield Fault(
        "softmax-axis",
        "softmax",
        "queries and keys",
        {"softmax": lambda m, w: w["mask"].flatten(-2).softmax(-1).view_as(w["mask"])},
    )
    yield Fault("missing-softmax", "softmax", "sigmoid", {"softmax": lambda m, w: w["mask"].sigmoid()})
    yield Fault("missing-softmax", "softmax", "exp", {"softmax": lambda m, w: w["mask"].exp()})
    yield Fault("missing-softmax", "softmax", "exp", {"softmax": lambda m, w: _shifted(w).exp()})
    yield Fault(
        "missing-softmax", "softmax", "log_softmax", {"softmax": lambda m, w: w["mask"].log_softmax(-1)}
    )
    yield Fault("missing-softmax", "softmax", "relu", {"softmax": lambda m, w: w["mask"].relu()})
    yield Fault("missing-softmax", "softmax", "tanh", {"softmax": lambda m, w: w["mask"].tanh()})
    yield Fault(
        "missing-softmax",
        "softmax",
        "sum",
        {"softmax": lambda m, w: w["mask"] / w["mask"].sum(-1, keepdim=True)},
    )


def _over_folded(material: Material, walk: Walk) -> Tensor:
    batch, heads, *rest = walk["mask"].shape
    return walk["mask"].reshape(batch * heads, *rest).softmax(0).reshape(batch, heads, *rest)


def _uncut(x: Tensor, heads: int) -> Tensor:
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads)


def _torn(x: Tensor, heads: int) -> Tensor:
    """(B, T, D) read as (B, H, T, d) with no transpose: tokens land in the wrong heads."""
    batch, length, width = x.shape
    return x.reshape(batch, heads, length, width // heads)


def _split_with(function: Callable[[Tensor, int], Tensor], which: str) -> StepFunction:
    def step(material: Material, walk: Walk) -> Tensor:
        ways = {name: function if name in which else cut for name in "qkv"}
        walk["k"] = ways["k"](walk["key"], material.heads)
        walk["v"] = ways["v"](walk["value"], material.heads)
        return ways["q"](walk["project"], material.heads)

    return step


def _flat(material: Material, walk: Walk) -> Tensor:
    """The merged shape read straight off the memory."""
    x = walk["weigh"]
    return x.reshape(x.shape[0], -1, x.shape[-1] * material.heads)


def split_faults() -> Iterator[Fault]:
    """Heads cut without being moved before time."""
    over_heads = _split_with(_uncut, "qkv")
    torn = _split_with(_torn, "qkv")
    yield Fault("split-without-transpose", "split", "over heads", {"split": over_heads, "merge": _flat})
    yield Fault(
        "split-without-transpose",
        "split",
        "over heads, transposed back",
        {"split": over_heads, "merge": _transposed_back},
    )
    yield Fault("split-without-transpose", "split", "torn", {"split": torn})
    yield Fault("split-without-transpose", "split", "torn, read back", {"split": torn, "merge": _flat})
    for which in ("v", "k", "q", "qk", "kv", "qv"):
        yield Fault("split-without-transpose", "split", f"torn {which}", {"split": _split_with(_torn, which)})


def _transposed_back(material: Material, walk: Walk) -> Tensor:
    x = walk["weigh"].transpose(1, 2)
    return x.reshape(material.query.shape[0], material.query.shape[1], -1)


# What is kept of the heads, (B, H, L, d) to (B, L, d), where they are not put beside each other.
REDUCED: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean(1),
    "first": lambda x: x[:, 0],
    "last": lambda x: x[:, -1],
    "max": lambda x: x.amax(1),
}


def _reduced(function: Callable[[Tensor], Tensor], *, repeated: bool) -> StepFunction:
    return lambda m, w: function(w["weigh"]).repeat(1, 1, m.heads if repeated else 1)


def merge_faults() -> Iterator[Fault]:
    """Heads put back in the wrong order, or not put back beside each other."""
    yield Fault(
        "merge-without-transpose",
        "merge",
        "",
        {"merge": lambda m, w: w["weigh"].reshape(w["weigh"].shape[0], w["weigh"].shape[2], -1)},
    )
    yield Fault(
        "merge-without-transpose",
        "merge",
        "last axes swapped",
        {
            "merge": lambda m, w: (
                w["weigh"].transpose(2, 3).reshape(w["weigh"].shape[0], w["weigh"].shape[2], -1)
            )
        },
    )
    yield Fault(
        "merge-without-transpose",
        "merge",
        "axes 1 and 3 swapped",
        {
            "merge": lambda m, w: (
                w["weigh"].transpose(1, 3).reshape(w["weigh"].shape[0], w["weigh"].shape[2], -1)
            )
        },
    )
    for variant, reduced in REDUCED.items():
        again = "first repeated" if variant == "first" else variant
        yield Fault("heads-not-concatenated", "merge", variant, {"merge": _reduced(reduced, repeated=False)})
        yield Fault("heads-not-concatenated", "merge", again, {"merge": _reduced(reduced, repeated=True)})
    yield Fault(
        "merge-without-transpose",
        "merge",
        "channels before time",
        {
            "merge": lambda m, w: (
                w["weigh"].reshape(w["weigh"].shape[0], -1, w["weigh"].shape[2]).transpose(1, 2)
            )
        },
    )
    yield Fault(
        "batch-mixing",
        "merge",
        "batch and heads",
        {
            "merge": lambda m, w: (
                w["weigh"].transpose(0, 1).transpose(1, 2).reshape(m.query.shape[0], m.query.shape[1], -1)
            )
        },
    )


def score_faults() -> Iterator[Fault]:
    """Keys that do not meet the queries as columns."""
    yield Fault(
        "key-not-transposed",
        "score",
        "reshaped",
        {
            "score": lambda m, w: (
                w["split"] @ w["k"].reshape(*w["k"].shape[:-2], w["k"].shape[-1], w["k"].shape[-2])
            )
        },
    )


def role_faults(separate: bool) -> Iterator[Fault]:
    """A tensor in another's place, after the projections."""
    names = {"q": "split", "k": "k", "v": "v"}
    for which in ("k", "q"):
        yield Fault("weigh-wrong-tensor", "weigh", which, {"weigh": _weigh(names[which])})
    yield Fault("weigh-wrong-tensor", "weigh", "scores", {"weigh": lambda m, w: w["mask"] @ w["v"]})
    yield Fault("weigh-wrong-tensor", "weigh", "scores", {"weigh": lambda m, w: w["score"] @ w["v"]})
    # On the way to a stable softmax: the largest score is taken off, and that is as far as it comes.
    yield Fault("weigh-wrong-tensor", "weigh", "scores", {"weigh": lambda m, w: _shifted(w) @ w["v"]})
    if separate:
        yield Fault(
            "swapped-inputs",
            "project",
            "query and key",
            {"score": lambda m, w: w["k"] @ w["split"].transpose(-2, -1)},
        )
        yield Fault(
            "weigh-wrong-tensor",
            "weigh",
            "transposed",
            {"weigh": lambda m, w: w["dropout"].transpose(-2, -1) @ w["v"]},
        )
        yield Fault(
            "swapped-inputs",
            "project",
            "key and value",
            {
                "score": lambda m, w: w["split"] @ w["v"].transpose(-2, -1),
                "weigh": lambda m, w: w["dropout"] @ w["k"],
            },
        )


def _forbidden(material: Material) -> Tensor:
    assert material.allowed is not None
    return ~material.allowed


def _shifted(walk: Walk) -> Tensor:
    return walk["mask"] - walk["mask"].amax(-1, keepdim=True)


def _weigh(name: str) -> StepFunction:
    return lambda material, walk: walk["dropout"] @ walk[name]


def _filled_late(value: float) -> StepFunction:
    return lambda material, walk: walk["softmax"].masked_fill(_forbidden(material), value)


def _filled(value: float) -> StepFunction:
    return lambda material, walk: walk["scale"].masked_fill(_forbidden(material), value)


def mask_faults() -> Iterator[Fault]:
    """Positions that may not be seen but are, or the other way round."""
    yield Fault("mask-missing", "mask", "", {"mask": lambda m, w: w["scale"]})
    yield Fault(
        "mask-inverted", "mask", "", {"mask": lambda m, w: w["scale"].masked_fill(~_forbidden(m), -torch.inf)}
    )
    yield Fault(
        "mask-after-softmax",
        "mask",
        "",
        {
            "mask": lambda m, w: w["scale"],
            "dropout": lambda m, w: w["softmax"].masked_fill(_forbidden(m), 0.0),
        },
    )
    for value in (
        -1e9,
        -1e4,
        -10000.0,
        float(torch.finfo(torch.float32).min),
        float(torch.finfo(torch.float64).min),
        -1e20,
        -1e10,
        -1e30,
    ):
        yield Fault(
            "mask-after-softmax",
            "mask",
            f"{value:g}",
            {
                "mask": lambda m, w: w["scale"],
                "dropout": _filled_late(value),
            },
        )
    for value in (0.0, 1e-9, -1e-9, 1e-10, -1.0, -2.0, -5.0, -10.0, 1.0, 1e9, 1e-12):
        yield Fault("mask-fill-value", "mask", f"{value:g}", {"mask": _filled(value)})


def causal_faults() -> Iterator[Fault]:
    """The triangle on the wrong side, or off by a diagonal."""
    for variant, diagonal, upper in (
        ("one ahead", 1, False),
        ("without itself", -1, False),
        ("two ahead", 2, False),
        ("upper", 0, True),
        ("upper without itself", 1, True),
    ):
        code = "mask-inverted" if upper else "mask-off-by-one"
        for fill in (-torch.inf, -1e9, -1e4):
            yield Fault(code, "mask", variant, {"mask": _triangular(diagonal, upper, fill)})
        # Added, a fill leaves a row of which nothing may be seen as it was.
        yield Fault(code, "mask", variant, {"mask": _triangle_added(diagonal, upper)})


def _triangular(diagonal: int, upper: bool, fill: float) -> StepFunction:
    return lambda m, w: w["scale"].masked_fill(~_triangle(w["scale"], diagonal, upper), fill)


def _triangle_added(diagonal: int, upper: bool) -> StepFunction:
    return lambda m, w: w["scale"] - 1e9 * (~_triangle(w["scale"], diagonal, upper)).to(w["scale"].dtype)


def _triangle(scores: Tensor, diagonal: int, upper: bool) -> Tensor:
    ones = torch.ones(scores.shape[-2:], dtype=torch.bool)
    return ones.triu(diagonal) if upper else ones.tril(diagonal)


def _causal_late(material: Material, walk: Walk) -> Tensor:
    """The weights, with those of later positions set to zero."""
    return walk["softmax"].tril()


def _causal_anyway(material: Material, walk: Walk) -> Tensor:
    scores = walk["scale"]
    if material.allowed is not None:
        scores = scores.masked_fill(_forbidden(material), -torch.inf)
    return scores.masked_fill(~_triangle(scores, 0, False), -torch.inf)

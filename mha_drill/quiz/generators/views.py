"""What `view`, `transpose` and `permute` do to sizes and strides, by the layout rules of `explain.strides`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from mha_drill.explain.strides import Layout, LayoutError, fresh_strides
from mha_drill.quiz.generators.base import Draw, Generator, mistaken, shape

Chain = tuple[tuple[str, tuple[int, ...]], ...]
SIZES = (2, 3, 4, 5, 6)


def _spelled(chain: Chain) -> str:
    return "x" + "".join(f".{name}({', '.join(map(str, axes))})" for name, axes in chain)


def _done(chain: Chain, layout: Layout) -> Layout | None:
    """Return the layout a chain of calls leads to, None where torch raises."""
    for name, axes in chain:
        try:
            layout = layout.reshape(*axes)[0] if name == "reshape" else getattr(layout, name)(*axes)
        except LayoutError:
            return None
    return layout


def _chains(a: int, b: int, c: int) -> list[Chain]:
    """Return calls on a tensor of three axes: views before and after the axes are exchanged."""
    swap = ("transpose", (1, 2))
    front = ("transpose", (0, 1))
    return [
        (("view", (a * b, c)),),
        (("view", (a, b * c)),),
        (swap, ("view", (a, b * c))),
        (swap, ("view", (a * c, b))),
        (swap, ("contiguous", ()), ("view", (a, b * c))),
        (swap, ("reshape", (a, b * c))),
        (front, ("view", (b, a * c))),
        (front, ("reshape", (b, a * c))),
        (front, ("contiguous", ()), ("view", (b * a, c))),
        (front, ("view", (b, a, c, 1))),
        (("permute", (2, 0, 1)), ("view", (c, a * b))),
        (("permute", (1, 2, 0)), ("view", (b * c, a))),
        (("permute", (2, 1, 0)), ("view", (c, b * a))),
        (("permute", (2, 0, 1)),),
        (swap, swap),
    ]


def _odd_one_out(
    random: Random, fits: Callable[[Layout | None], bool | None]
) -> tuple[tuple[int, ...], str, list[str]]:
    """Return a shape, one chain for which `fits` holds, and three for which it is False."""
    a, b, c = random.sample(SIZES, 3)
    found: dict[bool | None, list[Chain]] = {True: [], False: [], None: []}
    for chain in _chains(a, b, c):
        found[fits(_done(chain, Layout.fresh((a, b, c))))].append(chain)
    others = [_spelled(each) for each in random.sample(found[False], 3)]
    return (a, b, c), _spelled(random.choice(found[True])), others


def _raises(random: Random) -> Draw:
    sizes, right, others = _odd_one_out(random, lambda layout: layout is None)
    return Draw({"shape": shape(*sizes), "call": right}, right=f"`{right}`", wrong=_coded(others))


def _contiguous(random: Random) -> Draw:
    sizes, right, others = _odd_one_out(random, lambda layout: not layout.is_contiguous if layout else None)
    return Draw({"shape": shape(*sizes), "call": right}, right=f"`{right}`", wrong=_coded(others))


def _coded(calls: list[str]) -> tuple[str, ...]:
    return tuple(f"`{call}`" for call in calls)


def _strides(random: Random) -> Draw:
    sizes = tuple(random.sample((2, 3, 4, 5, 6, 7, 8), 3))
    fresh = Layout.fresh(sizes)
    axes = random.choice(((0, 1), (1, 2), (0, 2)))
    made = fresh.transpose(*axes)
    right = shape(*made.strides)
    candidates = [
        shape(*fresh_strides(made.shape)),
        shape(*fresh.strides),
        shape(*made.shape),
        shape(*reversed(fresh_strides(made.shape))),
        shape(*sizes),
    ]
    call = f"x.transpose({axes[0]}, {axes[1]}).stride()"
    values = {"shape": shape(*sizes), "strides": shape(*fresh.strides), "call": call, "answer": right}
    return Draw(values, right=right, wrong=mistaken(right, candidates, random))


def _minus_one(random: Random) -> Draw:
    batch, length = random.sample((2, 3, 4, 5, 7, 10, 16, 20), 2)
    heads, width = random.choice((2, 4, 8, 12)), random.choice((8, 16, 32, 64))
    whole = (batch, length, heads * width)
    wanted = random.choice(((batch, length, heads, -1), (batch, length, -1, width), (-1, heads * width)))
    found = Layout.fresh(whole).infer(wanted)[wanted.index(-1)]
    rest = " · ".join(str(size) for size in wanted if size != -1)
    values = {
        "shape": shape(*whole),
        "call": f"x.view({', '.join(map(str, wanted))})",
        "count": f"{Layout.fresh(whole).count:,}",
        "rest": rest,
        "answer": found,
    }
    return Draw(values, answer=str(found))


GENERATORS = (
    Generator("views", "view-raises", "choice", ("split", "merge"), "view", 2, _raises),
    Generator("views", "contiguous", "choice", ("merge",), "contiguous", 2, _contiguous),
    Generator("views", "strides", "choice", ("split", "merge"), "strides", 2, _strides),
    Generator("views", "minus-one", "number", ("split",), "view", 1, _minus_one),
)

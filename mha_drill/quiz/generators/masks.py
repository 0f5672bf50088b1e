"""Which positions a mask lets through, and which shapes of a mask fit the scores."""

from __future__ import annotations

from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken, phrase, shape
from mha_drill.quiz.generators.shapes import draw_sizes
from mha_drill.records import Text


def _keys(keys: list[int]) -> Text:
    if not keys:
        return phrase("masks", "none")
    return phrase("masks", "keys", keys=", ".join(map(str, keys)))


def _row(random: Random) -> Draw:
    length = random.choice((5, 6, 7, 8))
    row = random.randrange(1, length - 2)
    diagonal = random.choice((0, 0, -1, 1))
    fill = f"torch.tril(torch.ones({length}, {length}), diagonal={diagonal})"
    if diagonal == 0:
        fill = f"torch.tril(torch.ones({length}, {length}))"
    right = list(range(row + diagonal + 1))
    candidates = [
        _keys(list(range(row + diagonal + 1, length))),  # the inverted mask
        _keys(list(range(row + 1 if diagonal else row))),
        _keys(list(range(row, length))),
        _keys(list(range(row + 2))),
        _keys([row]),
    ]
    values = {"T": length, "row": row, "mask": fill, "last": row + diagonal, "after": row + diagonal + 1}
    return Draw(values, right=_keys(right), wrong=mistaken(_keys(right), candidates, random))


def _count(random: Random) -> Draw:
    length = random.randrange(6, 129)
    kept = length * (length + 1) // 2
    return Draw({"T": length, "all": length * length, "kept": kept}, answer=str(kept))


def _broadcast(random: Random) -> Draw:
    sizes = draw_sizes(random)
    b, length, other, h = sizes.batch, sizes.length, sizes.key_length, sizes.heads
    right = random.choice([(b, 1, 1, other), (1, 1, length, other), (b, 1, length, other), (length, other)])
    wrong = [(b, length, other), (b, other), (b, 1, other, length), (b, length, 1, other), (h, length, 1)]
    candidates = [shape(*each) for each in random.sample(wrong, len(wrong)) if not _fits(each, sizes.values)]
    values = sizes.values | {"right": shape(*right)}
    return Draw(values, right=shape(*right), wrong=mistaken(shape(*right), candidates, random))


def _fits(mask: tuple[int, ...], sizes: dict[str, int]) -> bool:
    scores = (sizes["B"], sizes["H"], sizes["L"], sizes["S"])
    return all(one in (1, two) for one, two in zip(reversed(mask), reversed(scores), strict=False))


def _padding(random: Random) -> Draw:
    sizes = draw_sizes(random)
    right = "`real[:, None, None, :]`"
    candidates = ["`real[:, None, :]`", "`real[None, None, :, :]`", "`real[:, None, :, None]`", "`real`"]
    return Draw(sizes.values, right=right, wrong=mistaken(right, random.sample(candidates, 4), random))


GENERATORS = (
    Generator("masks", "mask-row", "choice", ("mask",), "mask", 2, _row, ("causal-mask",)),
    Generator("masks", "mask-count", "number", ("mask",), "mask", 2, _count, ("causal-mask",)),
    Generator("masks", "mask-broadcast", "choice", ("mask",), "mask", 2, _broadcast),
    Generator("masks", "mask-padding", "choice", ("mask",), "mask", 2, _padding, ("padding-mask",)),
)

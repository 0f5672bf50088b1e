"""Pictures that are no film: right beside wrong, which axes merge, one address, the walk of shapes.

Each is a pure function of the sizes, named for the topics in `pictures.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mha_drill.explain.cells import kept_cells, piece
from mha_drill.explain.figures import (
    Address,
    Block,
    Comparison,
    Merging,
    Mergings,
    Pair,
    Row,
    Side,
    Term,
    Walk,
    WalkRow,
)
from mha_drill.explain.sizes import Sizes
from mha_drill.explain.strides import Layout, LayoutError
from mha_drill.records import STEPS


def mixed(sizes: Sizes) -> Comparison:
    """The split with and without transpose: which token each position of each head then holds."""
    kept = kept_cells(sizes)
    batch, length, heads, head_width = (sizes.letters[axis] for axis in "BLHd")
    cut = Layout.fresh((batch, length, heads, head_width))
    wrong = Layout.fresh((batch, heads, length, head_width))

    def side(layout: Layout, code: str) -> Side:
        groups = []
        for head in kept.heads:
            rows = []
            for position in kept.tokens:
                token, part = divmod(layout.address((0, head, position, 0)) // head_width, heads)
                block = piece(sizes, kept, token, part)
                rows.append(Row(position, (block,), (token, part) == (position, head)))
            groups.append((head, tuple(rows)))
        return Side(code, tuple(groups))

    return Comparison(
        "split",
        side(cut.transpose(1, 2), f"x.view{cut.shape}.transpose(1, 2)"),
        side(wrong, f"x.view{wrong.shape}"),
        wrong.shape,
        wrong.address((0, 0, length - 1, 0)) // sizes.width + 1,
        heads == 1 or length == 1,
        kept,
    )


def unmixed(sizes: Sizes) -> Comparison:
    """The merge with and without transposing back: which pieces each output row is then made of."""
    kept = kept_cells(sizes)
    batch, length, heads = sizes.batch, sizes.length, sizes.heads

    def side(right: bool, code: str) -> Side:
        rows = []
        for position in kept.tokens:
            blocks = []
            for place in kept.heads:
                head, token = (place, position) if right else divmod(position * heads + place, length)
                blocks.append(piece(sizes, kept, token, head))
            wanted = all((b.token, b.head) == (position, h) for b, h in zip(blocks, kept.heads, strict=True))
            rows.append(Row(position, _with_gaps(blocks, kept.heads), wanted))
        return Side(code, ((None, tuple(rows)),))

    return Comparison(
        "merge",
        side(True, f"heads.transpose(1, 2).reshape({batch}, {length}, {sizes.width})"),
        side(False, f"heads.reshape({batch}, {length}, {sizes.width})"),
        (batch, length, sizes.width),
        min(heads, length),
        heads == 1 or length == 1,
        kept,
    )


def _with_gaps(blocks: Sequence[Block], places: Sequence[int]) -> tuple[Block, ...]:
    befores = (-1, *places)
    return tuple(
        replace(block, gap=place != before + 1)
        for block, place, before in zip(blocks, places, befores, strict=False)
    )


def mergings(sizes: Sizes) -> Mergings:
    """Which neighbouring axes may be merged: of a new tensor, of split heads, of a third of a fused qkv."""
    letters = sizes.letters
    batch, length, width, heads, head_width = (letters[axis] for axis in "BLDHd")
    cut = Layout.fresh((batch, length, heads, head_width))
    third = Layout((batch, length, width), (length * 3 * width, 3 * width, 1))
    fused = f"torch.arange({batch * length * 3 * width}).view({batch}, {length}, {3 * width})"
    split_code = f"x.view({batch}, {length}, {heads}, {head_width})"
    return Mergings(
        (
            _merging(f"cut = {split_code}", cut, "BLHd"),
            _merging(f"heads = {split_code}.transpose(1, 2)", cut.transpose(1, 2), "BHLd"),
            _merging(f"q, k, v = {fused}.chunk(3, dim=-1)", third, "BLD"),
        )
    )


def _merging(code: str, layout: Layout, axes: str) -> Merging:
    pairs = []
    for place in range(len(axes) - 1):
        size, stride = layout.shape[place + 1], layout.strides[place + 1]
        merged = (*layout.shape[:place], layout.shape[place] * size, *layout.shape[place + 2 :])
        try:
            layout.view(*merged)
            merges = True
        except LayoutError:
            merges = False
        free = 1 in (layout.shape[place], size)
        pairs.append(Pair((axes[place], axes[place + 1]), layout.strides[place], size, stride, merges, free))
    return Merging(code, layout.shape, layout.strides, layout.is_contiguous, tuple(pairs))


def address(sizes: Sizes) -> Address:
    """How the last element of head 0's second token (or its last, if there is one only) is found."""
    heads = Layout.fresh(tuple(sizes.letters[axis] for axis in "BLHd")).transpose(1, 2)
    index = (0, sizes.heads - 1, min(1, sizes.length - 1), sizes.head_width - 1)
    terms = tuple(
        Term(axis, size, at, stride)
        for axis, size, at, stride in zip("BHLd", heads.shape, index, heads.strides, strict=True)
    )
    code = f"heads = x.view({', '.join(str(sizes.letters[axis]) for axis in 'BLHd')}).transpose(1, 2)"
    return Address(code, f"heads[{', '.join(map(str, index))}]", terms, heads.address(index))


_WALK: tuple[tuple[str, str], ...] = (
    ("q, k, v = q_proj(x), k_proj(x), v_proj(x)", "B, L, D"),
    ("q = q.view(B, L, H, d).transpose(1, 2)", "B, H, L, d"),
    ("scores = q @ k.transpose(-2, -1)", "B, H, L, S"),
    ("scores = scores / math.sqrt(d)", "B, H, L, S"),
    ("scores = scores.masked_fill(mask == 0, -math.inf)", "B, H, L, S"),
    ("weights = scores.softmax(dim=-1)", "B, H, L, S"),
    ("weights = dropout(weights)", "B, H, L, S"),
    ("heads = weights @ v", "B, H, L, d"),
    ("merged = heads.transpose(1, 2).reshape(B, L, D)", "B, L, D"),
    ("output = o_proj(merged)", "B, L, D"),
)


def walk(sizes: Sizes) -> Walk:
    """The shapes of the ten steps of self-attention (S = L)."""
    return _walk(sizes, [(step, *row) for step, row in zip(STEPS, _WALK, strict=True)])


_ATTEND = (("attention", "a = attention(x, x, x)", "B, L, D"), ("add, norm", "x = norm1(x + a)", "B, L, D"))
_MASKED = (
    ("attention", "a = masked_attention(x, x, x)", "B, L, D"),
    ("add, norm", "x = norm1(x + a)", "B, L, D"),
    ("attention", "c = cross_attention(x, memory, memory)", "B, L, D"),
    ("add, norm", "x = norm2(x + c)", "B, L, D"),
)
_FEED = (("feed-forward", "f = down(up(x).relu())", "B, L, D"), ("add, norm", "x = norm2(x + f)", "B, L, D"))


def encoder(sizes: Sizes) -> Walk:
    """One block of an encoder, as the first paper has it."""
    return _walk(sizes, [*_ATTEND, *_FEED])


def decoder(sizes: Sizes) -> Walk:
    """One block of a decoder; `memory` is what the encoder made."""
    return _walk(sizes, [*_MASKED, _FEED[0], ("add, norm", "x = norm3(x + f)", "B, L, D")])


def _walk(sizes: Sizes, rows: Sequence[tuple[str, str, str]]) -> Walk:
    return Walk(
        tuple(
            WalkRow(step, code, letters, tuple(sizes.letters[axis] for axis in letters.split(", ")))
            for step, code, letters in rows
        )
    )

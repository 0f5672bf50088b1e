"""Who is query, key and value in a trace, and which channels make which head. Judge side.

The first products of content with content are the scores: their left side is the query, their right side the
key. The products after them weigh the values. Heads are read off the labels of these operands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mha_drill.judge.recording import CONTENT, Call, Recording
from mha_drill.judge.wiring import CHANNELS, Labels, Wiring, equation


@dataclass(frozen=True, slots=True)
class Side:
    """One of query, key and value as the submission has it.

    rows: (B, T, channels) the projected tensor, channels in the order of heads. source: the input it comes
    from (`q`, `x`, ...). weights: the names of its weights, empty where nothing was projected. line: of the
    projection. proper: whether every head has whole tokens (the split is right).
    """

    rows: np.ndarray
    source: str
    weights: frozenset[str]
    line: int | None
    heads: int
    proper: bool
    projections: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Roles:
    """The three sides, and the calls that score and that weigh."""

    query: Side
    key: Side
    value: Side
    scores: tuple[Call, ...]
    weighs: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Operands:
    """Both sides of a product as (batch, free, contracted), with the value numbers they come from."""

    left: Labels | None
    right: Labels | None
    left_number: int
    right_number: int


def find_roles(recording: Recording, wiring: Wiring) -> Roles | None:
    """Return the roles, or None where the trace does not show them."""
    products = [
        (call, sides)
        for call in recording.contractions
        if (sides := _operands(call, recording, wiring)) is not None
    ]
    scores = [(call, sides) for call, sides in products if sides.left is not None and sides.right is not None]
    if not scores:
        return None
    reached = recording.after([call for call, _ in scores])
    scores = [
        (call, sides)
        for call, sides in scores
        if not reached[sides.left_number] and not reached[sides.right_number]
    ]
    weighs = []
    for call, sides in products:
        if reached[sides.left_number] and not reached[sides.right_number] and sides.right is not None:
            weighs.append(
                (call, Labels(sides.right.token.transpose(0, 2, 1), sides.right.channel.transpose(0, 2, 1)))
            )
        elif reached[sides.right_number] and not reached[sides.left_number] and sides.left is not None:
            weighs.append(
                (call, Labels(sides.left.token.transpose(0, 2, 1), sides.left.channel.transpose(0, 2, 1)))
            )
    if not scores or not weighs:
        return None
    query = _side([sides.left for _, sides in scores if sides.left], wiring)
    key = _side([sides.right for _, sides in scores if sides.right], wiring)
    value = _side([labels for _, labels in weighs], wiring)
    if query is None or key is None or value is None:
        return None
    return Roles(query, key, value, tuple(call for call, _ in scores), tuple(call for call, _ in weighs))


def _side(labels: list[Labels], wiring: Wiring) -> Side | None:
    """Read one side off its operands, (batch, rows, channels) each."""
    heads: dict[tuple[int, ...], set[int]] = {}
    proper = True
    for item in labels:
        if (item.token != item.token[:, :, :1]).any() or (item.channel != item.channel[:, :1, :]).any():
            proper = False
            break
        for batch in range(item.token.shape[0]):
            heads.setdefault(tuple(item.channel[batch, 0].tolist()), set()).update(
                item.token[batch, :, 0].tolist()
            )
    tokens = np.unique(np.concatenate([item.token.ravel() for item in labels]))
    if (tokens < 0).any():
        return None
    proper = proper and all(len(have) == len(tokens) for have in heads.values())
    codes = np.unique(np.concatenate([item.channel.ravel() for item in labels]))
    if proper:
        flat = [code for head in heads for code in head]
        proper = len(flat) == len(set(flat))
    order = [code for head in sorted(heads, key=min) for code in head] if proper else codes.tolist()
    rows = _rows(order, tokens, wiring)
    if rows is None:
        return None
    used = tuple(sorted({code // CHANNELS - 1 for code in order}))
    weights: frozenset[str] = frozenset()
    line = None
    for index in used:
        if index >= 0:
            weights |= wiring.projections[index].weights
            line = line or wiring.projections[index].call.line
    source = CONTENT[int(tokens[0]) // 1_000_000]
    return Side(rows, source, weights, line, len(heads) if proper else 0, proper, used)


def _rows(codes: list[int], tokens: np.ndarray, wiring: Wiring) -> np.ndarray | None:
    """Return (B, T, channels) of the projected values for these channel codes and tokens."""
    batches = np.unique(tokens // 1_000 % 1_000)
    positions = np.unique(tokens % 1_000)
    if len(batches) * len(positions) != len(tokens):
        return None
    raw = _raw(wiring)
    wanted = np.array(codes)
    flat = np.empty((len(tokens), len(codes)))
    ordered = sorted(tokens.tolist())
    for owner in np.unique(wanted // CHANNELS).tolist():
        columns = np.flatnonzero(wanted // CHANNELS == owner)
        source = raw if owner == 0 else wiring.projections[owner - 1].rows
        if any(token not in source for token in ordered):
            return None
        table = [source[token] for token in ordered]
        channels = wanted[columns] % CHANNELS
        if min(map(len, table)) <= channels.max():
            return None
        flat[:, columns] = np.stack([row[channels] for row in table])
    rows = flat.reshape(len(batches), len(positions), len(codes))
    return None if np.isnan(rows).any() else rows


def _raw(wiring: Wiring) -> dict[int, np.ndarray]:
    found: dict[int, np.ndarray] = {}
    for value in wiring.recording.values:
        if value.kind == "input" and value.number in wiring.labels and value.array is not None:
            tokens = wiring.labels[value.number].token[:, :, 0]
            for first, second in np.ndindex(*tokens.shape):
                found[int(tokens[first, second])] = value.array[first, second]
    return found


def _operands(call: Call, recording: Recording, wiring: Wiring) -> Operands | None:
    """Bring both operands of a product to (batch, free, contracted)."""
    numbers = [number for number in call.inputs if recording.content[number]]
    if call.short == "baddbmm":
        numbers = list(call.inputs[1:])
    if len(numbers) != 2:
        return None
    left, right = numbers
    first, second = wiring.labels.get(left), wiring.labels.get(right)
    if call.short == "einsum":
        return _einsum(call, recording, left, right, first, second)
    if call.short in ("mul", "__mul__", "__rmul__", "multiply"):
        return _broadcast(recording, call, left, right, first, second)
    if call.short == "linear":
        return Operands(_flat(first, False), _flat(second, False), left, right)
    if call.short == "__rmatmul__":
        left, right, first, second = right, left, second, first
    shapes = [recording.values[number].shape for number in (left, right)]
    if min(len(shape) for shape in shapes) < 2:
        return None
    if call.repaired == "key-not-transposed":
        return Operands(_flat(first, False), _flat(second, False), left, right)
    lead = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
    return Operands(_flat(_lead(first, lead), False), _flat(_lead(second, lead), True), left, right)


def _lead(labels: Labels | None, lead: tuple[int, ...]) -> Labels | None:
    if labels is None:
        return None
    return Labels(
        np.broadcast_to(labels.token, lead + labels.token.shape[-2:]),
        np.broadcast_to(labels.channel, lead + labels.channel.shape[-2:]),
    )


def _flat(labels: Labels | None, swap: bool) -> Labels | None:
    if labels is None:
        return None

    def shape(array: np.ndarray) -> np.ndarray:
        array = np.swapaxes(array, -1, -2) if swap else array
        return array.reshape(-1, *array.shape[-2:])

    return Labels(shape(labels.token), shape(labels.channel))


def _einsum(
    call: Call, recording: Recording, left: int, right: int, first: Labels | None, second: Labels | None
) -> Operands | None:
    parsed = equation(call, 2)
    if parsed is None:
        return None
    (one, two), out = parsed
    if _key_first(one, two, out):
        left, right, first, second, one, two = right, left, second, first, two, one
    dots = "".join(
        chr(0x3B1 + position)
        for position in range(len(recording.values[left].shape) - len(one.replace("...", "")))
    )
    one, two, out = (text.replace("...", dots) for text in (one, two, out))
    shared = [letter for letter in one if letter in two and letter in out]
    contracted = [letter for letter in one if letter in two and letter not in out]
    if not contracted:
        return None

    def bring(labels: Labels | None, letters: str) -> Labels | None:
        if labels is None or labels.token.ndim != len(letters):
            return None
        free = [letter for letter in letters if letter not in shared and letter not in contracted]
        # Heads that share a key stand on the query's side alone: other channels of the same tokens.
        apart = [letter for letter in free[1:] and free if _tells_heads(labels, letters.index(letter))]
        free = [letter for letter in free if letter not in apart]
        lead = [*shared, *apart]
        order = [letters.index(letter) for letter in [*lead, *free, *contracted]]

        def flat(array: np.ndarray) -> np.ndarray:
            moved = np.transpose(array, order)
            batch = int(np.prod(moved.shape[: len(lead)], dtype=int))
            middle = int(np.prod(moved.shape[len(lead) : len(lead) + len(free)], dtype=int))
            return moved.reshape(batch, middle, -1)

        return Labels(flat(labels.token), flat(labels.channel))

    return Operands(bring(first, one), bring(second, two), left, right)


def _tells_heads(labels: Labels, axis: int) -> bool:
    """Whether along an axis the tokens stay and the channels change."""
    token, channel = np.moveaxis(labels.token, axis, 0), np.moveaxis(labels.channel, axis, 0)
    return len(token) > 1 and bool((token == token[:1]).all()) and bool((channel[1:] != channel[:1]).all())


def _key_first(one: str, two: str, out: str) -> bool:
    """Whether the axis of the second operand comes before that of the first in the result: `bkhd,bqhd->bhqk`."""
    own = [
        next((letter for letter in out if letter in mine and letter not in other), "")
        for mine, other in ((one, two), (two, one))
    ]
    return all(own) and out.index(own[0]) > out.index(own[1])


def _broadcast(
    recording: Recording, call: Call, left: int, right: int, first: Labels | None, second: Labels | None
) -> Operands | None:
    """(..., i, 1, d) times (..., 1, s, d), summed over the last axis by a later call."""
    shapes = [recording.values[number].shape for number in (left, right)]
    if len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 4:
        return None
    if shapes[0][-2] != 1 or shapes[1][-3] != 1:
        return None

    def squeeze(labels: Labels | None, axis: int) -> Labels | None:
        if labels is None:
            return None
        return _flat(Labels(np.squeeze(labels.token, axis), np.squeeze(labels.channel, axis)), False)

    return Operands(squeeze(first, -2), squeeze(second, -3), left, right)

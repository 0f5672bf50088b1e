"""From a trace to the ten steps: the projections, who is query, key and value, how channels make heads.

Every element of a projection's output carries a label, the token it stands for and its channel. Labels are
followed through reshapes, transposes, slices and scalings by the values themselves, so that no layout of
weights needs to be known beforehand. Judge side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from mha_drill.judge.normalised import normalised
from mha_drill.judge.recording import CONTENT, CONVOLUTIONS, NORMS, PRODUCTS, Call, Recording

CHANNELS = 10_000
ELEMENTWISE = frozenset(
    """
    add __add__ __radd__ __iadd__ add_ sub __sub__ __isub__ sub_
    mul __mul__ __rmul__ __imul__ mul_ div __truediv__ __itruediv__ div_
    true_divide neg __neg__ multiply divide type_as to double float
    dropout
    """.split()
)


@dataclass(slots=True)
class Labels:
    """Labels of one value: per element, input*10^6 + batch*10^3 + position, and channel code; -1 unknown."""

    token: np.ndarray
    channel: np.ndarray


@dataclass(slots=True)
class Projection:
    """A linear map of an input by weights: `call` made it, `rows` is (tokens, channels) with the bias in."""

    index: int
    call: Call
    weights: frozenset[str]
    source: str
    rows: dict[int, np.ndarray] = field(default_factory=dict)
    tokens: set[int] = field(default_factory=set)


class Wiring:
    """The projections of one traced call and the labels of all that is laid out from them."""

    def __init__(self, recording: Recording, *, by_position: bool = False) -> None:
        self.recording = recording
        self.by_position = by_position
        self.projections: list[Projection] = []
        self.labels: dict[int, Labels] = {}
        self.norms: list[Call] = []
        self._table: dict[int, float] = {}
        self._read()

    def _read(self) -> None:
        recording = self.recording
        for value in recording.values:
            if (
                value.kind == "input"
                and value.name in CONTENT
                and value.array is not None
                and value.array.ndim == 3
            ):
                labels = _input_labels(CONTENT.index(value.name), value.shape, by_position=self.by_position)
                self.labels[value.number] = labels
        for call in recording.calls:
            if not call.outputs or call.outputs[0] in call.inputs:
                continue
            self._follow(call)

    def _follow(self, call: Call) -> None:
        recording = self.recording
        content = [number for number in call.inputs if recording.content[number]]
        output = recording.values[call.outputs[0]]
        if not content or output.array is None:
            return
        known = [number for number in content if number in self.labels]
        if call.short in NORMS and known:
            self.norms.append(call)
            if recording.values[known[0]].shape == output.shape:
                self.labels[output.number] = self.labels[known[0]]
            return
        # A map of a map is a map: `k = w_k(w_q(x))` has been seen.
        raw = known
        weighted = [
            number for number in call.inputs if recording.weights[number] and not recording.content[number]
        ]
        if raw and weighted and call.short in PRODUCTS | CONVOLUTIONS and len(content) == 1:
            self._project(call, raw[0], weighted[0])
            return
        if (
            len(content) == len(known) == 1
            and call.short in ELEMENTWISE
            and recording.values[known[0]].shape == output.shape
        ):
            self.labels[output.number] = self.labels[known[0]]
            self._keep(output.number)
            return
        if known and len(known) == len(content):
            for number in call.outputs:
                self._match(number, known)
        if output.number not in self.labels:
            self._normalise(call, output.number)

    def _normalise(self, call: Call, number: int) -> None:
        """Label an input that was normalised by hand, like the input itself."""
        array = self.recording.values[number].array
        if array is None or array.ndim != 3 or array.dtype.kind != "f":
            return
        for value in self.recording.values:
            if value.kind == "input" and value.array is not None and value.shape == array.shape:
                rows = value.array.reshape(-1, value.shape[-1])
                if value.number in self.labels and normalised(rows, array.reshape(rows.shape)):
                    self.norms.append(call)
                    self.labels[number] = self.labels[value.number]
                    return

    def _project(self, call: Call, source: int, weight: int) -> None:
        """Label what a linear map of an input gives: the input's tokens, fresh channels."""
        recording = self.recording
        output = recording.values[call.outputs[0]]
        tokens = _contracted(call, recording, source, weight, self.labels[source].token)
        if tokens is None or tokens.shape != output.shape:
            return
        made = frozenset(tokens.ravel().tolist())
        same = self._same_map(call, made)
        index = len(self.projections) if same is None else same.index
        flat_tokens = tokens.ravel()
        order = np.argsort(flat_tokens, kind="stable")
        count = len(np.unique(flat_tokens))
        if flat_tokens.size % count:
            return
        channel = np.empty(flat_tokens.size, dtype=np.int64)
        channel[order] = np.tile(np.arange(flat_tokens.size // count), count)
        channel = channel.reshape(output.shape)
        first = int(flat_tokens[0])
        source_name = CONTENT[first // 1_000_000] if first >= 0 else ""
        weights = frozenset().union(
            *(recording.weights[number] for number in call.inputs if not recording.content[number])
        )
        if same is None:
            self.projections.append(Projection(index, call, weights, source_name, tokens=set(made)))
        else:
            same.tokens |= made
        self.labels[output.number] = Labels(tokens, channel + (index + 1) * CHANNELS)
        self._keep(output.number)

    def _same_map(self, call: Call, tokens: frozenset[int]) -> Projection | None:
        """Return the projection that a call goes on with: one line maps the items of a batch one after the other."""
        weights = self._weights_of(call)

        def alike(known: Projection) -> bool:
            others = self._weights_of(known.call)
            pairs = zip(others, weights, strict=False)
            return len(others) == len(weights) and all(
                one is not None and two is not None and np.array_equal(one, two) for one, two in pairs
            )

        return next(
            (
                known
                for known in self.projections
                if known.call.line == call.line
                and {token // 1_000_000 for token in known.tokens | tokens} == {min(tokens) // 1_000_000}
                and not known.tokens & tokens
                and alike(known)
            ),
            None,
        )

    def _weights_of(self, call: Call) -> list[np.ndarray | None]:
        """Return the operands that hold weights alone."""
        recording = self.recording
        numbers = [item for item in call.inputs if recording.weights[item] and not recording.content[item]]
        return [recording.values[item].array for item in numbers]

    def _keep(self, number: int) -> None:
        """Remember the values of a projection as rows; a bias added later replaces them."""
        labels, array = self.labels[number], self.recording.values[number].array
        assert array is not None
        if (labels.channel < CHANNELS).any() or (labels.token < 0).any():
            return
        if self.recording.producer[number].short not in PRODUCTS | CONVOLUTIONS and not self._bias(number):
            return
        owners = labels.channel // CHANNELS
        for owner in np.unique(owners):
            projection = self.projections[int(owner) - 1]
            inside = owners == owner
            tokens, place = np.unique(labels.token[inside], return_inverse=True)
            channels = labels.channel[inside] % CHANNELS
            rows = np.full((len(tokens), int(channels.max()) + 1), np.nan)
            rows[place, channels] = array[inside]
            for token, row in zip(tokens.tolist(), rows, strict=True):
                known = projection.rows.get(token)
                if known is not None and len(known) >= len(row):
                    fresh = ~np.isnan(row)
                    known[: len(row)][fresh] = row[fresh]
                else:
                    projection.rows[token] = row

    def _bias(self, number: int) -> bool:
        """Whether the call that made a value adds weights to a projection."""
        call = self.recording.producer[number]
        return call.short in ("add", "__add__", "__radd__", "__iadd__", "add_") and any(
            self.recording.weights[item] and not self.recording.content[item] for item in call.inputs
        )

    def _match(self, number: int, sources: list[int]) -> None:
        """Label a value whose elements are all elements of its operands, by the values themselves."""
        array = self.recording.values[number].array
        if array is None or array.dtype.kind != "f" or array.size == 0:
            return
        values = np.concatenate([self.recording.values[item].array.ravel() for item in sources])  # type: ignore[union-attr]
        tokens = np.concatenate([self.labels[item].token.ravel() for item in sources])
        channels = np.concatenate([self.labels[item].channel.ravel() for item in sources])
        order = np.argsort(values, kind="stable")
        place = np.searchsorted(values[order], array.ravel())
        place = np.minimum(place, len(values) - 1)
        found = order[place]
        if not np.array_equal(values[found], array.ravel()):
            return
        self.labels[number] = Labels(tokens[found].reshape(array.shape), channels[found].reshape(array.shape))


def _input_labels(index: int, shape: tuple[int, ...], *, by_position: bool) -> Labels:
    """Label an input (B, T, D), or (T, B, D) where the file takes positions first."""
    first, second, width = shape
    rows, columns = np.arange(first)[:, None], np.arange(second)[None, :]
    batch, position = (columns, rows) if by_position else (rows, columns)
    token = index * 1_000_000 + batch * 1_000 + position
    return Labels(
        np.broadcast_to(token[:, :, None], shape).copy(),
        np.broadcast_to(np.arange(width)[None, None, :], shape).copy(),
    )


def _contracted(
    call: Call, recording: Recording, source: int, weight: int, token: np.ndarray
) -> np.ndarray | None:
    """Return the token of each element of a linear map's output, or None where tokens are mixed."""
    output = recording.values[call.outputs[0]].shape
    if call.short in CONVOLUTIONS:
        row = _constant(token, 1)
        return (
            None
            if row is None
            else np.broadcast_to(np.expand_dims(row, 1), output).copy()
            if np.expand_dims(row, 1).ndim == len(output) and row.shape[1:] == output[2:]
            else None
        )
    if call.short == "einsum":
        return _einsum_tokens(call, source, token, output)
    if call.short == "tensordot":
        row = _constant(token, token.ndim - 1)
        return (
            None
            if row is None
            else np.broadcast_to(row.reshape(row.shape + (1,) * (len(output) - row.ndim)), output).copy()
        )
    position = call.inputs.index(source)
    left = position == (1 if call.short in ("addmm", "baddbmm") else 0)
    if call.short == "__rmatmul__":
        left = not left
    row = _constant(token, token.ndim - 1 if left else token.ndim - 2)
    if row is None:
        return None
    row = np.expand_dims(row, -1 if left else -2)
    try:
        return np.broadcast_to(row, output).copy()
    except ValueError:
        return None


def _constant(token: np.ndarray, axis: int) -> np.ndarray | None:
    """Return labels without an axis along which they do not change, else None."""
    first = np.take(token, [0], axis=axis)
    return np.squeeze(first, axis) if (token == first).all() else None


def equation(call: Call, operands: int) -> tuple[list[str], str] | None:
    """Return the letters of an einsum's operands and of its output; None for what is not written plainly."""
    found = re.match(r"\s*['\"]([^'\"]+)['\"]", call.literals)
    if not found:
        return None
    text = found.group(1).replace(" ", "")
    if "->" not in text:
        return None
    left, _, right = text.partition("->")
    terms = left.split(",")
    return (terms, right) if len(terms) == operands else None


def _einsum_tokens(call: Call, source: int, token: np.ndarray, output: tuple[int, ...]) -> np.ndarray | None:
    parsed = equation(call, len(call.inputs))
    if parsed is None:
        return None
    terms, right = parsed
    letters = terms[call.inputs.index(source)]
    if "..." in letters:
        free = token.ndim - len(letters.replace("...", ""))
        dots = "".join(chr(0x3B1 + position) for position in range(free))
        letters, right = letters.replace("...", dots), right.replace("...", dots)
    for axis in range(len(letters) - 1, -1, -1):
        if letters[axis] not in right:
            row = _constant(token, axis)
            if row is None:
                return None
            token, letters = row, letters[:axis] + letters[axis + 1 :]
    if "..." in right or len(letters) != token.ndim:
        return None
    token = np.transpose(token, [letters.index(letter) for letter in right if letter in letters])
    shape = [output[position] if letter in letters else 1 for position, letter in enumerate(right)]
    return np.broadcast_to(token.reshape(shape), output).copy()

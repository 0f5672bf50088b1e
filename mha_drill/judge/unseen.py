"""Where the trace does not show the scores: `torch.jit.script`, `torch.vmap`, a detour. Judge side.

The projections are seen all the same. Every way of making them query, key and value of the asked heads is
tried; the output must be one affine map of full rank of what the reference, or the reference with one wrong step,
then merges, over many tokens. Called by `examination` for the verdict and by `diagnosis.detours` for the name.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch

from mha_drill.attention.faults import all_faults
from mha_drill.attention.steps import Fault, Material, walk_through
from mha_drill.judge.assessment import Assessment, flat
from mha_drill.judge.matching import affine_map, close
from mha_drill.judge.recording import CONTENT, Recording
from mha_drill.judge.wiring import Projection

# Which input query, key and value are made from, by how the submission is called.
SOURCES = {"x": ("x", "x", "x"), "cross": ("q", "context", "context"), "qkv": ("q", "k", "v")}
SIDES = ("query", "key", "value")


@dataclass(frozen=True, slots=True)
class Sample:
    """A traced call, its output (B, L, D), and who may see whom, (B or 1, 1, L, S) or None."""

    assessment: Assessment
    output: np.ndarray
    allowed: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to take the projections as query, key and value, (B, T, D) each with heads side by side.

    sources: the inputs they are made from. shared: two of them by one map. unprojected: the one that is an input
    itself, or "".
    """

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    sources: tuple[str, ...]
    shared: bool = False
    unprojected: str = ""

    @property
    def plain(self) -> bool:
        """Whether each side has a map of its own."""
        return not self.shared and not self.unprojected


@dataclass(frozen=True, slots=True)
class Explained:
    """What explains every sample: a reading of the projections, and the wrong step where there is one."""

    reading: Reading
    fault: Fault | None
    factor: float
    without_output: bool


class Unseen:
    """The readings of some samples of one submission, and what each of them explains.

    style: how the submission is called, a key of SOURCES. width: of all heads together.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        style: str,
        heads: int,
        width: int,
        tolerance: float,
        *,
        needs_output: bool,
    ) -> None:
        self._samples = samples
        self._heads = heads
        self._tolerance = tolerance
        self._needs_output = needs_output
        self._sources = SOURCES[style]
        self._choices = [list(_readings(item.assessment, heads, width)) for item in samples]
        if any(len(choice) != len(self._choices[0]) for choice in self._choices):
            self._choices = [[] for _ in samples]
        self._matrices = _matrices(samples[0].assessment.recording)

    def agrees(self) -> bool:
        """Whether a reading with every map in its place explains every sample with nothing wrong."""
        return any(
            reading.plain
            and reading.sources == self._sources
            and (found := self._explained(index, None)) is not None
            and found.factor == 1
            and not (self._needs_output and found.without_output)
            for index, reading in enumerate(self._choices[0])
        )

    def explain(self, *, causal_problem: bool) -> Explained | None:
        """Return what explains every sample, the likelier first: a reading that is not as asked, then a wrong step."""
        faults = all_faults(
            heads=self._heads,
            separate=self._sources[0] != self._sources[1],
            masked=self._samples[0].allowed is not None,
            causal_problem=causal_problem,
        )
        readings = sorted(enumerate(self._choices[0]), key=lambda item: self._oddities(item[1]))
        for fault in (None, *faults):
            for index, reading in readings:
                if fault is None or self._oddities(reading) < 2:
                    found = self._explained(index, fault)
                    if found is not None:
                        return found
        return None

    def _oddities(self, reading: Reading) -> int:
        """Return how much of a reading is not as asked: with 2, inputs are swapped."""
        return 2 * (reading.sources != self._sources and not reading.unprojected) + (not reading.plain)

    def _explained(self, index: int, fault: Fault | None) -> Explained | None:
        """Return how a reading with a wrong step, or none, explains every sample; None where it does not."""
        rows, targets, faults = [], [], () if fault is None else (fault,)
        for sample, choice in zip(self._samples, self._choices, strict=True):
            reading = choice[index]
            query, key, value = map(torch.from_numpy, (reading.query, reading.key, reading.value))
            if key.shape[:2] != value.shape[:2] or query.shape[:2] != sample.output.shape[:2]:
                return None
            permitted = None if sample.allowed is None else torch.from_numpy(sample.allowed.copy())
            try:
                walk = walk_through(Material(query, key, value, self._heads, permitted), faults)
            except RuntimeError:
                return None
            rows.append(flat(walk["merge"]))
            targets.append(sample.output.reshape(-1, sample.output.shape[-1]))
        if len({(one.shape[1], two.shape[1]) for one, two in zip(rows, targets, strict=True)}) > 1:
            return None
        columns, wanted = np.concatenate(rows), np.concatenate(targets)
        if len(columns) != len(wanted):
            return None
        residual, rank, solution = affine_map(columns, wanted)
        if residual > 10 * self._tolerance or rank < min(columns.shape[1], wanted.shape[1]):
            return None
        reading = self._choices[0][index]
        return Explained(reading, fault, self._multiple(solution), _is_identity(solution))

    def _multiple(self, solution: np.ndarray) -> float:
        """Return which multiple of the output projection, where the weights are seen, a fitted map is."""
        for matrix in self._matrices:
            if matrix.shape == solution.shape:
                one, two = _sorted(matrix), _sorted(solution)
                factor = float((one * two).sum() / (one * one).sum())
                if close(factor * one, two, 1e-5):
                    return 1.0 if abs(factor - 1) < 1e-5 else factor
        return 1.0


def _is_identity(matrix: np.ndarray) -> bool:
    """Whether a map only puts channels in another order."""
    size = len(matrix)
    largest = matrix.max(axis=0)
    return (
        matrix.shape == (size, size)
        and close(np.ones(size), largest, 1e-5)
        and np.abs(matrix).sum() < size + 1e-4
    )


def _sorted(matrix: np.ndarray) -> np.ndarray:
    """Order the rows of a matrix: the order of the merged channels is free."""
    return matrix[np.argsort(matrix[:, 0])]


def _matrices(recording: Recording) -> list[np.ndarray]:
    """Return the weights of a trace that could be an output projection, (in, out)."""
    found = [
        value.array
        for value in recording.values
        if value.kind in ("parameter", "unregistered", "buffer") and value.array is not None
    ]
    held = [array for array in found if array.ndim in (2, 3) and array.dtype.kind == "f"]
    # One for every head, (H, d, D) or (D, H, d), is one map all the same.
    flat_ones = [array.reshape(-1, array.shape[-1]) for array in held]
    flat_ones += [array.reshape(len(array), -1) for array in held if array.ndim == 3]
    return [turned for array in flat_ones for turned in (array.T, array)]


def _readings(assessment: Assessment, heads: int, width: int) -> Iterator[Reading]:
    """Yield query, key and value in every usual layout."""
    made = _of_inputs(assessment)
    if any(len({token // 1_000_000 for token in item.rows}) > 1 for item in made):
        return  # of two inputs put behind each other
    tables = [(_table(item), item.source, _maps(assessment.recording, item)) for item in made]
    if heads == 1 and made:
        # One head may be as wide as its maker likes.
        width = tables[0][0].shape[-1] // (3 if len(made) == 1 else 1)
    if len(made) == 1 and tables[0][0].shape[-1] == 3 * width:
        yield from _packed(tables[0][0], tables[0][1], heads, width)
        return
    unprojected = ""
    if len(made) == 2:
        unprojected, tables = "some", [*tables, *_raw(assessment)]
    if len(made) not in (2, 3):
        return
    for order in permutations(range(len(tables)), 3):
        chosen = [tables[index] for index in order]
        if any(table.shape[-1] != width for table, _, _ in chosen) or sum(not item[2] for item in chosen) > 1:
            continue
        bare = next((name for name, item in zip(SIDES, chosen, strict=True) if not item[2]), "")
        if bool(bare) != bool(unprojected):
            continue
        for layout in _layouts(heads):
            query, key, value = (_arranged(table, layout, heads) for table, _, _ in chosen)
            shared = len({item[2] for item in chosen}) < 3
            yield Reading(query, key, value, tuple(item[1] for item in chosen), shared, bare)


def _maps(recording: Recording, projection: Projection) -> frozenset[Hashable]:
    """Return what tells a projection's map from others: its numbers, for two may be slices of one parameter."""
    arrays = [
        recording.values[number].array for number in projection.call.inputs if not recording.content[number]
    ]
    return frozenset(array.tobytes() for array in arrays if array is not None) or projection.weights


def _packed(table: np.ndarray, source: str, heads: int, width: int) -> Iterator[Reading]:
    """Yield the readings of one table that holds all three sides."""
    batch, length, _ = table.shape
    cut = table.reshape(batch, length, 3, width)
    interleaved = table.reshape(batch, length, heads, 3, width // heads)
    for order in permutations(range(3)):
        query, key, value = (cut[:, :, index] for index in order)
        yield Reading(query, key, value, (source,) * 3)
        query, key, value = (interleaved[:, :, :, index].reshape(batch, length, width) for index in order)
        yield Reading(query, key, value, (source,) * 3)


def _raw(assessment: Assessment) -> Iterator[tuple[np.ndarray, str, frozenset[Hashable]]]:
    """Yield the inputs themselves."""
    for value in assessment.recording.values:
        if value.kind == "input" and value.name in CONTENT and value.array is not None:
            yield np.array(value.array, dtype=np.float64), value.name, frozenset()


def _of_inputs(assessment: Assessment) -> list[Projection]:
    """Return the projections of the inputs themselves.

    Where a single key is all there is, the merged heads are a value, and the output projection maps one too.
    """
    made = [item for item in assessment.wiring.projections if item.rows]
    mapped = {number for item in made for number in item.call.outputs}
    return [
        item
        for item in made
        if not any(
            assessment.recording.depends(number, mapped - set(item.call.outputs))
            for number in item.call.inputs
        )
    ]


def _layouts(heads: int) -> tuple[str, ...]:
    return ("blocks", "interleaved") if heads > 1 else ("blocks",)


def _arranged(table: np.ndarray, layout: str, heads: int) -> np.ndarray:
    """Bring interleaved heads (channel = j*H + h) to blocks."""
    if layout == "blocks":
        return table
    batch, length, width = table.shape
    return table.reshape(batch, length, width // heads, heads).swapaxes(2, 3).reshape(batch, length, width)


def _table(projection: Projection) -> np.ndarray:
    """Return a projection's rows as (B, T, channels)."""
    tokens = sorted(projection.rows)
    batches = sorted({token // 1_000 % 1_000 for token in tokens})
    stacked = np.stack([projection.rows[token] for token in tokens])
    assert CONTENT[tokens[0] // 1_000_000] == projection.source
    return stacked.reshape(len(batches), -1, stacked.shape[-1])

"""Judge the two reshapes of `split-merge`: where every number goes. Judge side.

The inputs hold their own places, so that a result is read as a map from places to places; strides of every
kind are tried, as attention hands them over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mha_drill.judge.binding import Parameter, Sizes, plain_sizes
from mha_drill.judge.candidates import Definition, plain_name
from mha_drill.judge.crashes import ended
from mha_drill.judge.findings import Finding, distinct
from mha_drill.judge.host import Died, Hung, Runner

SPLIT = re.compile(r"split|to_?heads|切分|拆分|cut")
MERGE = re.compile(r"merge|combine|concat|join|unsplit|合并|拼接|from_?heads")
# batch, length, width, heads: all different, then one head, one position, one item.
SIZES = ((2, 5, 24, 4), (3, 7, 12, 2), (2, 4, 6, 1), (1, 1, 8, 4))


@dataclass(slots=True)
class Outcome:
    """One call of one of the two functions."""

    expected: np.ndarray
    answer: dict[str, Any]
    arrays: list[np.ndarray]
    sizes: tuple[int, int, int, int]
    given: np.ndarray
    upstream: np.ndarray

    @property
    def error(self) -> dict[str, Any] | None:
        """The exception raised, as data."""
        return self.answer.get("error")

    @property
    def output(self) -> np.ndarray | None:
        """What was returned, if it is a tensor."""
        items = self.answer.get("output", {}).get("items", [])
        return (
            self.arrays[items[0]["array"]] if len(items) == 1 and items[0].get("array") is not None else None
        )

    @property
    def right(self) -> bool:
        """Whether every number is in its place and nothing had to be repaired."""
        return (
            self.error is None
            and self.output is not None
            and np.array_equal(self.output, self.expected)
            and not self.answer.get("repairs")
        )


@dataclass
class Reshapes:
    """The two functions of one file."""

    runner: Runner
    loaded: dict[str, Any]
    definitions: list[Definition]
    outcomes: dict[tuple[str, tuple[int, int, int, int]], Outcome] = field(default_factory=dict)

    @cached_property
    def functions(self) -> dict[str, Definition]:
        """The splitting and the merging function, by `split` and `merge`; one may be missing."""
        found: dict[str, Definition] = {}
        for definition in self.definitions:
            name = plain_name(definition.name)
            for kind, pattern in (("merge", MERGE), ("split", SPLIT)):
                if definition.kind == "function" and pattern.search(name):
                    found.setdefault(kind, definition)
                    break
        rest = [item for item in self.definitions if item.kind == "function" and item not in found.values()]
        for kind in ("split", "merge"):
            if kind not in found and len(rest) == 1 and len(found) == 1:
                found[kind] = rest[0]
        return found

    def split(self, sizes: tuple[int, int, int, int]) -> Outcome:
        """Call the splitting function on (B, T, C)."""
        batch, length, width, heads = sizes
        x = np.arange(batch * length * width, dtype=np.float64).reshape(batch, length, width) + 0.5
        expected = x.reshape(batch, length, heads, width // heads).swapaxes(1, 2)
        return self._call("split", sizes, x, expected)

    def merge(self, sizes: tuple[int, int, int, int]) -> Outcome:
        """Call the merging function on (B, H, T, d)."""
        batch, length, width, heads = sizes
        y = (
            np.arange(batch * length * width, dtype=np.float64).reshape(batch, heads, length, width // heads)
            + 0.5
        )
        return self._call("merge", sizes, y, y.swapaxes(1, 2).reshape(batch, length, width))

    def _call(
        self, kind: str, sizes: tuple[int, int, int, int], x: np.ndarray, expected: np.ndarray
    ) -> Outcome:
        if (kind, sizes) not in self.outcomes:
            definition = self.functions[kind]
            experiment = {
                "target": definition.name,
                "construct": None,
                "sizes": plain_sizes(
                    Sizes(
                        batch=sizes[0],
                        heads=sizes[3],
                        width=sizes[2],
                        query_length=sizes[1],
                        key_length=sizes[1],
                    )
                ),
                "call": {"arguments": _arguments(definition.call, sizes)},
                "inputs": {"x": 0},
                "trace": True,
                "grad": [1],
                "dtype": "float64",
            }
            upstream = np.random.default_rng(1).standard_normal(expected.shape)
            try:
                answer, arrays = next(iter(self.runner.run([experiment], [x, upstream])))
            except Hung:
                answer, arrays = (
                    {
                        "error": {"type": "Hung", "message": "", "line": None, "bases": ["Hung"]},
                        "stage": "call",
                    },
                    [],
                )
            except Died as error:
                answer, arrays = (
                    {
                        "error": {"type": "Died", "message": error.how, "line": None, "bases": ["Died"]},
                        "stage": "call",
                    },
                    [],
                )
            self.outcomes[kind, sizes] = Outcome(expected, answer, arrays, sizes, x, upstream)
        return self.outcomes[kind, sizes]

    def reaches(self, outcome: Outcome) -> bool:
        """Whether the gradient comes back to the input: the upstream one with every number in its place."""
        claimed, wanted = self.gradient(outcome)
        return bool(np.allclose(claimed, wanted, rtol=1e-9, atol=1e-12))

    @staticmethod
    def gradient(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient of the input, flat, as back-propagation gave it (zeros for none) and as it must be."""
        wanted = np.empty(outcome.given.size)
        wanted[outcome.given.argsort(axis=None)] = outcome.upstream.ravel()[
            outcome.expected.argsort(axis=None)
        ]
        item = outcome.answer.get("gradients", {}).get("input:x", {"array": None})
        if item["array"] is None or outcome.arrays[item["array"]].size != wanted.size:
            return np.zeros_like(wanted), wanted
        return outcome.arrays[item["array"]].ravel(), wanted

    # -- findings -------------------------------------------------------------------------------

    def diagnose(self) -> list[Finding]:
        """Return the mistakes of both functions."""
        found: list[Finding] = []
        for kind in ("split", "merge"):
            if kind not in self.functions:
                return [Finding("class-not-found", "load", None, False, kind)]
            found += self._diagnose(kind)
        return distinct(found)

    def _diagnose(self, kind: str) -> list[Finding]:
        outcomes = [getattr(self, kind)(sizes) for sizes in SIZES]
        first = outcomes[0]
        line = self._last_line(first) or self.functions[kind].line
        if first.error is not None:
            return [self._crash(kind, first)]
        found = [Finding(item["code"], kind, item["line"], False) for item in first.answer.get("repairs", [])]
        if first.output is None:
            return [Finding("wrong-output-type", kind, line, False)]
        if not np.array_equal(first.output, first.expected):
            found.append(self._misplaced(kind, first, line))
        elif not self.reaches(first):
            found.append(Finding("detached-graph", "any", self._cut(first) or line, False))
        else:
            for other in outcomes[1:]:
                if (
                    other.error is not None
                    or other.output is None
                    or not np.array_equal(other.output, other.expected)
                ):
                    found.append(
                        Finding("hard-coded-shape", kind, (other.error or {}).get("line") or line, False)
                    )
                    break
        if first.answer.get("changed"):
            found.append(Finding("mutates-input", "any", line, False))
        return found

    def _crash(self, kind: str, outcome: Outcome) -> Finding:
        error = outcome.error
        assert error is not None
        words = f"{error['type']}: {error['message'].splitlines()[0] if error['message'] else ''}"
        codes = {
            "Hung": "time-limit",
            "MemoryError": "memory-limit",
            "SystemExit": "process-exit",
        }
        if error["type"] == "Died":
            return ended(error["message"], self.runner.source)
        if "NotImplementedError" in error["bases"]:
            return Finding("not-implemented", "load", error["line"], False)
        shape = re.search(r"shape '\[([-\d, ]+)\]' is invalid", error["message"])
        if shape and any(int(number) > 48 for number in shape.group(1).split(",")):
            return Finding("hard-coded-shape", kind, error["line"], False, detail=words)
        return Finding(codes.get(error["type"], "crash"), "load", error["line"], False, detail=words)

    @staticmethod
    def _misplaced(kind: str, outcome: Outcome, line: int | None) -> Finding:
        batch, length, width, heads = outcome.sizes
        output = outcome.output
        assert output is not None
        if output.shape != outcome.expected.shape:
            if kind == "split" and output.shape == (batch, length, heads, width // heads):
                return Finding("split-without-transpose", "split", line, False, "over heads")
            if kind == "merge" and output.shape[-1] == width // heads:
                return Finding("heads-not-concatenated", "merge", line, False)
            return Finding("wrong-output-shape", kind, line, False, shapes=(output.shape,))
        return Finding(f"{kind}-without-transpose", kind, line, False, "torn" if kind == "split" else "")

    @staticmethod
    def _last_line(outcome: Outcome) -> int | None:
        lines = [call["line"] for call in outcome.answer.get("calls", []) if call["line"] is not None]
        return lines[-1] if lines else None

    @staticmethod
    def _cut(outcome: Outcome) -> int | None:
        values = outcome.answer.get("values", [])
        for call in outcome.answer.get("calls", []):
            if (
                any(values[number]["grad"] for number in call["in"])
                and call["out"]
                and not any(values[number]["grad"] for number in call["out"])
            ):
                line: int | None = call["line"]
                return line
        return None


def _arguments(parameters: tuple[Parameter, ...], sizes: tuple[int, int, int, int]) -> list[list[Any]]:
    """Return what each parameter gets: the first one that can be a tensor `x`, the others the size their name means."""
    from mha_drill.judge.names import meaning

    batch, length, width, heads = sizes
    given: list[list[Any]] = []
    taken = False
    for item in parameters:
        found = meaning(item.name)
        upper = item.name in ("B", "T", "C", "H", "L", "N", "D")
        if (
            not taken
            and found not in ("heads", "head_dim", "batch", "context")
            and not (upper and len(parameters) > 2)
        ):
            given.append([item.name, {"$": "x"}, item.kind == "keyword_only"])
            taken = True
        elif item.required or found == "heads":
            value = {
                "heads": heads,
                "head_dim": width // heads,
                "width": width,
                "batch": batch,
                "context": length,
            }.get(str(found), heads)
            given.append([item.name, value, item.kind == "keyword_only"])
    return given

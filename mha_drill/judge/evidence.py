"""Gather what there is to know of a submission: load it, bind it, call it on the probes. Judge side.

`Case` asks the runner and remembers; it rules on nothing. Everything it says comes from tensors that crossed
the pipe, never from how the runner's process ended.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mha_drill.judge.ahead import Asked
from mha_drill.judge.assessment import Assessment, assess
from mha_drill.judge.beside import HEADS_BESIDE, heads_of, without_heads
from mha_drill.judge.candidates import Definition
from mha_drill.judge.experiments import experiment_of
from mha_drill.judge.host import Died, Hung, Runner
from mha_drill.judge.matching import COARSE, TOLERANCE
from mha_drill.judge.observation import Binding, Observation, Wish
from mha_drill.judge.probes import (
    MaskForm,
    Probe,
    allowed_for,
    mask_array,
)
from mha_drill.judge.recording import Recording
from mha_drill.judge.slopes import USUAL, upstream_of
from mha_drill.records import CodeSpec

MOST_RESTARTS = 3


@dataclass(slots=True)
class Case:
    """One submission in front of the judge, with all that was seen of it.

    grouped: heads were told to share keys and values. pace: seconds of the slowest plain call.
    """

    runner: Runner
    spec: CodeSpec
    definition: Definition | None = None
    binding: Binding | None = None
    loaded: dict[str, Any] = field(default_factory=dict)
    observed: dict[tuple[Any, ...], Observation] = field(default_factory=dict)
    bound: bool = False
    grouped: bool = False
    pace: float = 0.0

    @property
    def tolerance(self) -> float:
        """How far right may be from right."""
        return COARSE if self.binding is not None and self.binding.dtype == "float32" else TOLERANCE

    @property
    def heads(self) -> tuple[int, ...]:
        """The acceptable numbers of heads: as bound, or its counterpart where a name may mean either."""
        assert self.binding is not None
        base = self.binding.base
        if base.heads == 1:
            return (1,)
        return (base.heads, base.width // base.heads) if self._either() else (base.heads,)

    @property
    def multi_query(self) -> bool:
        """Whether heads share keys and values on purpose: as they were told, or as the answer's name says."""
        if self.grouped:
            return True
        name = "" if self.definition is None else self.definition.name
        return re.search(r"(multi|grouped)_?query|mqa|gqa|多查询|分组查询", name, re.IGNORECASE) is not None

    def _either(self) -> bool:
        if self.binding is None or self.binding.construct is None:
            return False
        heads = self.binding.base.heads
        return not any(
            "head" in name and value == heads
            for name, value in self.binding.construct.items()
            if name != "head_size"
        )

    def experiment(
        self, binding: Binding, probe: Probe, **options: Any
    ) -> tuple[dict[str, Any], list[np.ndarray], dict[str, np.ndarray]]:
        """Return an experiment for the runner, its arrays, and the inputs by name."""
        return experiment_of(binding, probe, projections=self.spec.projections, **options)

    def observe(self, probe: Probe, mask: MaskForm | None = None, **options: Any) -> Observation:
        """Call the submission on a probe, once; a call that hangs or dies is an observation too."""
        assert self.binding is not None
        key = Wish(probe, mask, options).key
        if key not in self.observed:
            self.observed[key] = self.try_binding(self.binding, probe, mask, **options)
        return self.observed[key]

    def try_binding(
        self, binding: Binding, probe: Probe, mask: MaskForm | None = None, **options: Any
    ) -> Observation:
        """Call the submission as `binding` says."""
        experiment, arrays, inputs, allowed = self._call(binding, Wish(probe, mask, options))
        answer, results = self.ask(experiment, arrays)
        if binding.by_position:
            results = self.turned(answer, results)
        if binding.four_axes:
            results = without_heads(answer, results, probe, binding.four_axes)
        return Observation(probe, answer, results, inputs, allowed, mask)

    def foresee(self, calls: Iterable[Wish | Asked]) -> None:
        """Send calls that `observe` and `ask` will be asked for; the runner does them meanwhile."""
        assert self.binding is not None
        self.runner.foresee(
            [
                self.asked(item) if isinstance(item, Wish) else item
                for item in calls
                if not isinstance(item, Wish) or item.key not in self.observed
            ]
        )

    def asked(self, wish: Wish) -> Asked:
        """Return a call as it is sent."""
        assert self.binding is not None
        return self._call(self.binding, wish)[:2]

    def _call(
        self, binding: Binding, wish: Wish
    ) -> tuple[dict[str, Any], list[np.ndarray], dict[str, np.ndarray], np.ndarray | None]:
        """Return the experiment of a call, its arrays, its inputs by name, and who may see whom by its mask."""
        probe, mask, options = wish.probe, wish.mask, dict(wish.options)
        allowed = None
        if mask is not None:
            allowed = allowed_for(mask, probe)
            options["mask_array"] = mask_array(mask, allowed, heads_of(binding))
        if options.get("grad"):
            options.setdefault("trace", True)
        upstream, kinds = options.pop("grad", None), options.pop("upstreams", [USUAL])
        experiment, arrays, inputs = experiment_of(
            binding, probe, projections=self.spec.projections, **options
        )
        if upstream:
            shape: tuple[int, ...] = (probe.batch, probe.query_length, binding.base.width)
            shape = shape if upstream is True else tuple(upstream)
            if binding.four_axes:
                shape = (*shape[: binding.four_axes], HEADS_BESIDE, *shape[binding.four_axes :])
            experiment["grad"] = [len(arrays) + at for at in range(len(kinds))]
            arrays = [*arrays, *(upstream_of(math.prod(shape), kind).reshape(shape) for kind in kinds)]
        return experiment, arrays, inputs, allowed

    def again(
        self, observation: Observation, **options: Any
    ) -> tuple[dict[str, Any], list[np.ndarray], dict[str, np.ndarray]]:
        """Return the experiment of an observation once more, by itself or with other options; see `experiment`."""
        assert self.binding is not None
        if observation.mask is not None and observation.allowed is not None:
            options["mask_array"] = mask_array(observation.mask, observation.allowed, heads_of(self.binding))
        return self.experiment(self.binding, observation.probe, **options)

    def ask(
        self, experiment: dict[str, Any], arrays: Sequence[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send one experiment; what hangs or dies is an answer with an error of type `Hung` or `Died`."""
        return self.ask_all([experiment], arrays)[0]

    def ask_all(
        self, experiments: list[dict[str, Any]], arrays: Sequence[np.ndarray]
    ) -> list[tuple[dict[str, Any], list[np.ndarray]]]:
        """Send experiments in one message; return their answers up to the first that hangs or dies."""
        if self.runner.stopped:
            return [({"error": _ended(*self.runner.last_end), "stage": "call"}, [])]
        answers: list[tuple[dict[str, Any], list[np.ndarray]]] = []
        started = time.monotonic()
        try:
            for answer in self.runner.run(experiments, arrays):
                answers.append(answer)  # noqa: PERF402  kept where the next one hangs
        except Hung:
            self.runner.hangs += 1
            self.runner.last_end = ("Hung", "")
            # The first call decides; later ones may hang once without holding up the rest.
            self.runner.stopped = self.runner.hangs > 1 or not self.bound
            answers.append(({"error": _ended("Hung", ""), "stage": "call"}, []))
        except Died as error:
            self.runner.stopped = self.runner.restarts >= MOST_RESTARTS
            self.runner.last_end = ("Died", error.how)
            answers.append(({"error": _ended("Died", error.how), "stage": "call"}, []))
        if len(experiments) == 1 and not {"trace", "grad", "again"} & experiments[0].keys():
            self.pace = max(self.pace, time.monotonic() - started)
        return answers

    @staticmethod
    def turned(answer: dict[str, Any], results: list[np.ndarray]) -> list[np.ndarray]:
        """Bring an output (L, B, D) back to (B, L, D)."""
        items = answer.get("output", {}).get("items", [])
        if items and items[0].get("array") is not None and len(items[0]["shape"]) == 3:
            index = items[0]["array"]
            results = [*results]
            results[index] = np.ascontiguousarray(results[index].swapaxes(0, 1))
            items[0]["shape"] = list(results[index].shape)
        return results

    def permitted(self, observation: Observation) -> np.ndarray | None:
        """Return who may see whom in a call, (B or 1, 1, L, S): by its mask, by the problem, or None."""
        if not self.spec.causal:
            return observation.allowed
        shape = (observation.probe.query_length, observation.probe.key_length)
        triangle = np.tril(np.ones(shape, dtype=bool))[None, None]
        return triangle if observation.allowed is None else observation.allowed & triangle

    def assessed(self, observation: Observation, allowed: np.ndarray | None = None) -> Assessment | None:
        """Return an observation held against the reference; None without a trace."""
        if observation._assessment is None and "calls" in observation.answer:
            recording = Recording(observation.answer, observation.arrays)
            permitted = self.permitted(observation) if allowed is None else allowed
            observation._assessment = assess(
                recording,
                observation.output,
                observation.inputs,
                self.heads,
                permitted,
                self.tolerance,
                multi_query=self.multi_query,
                by_position=self.binding is not None and self.binding.by_position,
            )
        return observation._assessment


def _ended(kind: str, how: str) -> dict[str, Any]:
    return {
        "type": kind,
        "bases": [kind],
        "message": how,
        "line": None,
        "column": None,
        "lines": [],
        "builtin": False,
        "name": "",
        "where": "",
    }

"""Do one experiment on the learner's code: make an instance, call it, and say what came of it. Runner side.

An experiment names a target, how to make it, how to call it, and what to observe: outputs, the trace, the
gradients. It says what the tensors were and compares none: that is the judge's. Instances are kept, so that
experiments with the same making share their weights; `move` gives some of them other values for one call.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from mha_drill.judge.arrays import Recorder, Traced, bare, plain_types
from mha_drill.judge.backward import back_propagated, cleared
from mha_drill.judge.binding import Sizes, value_for
from mha_drill.judge.clocks import ahead
from mha_drill.judge.configured import decoded
from mha_drill.judge.devices import placed
from mha_drill.judge.given import Given, handed_over
from mha_drill.judge.holding import held, is_bias, is_weight
from mha_drill.judge.loading import Loaded, builtin_hidden, describe
from mha_drill.judge.manners import PLAIN, as_one, called
from mha_drill.judge.telling import first_of, inventory, outputs, plain_array, recorded
from mha_drill.judge.tracing import Trace
from mha_drill.judge.weights import is_lazy, reachable, registered, scramble

# The library's own, whatever a file puts in its place later.
_same = np.array_equal


_READY_MADE = re.compile(r"flash|sdpa|fused|torch|efficient|built_?in|native|fast")


class Laboratory:
    """Experiments on one loaded file."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.names: frozenset[str] = frozenset()
        self.made: dict[str, Any] = {}
        self.given = Given(loaded)
        self.owned: dict[str, frozenset[str]] = {}
        self.holds: dict[str, Traced] = {}
        self.arrays: dict[str, dict[str, Traced]] = {}

    def run(
        self, experiment: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return what an experiment showed: a JSON object, and arrays that it refers to by index."""
        store: list[np.ndarray] = []
        try:
            dtype = getattr(torch, experiment.get("dtype", "float64"))
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(True)
            answer = self._run(experiment, arrays, dtype, store)
        except BaseException as error:
            answer = {"error": describe(error, self.loaded.path), "stage": "drill"}
        return answer, store

    def _run(
        self,
        experiment: dict[str, Any],
        arrays: list[np.ndarray],
        dtype: torch.dtype,
        store: list[np.ndarray],
    ) -> dict[str, Any]:
        sizes = Sizes(**experiment["sizes"])
        answer: dict[str, Any] = {"error": None, "stage": "construct"}
        try:
            target = self._make(experiment, sizes, dtype)
        except BaseException as error:
            return answer | {"error": describe(error, self.loaded.path)}
        answer |= inventory(target) if experiment.get("inventory") else {}
        if "call" not in experiment:
            return answer
        answer["stage"] = "call"
        _train(target, experiment.get("train", False))
        _seed(experiment.get("seed", 0))
        learns = bool(experiment.get("grad")) and not experiment.get("weights_only", False)
        inputs: dict[str, Any] = {
            name: self._tensor(arrays[index], dtype, learns) for name, index in experiment["inputs"].items()
        }
        if experiment.get("shared"):
            inputs = as_one(inputs)
        if experiment.get("numpy"):
            inputs = {name: value.detach().numpy() for name, value in inputs.items()}
        if experiment.get("arrays"):
            inputs = {name: value.view(Traced) for name, value in inputs.items()}
            np.random.seed(experiment.get("seed", 0))
        if experiment.get("place"):
            return answer | self._elsewhere(experiment, target, inputs, sizes)
        before = {name: plain_array(value) for name, value in inputs.items()}
        numpy = bool(experiment.get("arrays"))
        trace: Any = None
        results: list[Any] = []
        told: list[dict[str, Any]] = []
        upstreams = [arrays[index] for index in experiment.get("grad", [])]
        clocks, manners = experiment.get("clocks", [0.0]), experiment.get("manners", [PLAIN])
        names = self.loaded.module.__dict__

        def call(fed: dict[str, Any]) -> Any:
            return self.given.call(target, experiment["call"], fed, sizes, numpy=numpy)

        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(self._moved(experiment, target, arrays))
                trace = (self._array_trace if numpy else self._trace)(experiment, target, inputs)
                stack.enter_context(_builtin(experiment))
                if trace is not None:
                    stack.enter_context(trace)
                if experiment.get("no_grad"):
                    stack.enter_context(torch.no_grad())
                if numpy:
                    stack.enter_context(plain_types(names))
                for at, seconds in enumerate(clocks):
                    if upstreams:
                        cleared(self._leaves(target, inputs), zeros=experiment.get("added", False))
                    with ahead(seconds, names):
                        result = bare(called(call, inputs, manners[at % len(manners)]))
                        if upstreams and at + 1 < len(clocks):
                            upstream, leaves = upstreams[at % len(upstreams)], self._leaves(target, inputs)
                            told.append(back_propagated(result, leaves, upstream, store, self.loaded.path))
                    results.append(result)
        except BaseException as error:
            answer["error"] = describe(error, self.loaded.path)
            result = None
        answer["output"] = outputs(result, store)
        if len(results) > 1:
            answer["repeated"] = [outputs((first_of(item),), store)["items"][0] for item in results]
        answer["changed"] = [
            name
            for name, value in inputs.items()
            if not _same(
                before[name],
                plain_array(value),
                equal_nan=before[name].dtype.kind == "f",
            )
        ]
        if trace is not None:
            answer |= recorded(trace, store) if experiment.get("trace") else {"repairs": trace.repairs}
        if upstreams and answer["error"] is None:
            upstream, leaves = upstreams[(len(clocks) - 1) % len(upstreams)], self._leaves(target, inputs)
            with ahead(clocks[-1], names):
                twice = experiment.get("twice", False)
                told.append(back_propagated(result, leaves, upstream, store, self.loaded.path, twice=twice))
            again = told[-1].pop("again", [])
            answer |= told[-1] | {"regraded": [item["gradients"] for item in told[:-1]] + again}
        return answer

    def _elsewhere(
        self, experiment: dict[str, Any], target: Any, inputs: dict[str, Any], sizes: Sizes
    ) -> dict[str, Any]:
        """Call a module on a GPU or in half precision; say what it raised, else whether its output is finite."""
        if not isinstance(target, torch.nn.Module):
            return {"placed": False}
        try:
            with builtin_hidden(), placed(target, inputs, experiment["place"]) as moved:
                output = first_of(self.given.call(target, experiment["call"], moved, sizes))
        except BaseException as error:
            return {"placed": True, "error": describe(error, self.loaded.path)}
        finite = experiment["place"] == "gpu" or not isinstance(output, torch.Tensor)
        return {"placed": True, "finite": finite or bool(torch.isfinite(output).all())}

    def _make(self, experiment: dict[str, Any], sizes: Sizes, dtype: torch.dtype) -> Any:
        key = json.dumps(
            [
                experiment["target"],
                experiment.get("globals"),
                experiment.get("construct"),
                experiment["sizes"],
                str(dtype),
                experiment.get("weights", 0),
                experiment.get("place"),
                experiment.get("flags_off"),
                experiment.get("arrays"),
                experiment.get("builtin"),
            ],
            sort_keys=True,
        )
        if key not in self.made:
            named = self.loaded.module.__dict__[experiment["target"]]
            if experiment.get("globals"):
                self._set_globals(sizes)
            if experiment.get("flags_off"):
                _flags_off(self.loaded.module.__dict__)
            _seed(experiment.get("weights", 0))
            if experiment.get("construct") is None:
                self.made[key] = named
            else:
                values = {
                    name: decoded(value, sizes, self.loaded)
                    for name, value in experiment["construct"].items()
                }
                with _builtin(experiment):
                    self.made[key] = named(**values)
            if experiment.get("flags_off") and isinstance(self.made[key], torch.nn.Module):
                for module in self.made[key].modules():
                    _flags_off(module.__dict__)
            self._materialise(experiment, self.made[key], sizes, dtype)
            scramble(self.made[key], experiment.get("weights", 0))
            if experiment.get("arrays") and not isinstance(self.made[key], type):
                self.arrays[key] = held(self.made[key], experiment.get("weights", 0))
            self.owned[key] = frozenset(reachable(self.made[key]))
        self.names, self.holds = self.owned[key], self.arrays.get(key, {})
        return self.made[key]

    def _tensors(self, target: Any) -> dict[str, torch.Tensor]:
        """Return the tensors an instance has had since it was made; what calls left behind is not its own."""
        return {name: value for name, value in reachable(target).items() if name in self.names}

    def _set_globals(self, sizes: Sizes) -> None:
        """Give the file's own settings, numbers at module level such as `n_embd = 384`, this probe's sizes."""
        for name, value in list(self.loaded.module.__dict__.items()):
            if type(value) in (int, float) and len(name) > 1 and not name.startswith("_"):
                with contextlib.suppress(KeyError):
                    found = value_for(name, sizes, value)
                    if isinstance(found, int | float) and not isinstance(found, bool):
                        self.loaded.module.__dict__[name] = found

    def _materialise(self, experiment: dict[str, Any], target: Any, sizes: Sizes, dtype: torch.dtype) -> None:
        """Give lazy layers their shapes by one call that is not observed."""
        lazy = isinstance(target, torch.nn.Module) and any(map(is_lazy, target.parameters()))
        if lazy and "call" in experiment:
            shape = (sizes.batch, sizes.query_length, sizes.width)
            inputs = {name: torch.randn(shape, dtype=dtype) for name in ("q", "k", "v", "x", "context")}
            with contextlib.suppress(Exception), torch.no_grad(), Trace(self.loaded.path, values=False):
                self.given.call(target, experiment["call"], inputs | {"mask": None}, sizes)

    @staticmethod
    def _tensor(array: np.ndarray, dtype: torch.dtype, grad: bool) -> torch.Tensor:
        tensor = torch.from_numpy(array.copy())
        if array.dtype.kind == "f":
            tensor = tensor.to(dtype)
            tensor.requires_grad_(grad)
        return tensor

    def _array_trace(self, experiment: dict[str, Any], target: Any, inputs: dict[str, Any]) -> Recorder:
        recorder = Recorder(self.loaded.path)
        for name, value in inputs.items():
            recorder.leaf(value, f"input:{name}")
        for _, source, _ in experiment["call"]["arguments"]:
            for key, kind in handed_over(source):
                given = self.given.array(key, kind, Sizes(**experiment["sizes"]))
                recorder.leaf(given, f"parameter:{key}")
        for name, value in self.holds.items():
            weight = is_weight(value) or is_bias(name, value)
            recorder.leaf(value, f"{'parameter' if weight else 'buffer'}:{name}")
        return recorder

    def _trace(self, experiment: dict[str, Any], target: Any, inputs: dict[str, Any]) -> Trace | None:
        if experiment.get("trace") is None and not experiment.get("repair", True):
            return None
        trace = Trace(
            self.loaded.path,
            values=bool(experiment.get("trace")),
            repair=experiment.get("repair", True),
            training=experiment.get("train", False),
        )
        for name, value in inputs.items():
            if isinstance(value, torch.Tensor):
                trace.leaf(value, f"input:{name}")
        for item in experiment["call"]["arguments"]:
            for key, kind in handed_over(item[1]):
                trace.leaf(self.given.tensor(key, kind, Sizes(**experiment["sizes"])), f"parameter:{key}")
        names = registered(target)
        for name, value in self._tensors(target).items():
            trace.leaf(value, f"{names.get(id(value), 'unregistered')}:{name}")
        return trace

    def _leaves(self, target: Any, inputs: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Return what takes gradients, by name: inputs and weights."""
        given = {
            f"input:{name}": value
            for name, value in inputs.items()
            if isinstance(value, torch.Tensor) and value.requires_grad
        }
        return given | self._learned(target)

    def _learned(self, target: Any) -> dict[str, torch.Tensor]:
        """Return the weights by name: those of an instance, and those a plain function is handed."""
        owned = {
            name: value
            for name, value in self._tensors(target).items()
            if value.requires_grad and value.is_leaf
        }
        return owned | self.given.tensors

    @contextlib.contextmanager
    def _moved(self, experiment: dict[str, Any], target: Any, arrays: list[np.ndarray]) -> Iterator[None]:
        """Give weights other values, as the experiment says, for as long as the block lasts."""
        moves = experiment.get("move", {})
        leaves = self._tensors(target) | self.given.tensors if moves else {}
        with torch.no_grad():
            kept = {name: leaves[name].detach().clone() for name in moves}
            for name, index in moves.items():
                array = torch.from_numpy(arrays[index].copy())
                leaves[name].copy_(array.reshape(leaves[name].shape))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in kept.items():
                    leaves[name].copy_(value)


def _builtin(experiment: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Return what hides the attention that torch has ready made, unless it is asked for."""
    return contextlib.nullcontext() if experiment.get("builtin") else builtin_hidden()


def _seed(number: int) -> None:
    """Seed the one device there is; `torch.manual_seed` also notes down, with a stack, what a GPU is to do later."""
    torch.default_generator.manual_seed(number)


def _train(target: Any, training: bool) -> None:
    """Put an instance and the modules it holds in training or in evaluation, in whatever way it knows."""
    held = vars(target).values() if hasattr(target, "__dict__") and not hasattr(target, "__code__") else ()
    seen: list[Any] = [target]
    for value in held:
        seen += value if isinstance(value, list | tuple) else [value]
        seen += value.values() if isinstance(value, dict) else ()
    for value in seen:
        if isinstance(value, torch.nn.Module):
            value.train(training)
    if not isinstance(target, torch.nn.Module | type):
        switch = getattr(target, "train" if training else "eval", None)
        if callable(switch) and held:
            switch()
        elif isinstance(vars(target).get("training") if held else None, bool):
            target.training = training


def _flags_off(owner: dict[str, Any]) -> None:
    """Turn off every switch for attention ready made, so that a path of the file's own is taken."""
    for name, value in list(owner.items()):
        if value is True and _READY_MADE.search(name.lower()):
            owner[name] = False

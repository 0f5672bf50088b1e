"""Gather what there is to know of a submission: load it, bind it, call it on the probes. Judge side.

`Case` asks the runner and remembers; it rules on nothing. Everything it says comes from tensors that crossed
the pipe, never from how the runner's process ended.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mha_drill.judge.assessment import Assessment, assess
from mha_drill.judge.binding import Call, Sizes, call_plans, constructor_plans, plain_sizes
from mha_drill.judge.candidates import Definition
from mha_drill.judge.host import Died, Hung, Runner
from mha_drill.judge.matching import COARSE, TOLERANCE
from mha_drill.judge.names import plain
from mha_drill.judge.probes import (
    FIRST,
    SINGLE,
    MaskForm,
    Probe,
    allowed_for,
    mask_array,
)
from mha_drill.judge.recording import Recording
from mha_drill.judge.slopes import upstream_of
from mha_drill.judge.uses import asked_for_sizes
from mha_drill.records import CodeSpec

# Masks that let everything through, for a forward that cannot do without one; the likelier conventions first.
IDLE_MASKS = tuple(
    MaskForm(axes, meaning, dtype)
    for axes in ("b1ls", "bls", "ls", "b11s", "bs")
    for meaning, dtype in (("keep", "bool"), ("drop", "bool"), ("keep", "int"), ("add", "float"))
)

MOST_RESTARTS = 3
# Attention ready made, by the names that an error about its absence says.
BUILTINS = ("scaled_dot_product_attention", "multi_head_attention_forward")


@dataclass(slots=True)
class Observation:
    """One call of the submission: what went in, what came out or was raised."""

    probe: Probe
    answer: dict[str, Any]
    arrays: list[np.ndarray]
    inputs: dict[str, np.ndarray]
    allowed: np.ndarray | None = None
    mask: MaskForm | None = None
    _assessment: Assessment | None = None

    @property
    def error(self) -> dict[str, Any] | None:
        """The exception the call raised, as data."""
        return self.answer.get("error")

    @property
    def stage(self) -> str:
        """`construct` or `call`: how far it came."""
        return str(self.answer.get("stage", ""))

    @property
    def items(self) -> list[dict[str, Any]]:
        """The returned things, in order."""
        return list(self.answer.get("output", {}).get("items", []))

    def tensor(self, index: int) -> np.ndarray | None:
        """Return the returned tensor at `index`, or None."""
        if index >= len(self.items) or self.items[index].get("array") is None:
            return None
        found: np.ndarray = self.arrays[self.items[index]["array"]]
        return found

    @property
    def output(self) -> np.ndarray | None:
        """The first returned tensor as float64."""
        found = self.tensor(0)
        return None if found is None or found.dtype.kind not in "fiu" else found.astype(np.float64)

    @property
    def repairs(self) -> list[dict[str, Any]]:
        """What was repaired on the way."""
        return list(self.answer.get("repairs", []))


@dataclass(frozen=True, slots=True)
class Binding:
    """How the submission is made and called: constructor values by name, the call, the base sizes.

    four_axes: where heads stand among the axes of what it takes, (N, H, L, d) or (N, L, H, d); 0 for three axes.
    """

    definition: Definition
    construct: dict[str, Any] | None
    call: Call
    base: Sizes
    dtype: str = "float64"
    numpy: bool = False
    by_position: bool = False
    idle_mask: MaskForm | None = None
    exact_context: bool = False
    set_globals: bool = False
    flags_off: bool = False
    four_axes: int = 0

    def say(self) -> list[str]:
        """Return the binding in code's words, for `--verbose`."""
        made = ", ".join(f"{name}={_say(value)}" for name, value in (self.construct or {}).items())
        called = ", ".join(f"{name}={source}" for name, source in self.call.arguments)
        lines = [f"{self.definition.name}({made})"] if self.construct is not None else []
        return [*lines, f"{'forward' if self.construct is not None else self.definition.name}({called})"]


def _say(value: Any) -> str:
    return f"<{value['$']}>" if isinstance(value, dict) else repr(value)


_OUT = re.compile(r"(d|dim|out|output|embed|n)?(out|output|v)(dim|dims|features|size|channels)?")
# A configuration is asked for at most so many things that are no sizes.
MOST_FLAGS = 8


@dataclass(slots=True)
class Case:
    """One submission in front of the judge, with all that was seen of it."""

    runner: Runner
    spec: CodeSpec
    definition: Definition | None = None
    binding: Binding | None = None
    loaded: dict[str, Any] = field(default_factory=dict)
    observed: dict[tuple[Any, ...], Observation] = field(default_factory=dict)
    bound: bool = False

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
        """Whether the answer's name says that its heads share keys and values on purpose."""
        name = "" if self.definition is None else self.definition.name
        return re.search(r"(multi|grouped)_?query|mqa|gqa|多查询|分组查询", name, re.IGNORECASE) is not None

    def _either(self) -> bool:
        construct = self.binding.construct if self.binding else None
        return construct is not None and not any(
            "head" in name and value == FIRST.heads
            for name, value in construct.items()
            if name != "head_size"
        )

    def bindings(self) -> list[Binding]:
        """Return the ways to make and call the definition, best first."""
        assert self.definition is not None
        base = FIRST if self.spec.heads else SINGLE if self.spec.projections else replace(SINGLE, head_dim=0)
        base = replace(base, causal=self.spec.causal)
        fields = {
            item["name"]: [*map(_parameter, item["construct"])]
            for item in self.loaded.get("definitions", [])
            if item["kind"] == "class" and not item.get("module") and _holds_settings(item, self.definition)
        }
        constructs: list[dict[str, Any] | None] = [None]
        if self.definition.kind == "class":
            bags = asked_for_sizes(self.runner.source, self.definition.name)
            constructs = list(constructor_plans(list(self.definition.construct), base, fields, bags))
        calls = call_plans(list(self.definition.call), base)
        numpy = not self.definition.module and _numpy_only(self.runner.source)
        found = [
            (one + two, Binding(self.definition, construct, call, base, numpy=numpy))
            for one, construct in enumerate(constructs)
            for two, call in enumerate(calls)
        ]
        return [binding for _, binding in sorted(found, key=lambda item: item[0])][:10]

    def asking(self, binding: Binding, observation: Observation) -> Binding | None:
        """Return the binding with a configuration that answers no to what it was asked for and did not have."""
        error = observation.error
        asked = error and re.search(r"the configuration has no attribute '(\w+)'", error["message"])
        if not asked or asked[1] in binding.base.extra or len(binding.base.extra) >= MOST_FLAGS:
            return None
        return replace(binding, base=replace(binding.base, extra=binding.base.extra | {asked[1]: False}))

    def per_head(self, binding: Binding, observation: Observation) -> Binding | None:
        """Return the binding with the output width of one head, where all heads gave it beside each other."""
        base, output = binding.base, observation.output
        outs = [item.name for item in binding.definition.construct if _OUT.fullmatch(plain(item.name))]
        construct = binding.construct or {}
        if output is None or base.heads == 1 or output.shape[-1] != base.heads * base.width:
            return None
        if len(outs) != 1 or construct.get(outs[0]) != base.width:
            return None
        return replace(binding, construct=construct | {outs[0]: base.head_width})

    def given_scale(self, binding: Binding) -> bool:
        """Whether the scale may come from a configuration, as a number to divide by."""
        configured = any(isinstance(value, dict) for value in (binding.construct or {}).values())
        return configured and bool(re.search(r"\.\w*(scale|scaling|temperature)\b", self.runner.source))

    def variants(self, binding: Binding, error: dict[str, Any]) -> list[Binding]:
        """Return other ways to try a binding whose call raised `error`.

        A mask it needs, an exact context, float32, settings at module level, numpy.
        """
        found: list[Binding] = []
        required = any(item.name == binding.call.mask and item.required for item in binding.definition.call)
        needs_mask = required or (binding.call.mask is not None and "NoneType" in error["message"])
        if needs_mask and binding.idle_mask is None:
            found += [replace(binding, idle_mask=form) for form in IDLE_MASKS]
        if re.search(r"dtype|[Dd]ouble", error["message"]) or error["type"] == "AssertionError":
            found.append(replace(binding, dtype="float32"))
        length = any(item.meaning == "context" for item in binding.definition.construct)
        if length and not binding.exact_context:
            found.append(replace(binding, exact_context=True))
        handed = any(
            isinstance(source, dict) and source["$"] == "weight" for _, source in binding.call.arguments
        )
        if handed and not binding.base.weights_turned:
            found.append(replace(binding, base=replace(binding.base, weights_turned=True)))
        if any(name in error["message"] for name in BUILTINS) and not binding.flags_off:
            found.append(replace(binding, flags_off=True))
        if not binding.set_globals:
            # Where the constructor is told no width, the file has it at module level.
            told = any(item.meaning in ("width", "config") for item in binding.definition.construct)
            found.insert(len(found) if told else 0, replace(binding, set_globals=True))
        if not self.spec.projections and not binding.four_axes and _wants_an_axis(error["message"]):
            found += [replace(binding, four_axes=axis) for axis in (1, 2)]
        if not binding.definition.module and not binding.numpy and "numpy" in self.runner.source:
            found.append(replace(binding, numpy=True))
        return found

    def experiment(
        self, binding: Binding, probe: Probe, **options: Any
    ) -> tuple[dict[str, Any], list[np.ndarray], dict[str, np.ndarray]]:
        """Return an experiment for the runner, its arrays, and the inputs by name."""
        inputs = probe.inputs(binding.call.style, binding.base.width)
        fed = {
            name: (np.ascontiguousarray(value.swapaxes(0, 1)) if binding.by_position else value)
            for name, value in inputs.items()
        }
        if binding.four_axes:
            fed = {name: _among_heads(value, probe, binding.four_axes) for name, value in fed.items()}
        arguments: list[list[Any]] = [
            [
                name,
                {"$": source}
                if isinstance(source, str) and source in fed
                else probe.train
                if source == {"$": "train"}
                else source,
                name in binding.call.by_name,
            ]
            for name, source in binding.call.arguments
        ]
        mask = options.pop("mask_array", None)
        if mask is None and binding.idle_mask is not None:
            everything = np.ones((probe.batch, 1, probe.query_length, probe.key_length), dtype=bool)
            mask = mask_array(binding.idle_mask, everything, _heads(binding))
        if mask is not None:
            fed["mask"] = mask
            arguments = [item for item in arguments if item[0] != binding.call.mask]
            arguments = [
                [name, source, True] if _behind(name, binding) else [name, source, named]
                for name, source, named in arguments
            ]
            arguments.append([binding.call.mask, {"$": "mask"}, True])
        sizes = probe.sizes(binding.base)
        sizes = replace(sizes, batch=binding.base.batch, query_length=5, key_length=5)
        construct = binding.construct
        if binding.exact_context:
            sizes = replace(sizes, context=probe.query_length)
        if construct is not None and (probe.dropout or binding.exact_context):
            construct = _resized(binding, sizes)
        experiment = {
            "target": binding.definition.name,
            "construct": construct,
            "sizes": plain_sizes(sizes),
            "call": {"arguments": arguments},
            "inputs": {name: index for index, name in enumerate(fed)},
            "dtype": binding.dtype,
            "numpy": binding.numpy,
            "arrays": binding.numpy and self.spec.projections,
            "train": probe.train,
            "globals": binding.set_globals,
            "flags_off": binding.flags_off,
            **options,
        }
        return experiment, list(fed.values()), inputs

    def observe(self, probe: Probe, mask: MaskForm | None = None, **options: Any) -> Observation:
        """Call the submission on a probe, once; a call that hangs or dies is an observation too."""
        assert self.binding is not None
        key = (probe, mask, tuple(sorted((name, str(value)) for name, value in options.items())))
        if key not in self.observed:
            self.observed[key] = self.try_binding(self.binding, probe, mask, **options)
        return self.observed[key]

    def try_binding(
        self, binding: Binding, probe: Probe, mask: MaskForm | None = None, **options: Any
    ) -> Observation:
        """Call the submission as `binding` says."""
        allowed = None
        if mask is not None:
            allowed = allowed_for(mask, probe.batch, probe.query_length, probe.key_length)
            options["mask_array"] = mask_array(mask, allowed, _heads(binding))
        if options.get("grad"):
            options.setdefault("trace", True)
        upstream = options.pop("grad", None)
        experiment, arrays, inputs = self.experiment(binding, probe, **options)
        if upstream:
            shape: tuple[int, ...] = (probe.batch, probe.query_length, binding.base.width)
            shape = shape if upstream is True else tuple(upstream)
            if binding.four_axes:
                shape = (*shape[: binding.four_axes], HEADS_BESIDE, *shape[binding.four_axes :])
            arrays = [*arrays, upstream_of(math.prod(shape)).reshape(shape)]
            experiment["grad"] = len(arrays) - 1
        answer, results = self.ask(experiment, arrays)
        if binding.by_position:
            results = self.turned(answer, results)
        if binding.four_axes:
            results = _without_heads(answer, results, probe, binding.four_axes)
        return Observation(probe, answer, results, inputs, allowed, mask)

    def again(
        self, observation: Observation, **options: Any
    ) -> tuple[dict[str, Any], list[np.ndarray], dict[str, np.ndarray]]:
        """Return the experiment of an observation once more, by itself or with other options; see `experiment`."""
        assert self.binding is not None
        if observation.mask is not None and observation.allowed is not None:
            options["mask_array"] = mask_array(observation.mask, observation.allowed, _heads(self.binding))
        return self.experiment(self.binding, observation.probe, **options)

    def ask(
        self, experiment: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send one experiment; what hangs or dies is an answer with an error of type `Hung` or `Died`."""
        return self.ask_all([experiment], arrays)[0]

    def ask_all(
        self, experiments: list[dict[str, Any]], arrays: list[np.ndarray]
    ) -> list[tuple[dict[str, Any], list[np.ndarray]]]:
        """Send experiments in one message; return their answers up to the first that hangs or dies."""
        if self.runner.stopped:
            return [({"error": _ended(*self.runner.last_end), "stage": "call"}, [])]
        answers = []
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


def _numpy_only(source: str) -> bool:
    """Whether a file computes in numpy and never imports torch."""
    return bool(re.search(r"^\s*(import|from)\s+numpy\b", source, re.MULTILINE)) and not re.search(
        r"^\s*(import|from)\s+torch\b", source, re.MULTILINE
    )


# How many heads stand beside each other where a file takes (N, H, L, d) and the problem hands over (N, L, d).
HEADS_BESIDE = 3


def _heads(binding: Binding) -> int:
    return HEADS_BESIDE if binding.four_axes else binding.base.heads


def _wants_an_axis(message: str) -> bool:
    """Whether an exception tells that a tensor has three axes where four were meant."""
    return bool(
        re.search(
            r"expected 4, got 3|Dimension out of range|number of dimensions in the tensor input does not match|"
            r"axes don't match array|out of bounds for array of dimension 3|dimension 3|einsum",
            message,
        )
    )


def _among_heads(array: np.ndarray, probe: Probe, axis: int) -> np.ndarray:
    """Return (B, T, D) as one head of (B, H, T, D), among others of other numbers; which one follows the probe."""
    generator = np.random.default_rng(probe.seed + 40)
    heads = generator.standard_normal((len(array), HEADS_BESIDE, *array.shape[1:])) * probe.spread
    heads[:, probe.seed % HEADS_BESIDE] = array
    return np.ascontiguousarray(np.moveaxis(heads, 1, axis))


def _without_heads(
    answer: dict[str, Any], results: list[np.ndarray], probe: Probe, axis: int
) -> list[np.ndarray]:
    """Take the one head of the probe out of what was returned: an output (B, L, D), weights (B, 1, L, S)."""
    results, head = [*results], probe.seed % HEADS_BESIDE
    for number, item in enumerate(answer.get("output", {}).get("items", [])):
        if item.get("array") is None or len(item["shape"]) != 4:
            continue
        whole = results[item["array"]]
        if number == 0 and whole.shape[axis] == HEADS_BESIDE:
            taken = whole.take(head, axis)
        elif number and whole.shape[1] == HEADS_BESIDE:
            taken = whole[:, head : head + 1]
        else:
            continue
        results[item["array"]] = np.ascontiguousarray(taken)
        item["shape"] = list(taken.shape)
    return results


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


def _parameter(item: dict[str, Any]) -> Any:
    from mha_drill.judge.binding import Parameter

    return Parameter(**item)


def _holds_settings(item: dict[str, Any], definition: Definition) -> bool:
    """Whether a class is a configuration that the definition's constructor is given."""
    return any(parameter.annotation == item["name"] for parameter in definition.construct) or (
        item["name"].lower().endswith(("config", "args", "cfg", "params"))
        and any(parameter.annotation == item["name"] for parameter in definition.construct)
    )


def _behind(name: str, binding: Binding) -> bool:
    """Whether a parameter stands behind the mask in the signature, so that it has to be passed by name."""
    order = [item.name for item in binding.definition.call]
    return (
        binding.call.mask in order
        and name in order
        and order.index(name) > order.index(str(binding.call.mask))
    )


def _resized(binding: Binding, sizes: Sizes) -> dict[str, Any]:
    """Return the constructor's values with the dropout rate and the context of `sizes`."""
    construct = dict(binding.construct or {})
    for item in binding.definition.construct:
        found = item.meaning
        if found == "dropout" and sizes.dropout:
            construct[item.name] = True if isinstance(item.default, bool) else sizes.dropout
        elif found == "context" and binding.exact_context:
            construct[item.name] = sizes.context
    return construct

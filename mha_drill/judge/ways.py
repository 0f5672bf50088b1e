"""The ways there are to make and call a submission, likeliest first, and what to try after one that failed. Judge side.

Called by `trying`, which tries them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from mha_drill.judge.binding import Parameter, Sizes, call_plans, constructor_plans
from mha_drill.judge.candidates import Definition
from mha_drill.judge.evidence import Case
from mha_drill.judge.names import meaning, plain
from mha_drill.judge.observation import Binding, Observation
from mha_drill.judge.probes import FIRST, SINGLE, MaskForm
from mha_drill.judge.uses import asked_for_sizes

# Masks that let everything through, for a forward that cannot do without one; the likelier conventions first.
IDLE_MASKS = tuple(
    MaskForm(axes, meaning, dtype)
    for axes in ("b1ls", "bls", "ls", "b11s", "bs")
    for meaning, dtype in (("keep", "bool"), ("drop", "bool"), ("keep", "int"), ("add", "float"))
)

# Attention ready made, by the names that an error about its absence says.
BUILTINS = ("scaled_dot_product_attention", "multi_head_attention_forward")
# What a configuration may call the width, too; `meaning` has it as a head's.
_WIDE = re.compile(r"\.(h_?dim)\b")
_OUT = re.compile(r"(d|dim|out|output|embed|n)?(out|output|v)(dim|dims|features|size|channels)?")
# A configuration is asked for at most so many things that are no sizes.
MOST_FLAGS = 8


def resized(case: Case, base: Sizes) -> Binding | None:
    """Return the way a submission is bound, at other sizes; None where these cannot be put in."""
    assert case.binding is not None
    known, others = bindings(case), bindings(case, base)
    if case.binding not in known or len(known) != len(others):
        return None
    return others[known.index(case.binding)]


def bindings(case: Case, base: Sizes | None = None) -> list[Binding]:
    """Return the ways to make and call the definition, best first. base: the sizes, where they are not the usual."""
    assert case.definition is not None
    if base is None:
        base = FIRST if case.spec.heads else SINGLE if case.spec.projections else replace(SINGLE, head_dim=0)
        base = replace(base, causal=case.spec.causal)
    if _turned_scale(case):
        base = replace(base, scale_turned=True)
    fields = {
        item["name"]: [*map(_parameter, item["construct"])]
        for item in case.loaded.get("definitions", [])
        if item["kind"] == "class" and not item.get("module") and _holds_settings(item, case.definition)
    }
    constructs: list[dict[str, Any] | None] = [None]
    if case.definition.kind == "class":
        bags = asked_for_sizes(case.runner.source, case.definition.name)
        constructs = list(constructor_plans(list(case.definition.construct), base, fields, bags))
    calls = call_plans(list(case.definition.call), base)
    numpy = not case.definition.module and _numpy_only(case.runner.source)
    found = [
        (one + two, Binding(case.definition, construct, call, base, numpy=numpy))
        for one, construct in enumerate(constructs)
        for two, call in enumerate(calls)
    ]
    return [binding for _, binding in sorted(found, key=lambda item: item[0])][:10]


def _turned_scale(case: Case) -> bool:
    """Whether the file divides by what is called a scale, or multiplies with a temperature."""
    assert case.definition is not None
    for item in (*case.definition.construct, *case.definition.call):
        found = meaning(item.name)
        if found not in ("scale", "temperature") or isinstance(item.default, bool):
            continue
        name = rf"(?:\w+\.)?_?{re.escape(item.name)}\b(?!\s*\*\*)"
        divides = re.search(rf"/=?\s*{name}", case.runner.source)
        multiplies = re.search(rf"(?<!\*)\*=?\s*{name}|\b{name}\s*\*", case.runner.source)
        if bool(divides) != bool(multiplies):
            return bool(divides) == (found == "scale")
    return False


def asking(binding: Binding, observation: Observation) -> Binding | None:
    """Return the binding with a configuration that answers no to what it was asked for and did not have."""
    error = observation.error
    asked = error and re.search(r"the configuration has no attribute '(\w+)'", error["message"])
    if not asked or asked[1] in binding.base.extra or len(binding.base.extra) >= MOST_FLAGS:
        return None
    return replace(binding, base=replace(binding.base, extra=binding.base.extra | {asked[1]: False}))


def per_head(binding: Binding, observation: Observation) -> Binding | None:
    """Return the binding with the output width of one head, where all heads gave it beside each other."""
    base, output = binding.base, observation.output
    outs = [item.name for item in binding.definition.construct if _OUT.fullmatch(plain(item.name))]
    construct = binding.construct or {}
    if output is None or base.heads == 1 or output.shape[-1] != base.heads * base.width:
        return None
    if len(outs) != 1 or construct.get(outs[0]) != base.width:
        return None
    return replace(binding, construct=construct | {outs[0]: base.head_width})


def given_scale(case: Case, binding: Binding) -> bool:
    """Whether the scale may come from a configuration, as a number to divide by."""
    configured = any(isinstance(value, dict) for value in (binding.construct or {}).values())
    return configured and bool(re.search(r"\.\w*(scale|scaling|temperature)\b", case.runner.source))


def variants(case: Case, binding: Binding, error: dict[str, Any]) -> list[Binding]:
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
    wide = set(_WIDE.findall(case.runner.source)) - binding.base.extra.keys()
    if wide and any(isinstance(value, dict) for value in (binding.construct or {}).values()):
        extra = binding.base.extra | dict.fromkeys(wide, binding.base.width)
        found.insert(0, replace(binding, base=replace(binding.base, extra=extra)))
    given = binding.construct or {}
    length = any(item.meaning == "context" and item.name in given for item in binding.definition.construct)
    if length and not binding.exact_context:
        found.append(replace(binding, exact_context=True))
    handed = any(
        isinstance(source, dict) and source["$"] in ("weight", "weights")
        for _, source in binding.call.arguments
    )
    if handed and not binding.base.weights_turned:
        found.append(replace(binding, base=replace(binding.base, weights_turned=True)))
    if any(name in error["message"] for name in BUILTINS) and not binding.flags_off:
        found.append(replace(binding, flags_off=True))
    if not binding.set_globals:
        # Where the constructor is told no width, the file has it at module level.
        told = any(item.meaning in ("width", "config") for item in binding.definition.construct)
        found.insert(len(found) if told else 0, replace(binding, set_globals=True))
    if not case.spec.projections and not binding.four_axes and _wants_an_axis(error["message"]):
        found += [replace(binding, four_axes=axis) for axis in (1, 2)]
    if not binding.definition.module and not binding.numpy and "numpy" in case.runner.source:
        found.append(replace(binding, numpy=True))
    return found


def _numpy_only(source: str) -> bool:
    """Whether a file computes in numpy and never imports torch."""
    return bool(re.search(r"^\s*(import|from)\s+numpy\b", source, re.MULTILINE)) and not re.search(
        r"^\s*(import|from)\s+torch\b", source, re.MULTILINE
    )


def _wants_an_axis(message: str) -> bool:
    """Whether an exception tells that a tensor has three axes where four were meant."""
    return bool(
        re.search(
            r"expected 4, got 3|Dimension out of range|tuple index out of range|"
            r"number of dimensions in the tensor input does not match|"
            r"axes don't match array|out of bounds for array of dimension 3|dimension 3|einsum",
            message,
        )
    )


def _parameter(item: dict[str, Any]) -> Any:
    return Parameter(**item)


def _holds_settings(item: dict[str, Any], definition: Definition) -> bool:
    """Whether a class is a configuration that the definition's constructor is given."""
    return any(parameter.annotation == item["name"] for parameter in definition.construct) or (
        item["name"].lower().endswith(("config", "args", "cfg", "params"))
        and any(parameter.annotation == item["name"] for parameter in definition.construct)
    )

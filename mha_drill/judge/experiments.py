"""What the runner is asked for one call: how it is made and called, with which arrays. Judge side, for `evidence`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mha_drill.judge.beside import among_heads, heads_of
from mha_drill.judge.binding import Sizes, plain_sizes
from mha_drill.judge.observation import Binding
from mha_drill.judge.probes import Probe, mask_array


def experiment_of(
    binding: Binding, probe: Probe, *, projections: bool, **options: Any
) -> tuple[dict[str, Any], list[np.ndarray], dict[str, np.ndarray]]:
    """Return an experiment for the runner, its arrays, and the inputs by name."""
    inputs = probe.inputs(binding.call.style, binding.base.width)
    fed = {
        name: (np.ascontiguousarray(value.swapaxes(0, 1)) if binding.by_position else value)
        for name, value in inputs.items()
    }
    if binding.four_axes:
        fed = {name: among_heads(value, probe, binding.four_axes) for name, value in fed.items()}
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
        mask = mask_array(binding.idle_mask, everything, heads_of(binding))
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
        "arrays": binding.numpy and projections,
        "train": probe.train,
        "globals": binding.set_globals,
        "flags_off": binding.flags_off,
        **options,
    }
    return experiment, list(fed.values()), inputs


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

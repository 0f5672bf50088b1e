"""The pictures by the names that topics use: `![caption](name)` in a topic's text draws `PICTURES[name]`."""

from __future__ import annotations

from collections.abc import Callable

from mha_drill.explain import examples, films, grids, tables
from mha_drill.explain.figures import Picture
from mha_drill.explain.sizes import Sizes

PICTURES: dict[str, Callable[[Sizes], Picture]] = {
    "split": films.split,
    "merge": films.merge,
    "copy": films.copy,
    "move": films.move,
    "reshape": films.reshape,
    "mixed": tables.mixed,
    "unmixed": tables.unmixed,
    "mergings": tables.mergings,
    "address": tables.address,
    "walk": tables.walk,
    "encoder": tables.encoder,
    "decoder": tables.decoder,
    "projected": examples.projected,
    "scores": examples.scores,
    "saturated": examples.saturated,
    "masked": examples.masked,
    "normalised": examples.normalised,
    "dropped": examples.dropped,
    "weighed": examples.weighed,
    "mixed-heads": examples.mixed_heads,
    "attended": examples.attended,
    "causal": grids.causal,
    "heads": grids.heads,
    "reach": grids.reach,
    "growth": examples.growth,
}

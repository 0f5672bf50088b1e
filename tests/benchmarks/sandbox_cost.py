"""What the sandbox costs a runner: milliseconds from the fork to inside, with every layer, with each alone, with none.

Run as `python tests/benchmarks/sandbox_cost.py`. The template does its work in this process, so what is forked
has torch and all the rest loaded, as a runner has.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from mha_drill.judge import template
from mha_drill.judge.sandbox import LAYER_NAMES, Layer, variable
from mha_drill.judge.sandbox.entering import enter, prepare

ROUNDS = 30


def measured(layers: tuple[Layer, ...], folder: Path) -> float:
    """Milliseconds that one runner takes to enter these layers."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as scratch:
        child = os.fork()
        if child == 0:
            started = time.perf_counter()
            enter(layers, folder, Path(scratch))
            os.write(writing, repr(1000 * (time.perf_counter() - started)).encode())
            os._exit(0)
        os.waitpid(child, 0)
    took = float(os.read(reading, 64))
    os.close(reading)
    os.close(writing)
    return took


def main() -> None:
    everything = template.load()
    kinds = {"all layers": everything}
    for name in LAYER_NAMES:
        alone = {variable(other): "0" for other in LAYER_NAMES if other != name}
        kinds[f"{name} alone"] = prepare(alone)
    kinds["none"] = prepare({variable(name): "0" for name in LAYER_NAMES})
    with tempfile.TemporaryDirectory() as own:
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, layers in kinds.items():
                taken[kind].append(measured(layers, Path(own)))
    for layer in everything:
        print(f"{layer.name:12} {'on' if layer.on else layer.why}")
    for kind, times in taken.items():
        print(f"{kind:18} median {statistics.median(times):6.2f} ms   least {min(times):6.2f} ms")


if __name__ == "__main__":
    main()

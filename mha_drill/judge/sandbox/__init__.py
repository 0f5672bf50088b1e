"""The sandbox and the limits a runner enters before it imports the learner's file.

Four layers, each useful without the others: `limits` (memory, files, processes), `namespaces` (no network, a
scratch folder in memory, everything else read-only), `landlock` (which files can be read) and `seccomp` (which
calls to the kernel can be made). What a machine does not have is left out, and `judge status` says so.
"""

from mha_drill.judge.sandbox.layers import LAYER_NAMES, Layer, layers, switched_off, variable

__all__ = ["LAYER_NAMES", "Layer", "layers", "switched_off", "variable"]

"""Which two mistakes may share a file: both must show, and neither may be the other's consequence."""

from __future__ import annotations

from .base import Fault

PAIRS_A_STYLE = 6

#: Nothing else can be seen in a file that does not load or run, or is not the learner's own arithmetic.
ALONE = {
    "syntax-error",
    "import-error",
    "class-not-found",
    "ambiguous-class",
    "constructor-error",
    "not-implemented",
    "crash",
    "time-limit",
    "memory-limit",
    "process-limit",
    "process-exit",
    "builtin-used",
    "nondeterministic",
    "nan-output",
    "wrong-output-type",
    "wrong-value",
    "wrong-output-shape",
    "key-not-transposed",
    "hard-coded-shape",
    "heads-not-concatenated",
}
MASKS = {"mask-missing", "mask-inverted", "mask-off-by-one", "mask-after-softmax", "mask-fill-value"}
SCALES = {"missing-scale", "wrong-scale", "scale-after-softmax"}
#: Groups of which a file holds one at most: the second would hide or explain away the first.
FAMILIES = (
    MASKS | {"unexpected-mask", "missing-softmax"},
    SCALES | {"unstable-softmax"},
    SCALES | {"missing-softmax"},
    {"missing-softmax", "softmax-axis", "unstable-softmax", "scale-after-softmax"},
    {"softmax-axis", "mask-after-softmax", "weigh-wrong-tensor"},
    {"dropout-in-eval", "dropout-missing"},
    {"detached-graph", "wrong-gradient", "unregistered-parameters"},
    {"split-without-transpose", "cross-length", "merge-without-transpose", "non-contiguous-view"},
    {
        "missing-projection",
        "shared-projection",
        "shared-across-heads",
        "weigh-wrong-tensor",
        "swapped-inputs",
    },
    {"split-without-transpose", "weigh-wrong-tensor"},
    {"dropout-in-eval", "detached-graph"},
    {"dropout-in-eval", "wrong-gradient"},
    {"cross-length", "swapped-inputs", "weigh-wrong-tensor"},
    {"missing-output-projection", "wrong-output-shape"},
    {"mutates-input", "detached-graph", "wrong-gradient"},
    {"batch-mixing", "split-without-transpose", "merge-without-transpose", "softmax-axis"},
)


def may_pair(first: Fault, second: Fault, keep: str) -> bool:
    """Whether the two may share a file, whose mask is of the kind `keep`."""
    if (
        keep in ("pad", "prefix")
        and "softmax-axis" in (first.code, second.code)
        and MASKS & {first.code, second.code}
    ):
        return False  # such a mask moves a whole column, which a softmax over the queries does not feel
    if first.alone or second.alone or first.on != second.on or first.code == second.code:
        return False
    if {first.code, second.code} & ALONE:
        return False
    return not any(first.code in family and second.code in family for family in FAMILIES)

"""Would the submission run on a GPU, and in half precision? Asked for the notes of a report. Judge side."""

from __future__ import annotations

from typing import Any

from mha_drill.judge.examination import Examination
from mha_drill.judge.masks import found_form
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.probes import SQUARE, MaskForm

# Their results live on the CPU unless a device is named; `*_like` and `new_*` go by a tensor they are given.
FACTORIES = frozenset(
    """
    arange as_tensor bartlett_window empty eye from_numpy full full linspace logspace ones rand randint randn
    randperm scalar_tensor tensor tril_indices triu_indices zeros
    """.split()
)
TO_NUMPY = frozenset({"numpy", "__array__", "tolist"})


def stopped_on_gpu(examination: Examination) -> dict[str, Any] | None:
    """Return what a GPU would raise, with its line; None where nothing shows it.

    Tried only where the trace gives cause: to play a GPU costs a second of imports.
    """
    if not _can_move(examination) or not _stays_behind(examination):
        return None
    answer = examination.case.observe(SQUARE, _mask(examination), place="gpu", dtype="float32").answer
    error = answer.get("error")
    if not error or not error["line"]:
        return None
    split = error["type"] == "FakeTensorDeviceMismatchError" or "same device" in error["message"]
    return error if split or error["type"] == "NotOnGpu" else None


def half_precision(examination: Examination) -> Wish | None:
    """Return the call in half precision that the notes tell of; None where it would tell nothing."""
    if not _can_move(examination) or examination.binding.dtype != "float64":
        return None
    return Wish(SQUARE, _mask(examination), {"place": "half", "dtype": "float32"})


def stopped_in_half(examination: Examination) -> dict[str, Any] | None:
    """Return what half precision raises, with its line; without one where the output is not finite; else None."""
    wish = half_precision(examination)
    if wish is None:
        return None
    observation = examination.case.observe(wish.probe, wish.mask, **wish.options)
    error = observation.answer.get("error")
    if not observation.answer.get("placed"):
        return None
    if not error:
        return None if observation.answer.get("finite", True) else {"line": None, "message": ""}
    told = ("overflow", "same dtype", "expected scalar type", "dtype")
    return error if error["line"] and any(words in error["message"] for words in told) else None


def _can_move(examination: Examination) -> bool:
    """Whether the submission is a module that gives the right numbers where it is."""
    square = examination.square
    return bool(
        square.answer.get("module")
        and not examination.binding.numpy
        and not square.repairs
        and examination.agrees(square)
    )


def _mask(examination: Examination) -> MaskForm | None:
    if examination.binding.call.mask is None or examination.spec.causal:
        return None
    found = found_form(examination)
    return found[0] if found is not None else None


def _stays_behind(examination: Examination) -> bool:
    """Whether a tensor in the trace need not follow the module: made without a device, or not registered."""
    masked = found_form(examination) if _mask(examination) is not None else None
    return any(
        _leaves(examination, observation)
        for observation in (examination.square, masked[1] if masked else None)
        if observation is not None
    )


def _leaves(examination: Examination, observation: Observation) -> bool:
    assessment = examination.assessed(observation)
    if assessment is None:
        return False
    recording = assessment.recording
    loose = {value.number for value in recording.values if value.kind == "unregistered" and value.shape}
    return any(
        (call.short in FACTORIES and "device=" not in call.literals)
        or call.short in TO_NUMPY
        or (loose & set(call.inputs))
        for call in recording.calls
    )

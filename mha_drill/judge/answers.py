"""What a runner's answer must look like: it comes from the process that the learner's file runs in. Judge side.

The file can write to the judge's line as well as the runner can. Nothing it writes may be taken for more than
data, and no field may break the judge that reads it: an answer that does not fit is no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# What a runner says of one experiment: a JSON object, and arrays that it refers to by index.
Answer = tuple[dict[str, Any], list[np.ndarray]]

LARGEST_NUMBER = 2**53
LONGEST_TEXT = 2_000_000

LAST_LINE = 2**31
# More than any file has, and than the judge could read in time; `tracing` itself stops at 6000 calls.
MOST_ITEMS, MOST_CALLS = 40_000, 12_000

# A type; a question to ask; a tuple of alternatives; [each of a list]; {name: ...}, `name?` may be missing;
# {str: each}.
Form = Any


def _line(value: Any) -> bool:
    return type(value) is int and 0 < value <= LAST_LINE


def _size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_NUMBER


_LINE: Form = (_line, None)
_ERROR: Form = {
    "type": str,
    "bases": [str],
    "message": str,
    "line": _LINE,
    "column": _LINE,
    "lines": [_line],
    "builtin": bool,
    "name": str,
    "where": str,
}
_PARAMETER: Form = {
    "name": str,
    "kind": str,
    "required": bool,
    "annotation": str,
    "default": (bool, int, float, str, None),
}
_DEFINITION: Form = {
    "name": str,
    "line": _line,
    "uses": [str],
    "wraps": str,
    "attributes": [str],
    "doc": str,
    "kind": str,
    "module?": bool,
    "construct": [_PARAMETER],
    "call": ([_PARAMETER], None),
    "methods?": [str],
}
LOADED: Form = {
    "ok": bool,
    "error?": _ERROR,
    "definitions?": [_DEFINITION],
    "failures?": [_ERROR | {"statement": _line, "names": [str]}],
}
_ITEM: Form = {
    "array": (int, None),
    "shape?": [_size],
    "dtype?": str,
    "grad?": bool,
    "type?": str,
}
_GRADIENT: Form = {"shape": [_size], "array": (int, None), "value": int}
OBSERVED: Form = {
    "error": (_ERROR, None),
    "stage": str,
    "tensors?": {str: {"shape": [_size], "kind": str, "grad": bool, "float": bool}},
    "modules?": [[str]],
    "attributes?": [str],
    "integers?": {str: int},
    "module?": bool,
    "output?": {"type": str, "items": [_ITEM]},
    "repeated?": [_ITEM],
    "changed?": [str],
    "calls?": [
        {
            "name": str,
            "line": _LINE,
            "in": [int],
            "out": [int],
            "args": str,
            "repaired?": str,
            "via?": [_line],
        },
    ],
    "values?": [
        {"origin": str, "shape": [_size], "dtype": str, "grad": bool, "array": (int, None)},
    ],
    "repairs?": [{"code": str, "line": _LINE, "shapes": [[_size]], "call": _size}],
    "gradients?": {str: _GRADIENT},
    "regraded?": [{str: _GRADIENT}],
    "reaches?": bool,
    "placed?": bool,
    "finite?": bool,
    "backward_error?": _ERROR,
}


def is_loaded(answer: dict[str, Any]) -> bool:
    """Return whether an answer to `load` can be read."""
    if not _loaded(answer):
        return False
    return {"definitions", "failures"} <= set(answer) if answer["ok"] else "error" in answer


def is_observed(answer: dict[str, Any], arrays: list[np.ndarray]) -> bool:
    """Return whether an answer to one experiment can be read: its fields, and every index and shape in it."""
    if not _observed(answer):
        return False
    values = answer.get("values", [])
    items = answer.get("output", {}).get("items", []) + answer.get("repeated", [])
    told = [answer.get("gradients", {}), *answer.get("regraded", [])]
    gradients = [item for each in told for item in each.values()]
    return (
        all(_is_array(item, arrays) for item in (*values, *items, *gradients))
        and all(_is_array(item | {"array": item["value"]}, arrays) for item in gradients)
        and all(
            0 <= number < len(values)
            for call in answer.get("calls", [])
            for number in call["in"] + call["out"]
        )
        and all(len(pair) == 2 for pair in answer.get("modules", []))
        and (("calls" in answer) == ("values" in answer))
        and len(answer.get("calls", [])) <= MOST_CALLS
        and (
            answer["error"] is not None
            or answer["stage"] != "call"
            or bool({"output", "placed"} & answer.keys())
        )
        and ("gradients" in answer) == ("reaches" in answer)
    )


def _is_array(item: dict[str, Any], arrays: list[np.ndarray]) -> bool:
    """Whether a value's array is there and has the shape the answer says."""
    index = item["array"]
    if index is None:
        return "shape" in item or "type" in item
    # where numpy makes a single number contiguous, it gives it an axis
    shape = item.get("shape")
    return 0 <= index < len(arrays) and list(arrays[index].shape) in ([shape] if shape else [[], [1]])


def fits(value: Any, form: Form) -> bool:
    """Return whether data has a form."""
    return bool(_check_of(form)(value))


Check = Callable[[Any], Any]


def _check_of(form: Form) -> Check:
    """Return the question whether data has a form: every answer is asked it, so the form is read but once."""
    if isinstance(form, tuple):
        return _any_of([_check_of(one) for one in form])
    if isinstance(form, list):
        return _each(_check_of(form[0]))
    if isinstance(form, dict) and str in form:
        each = _check_of(form[str])
        return lambda value: (
            type(value) is dict and len(value) <= MOST_ITEMS and all(map(each, value.values()))
        )
    if isinstance(form, dict):
        return _fields({name.rstrip("?"): _check_of(inner) for name, inner in form.items()}, form)
    if form is None:
        return lambda value: value is None
    if not isinstance(form, type):
        return form  # type: ignore[no-any-return]
    if form is int:
        return lambda value: type(value) is int and -LARGEST_NUMBER <= value <= LARGEST_NUMBER
    if form is str:
        return lambda value: type(value) is str and len(value) <= LONGEST_TEXT
    return lambda value: type(value) is form


def _any_of(checks: list[Check]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _each(check: Check) -> Check:
    return lambda value: type(value) is list and len(value) <= MOST_ITEMS and all(map(check, value))


def _fields(checks: dict[str, Check], form: Form) -> Check:
    required = {name for name in form if not name.endswith("?")}

    def check(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys() <= checks.keys():
            return False
        return all(checks[name](item) for name, item in value.items())

    return check


_loaded, _observed = _check_of(LOADED), _check_of(OBSERVED)

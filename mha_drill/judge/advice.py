"""Advice that fails nothing: the notes of a report. Judge side."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mha_drill.judge.elsewhere import stopped_in_half, stopped_on_gpu
from mha_drill.judge.examination import Examination
from mha_drill.judge.idle import idle_attributes
from mha_drill.judge.masks import found_form, mask_finding
from mha_drill.judge.ruling import Ruling
from mha_drill.records import Lang
from mha_drill.words import word

MOST_NAMES = 6


def notes(ruling: Ruling, lang: Lang) -> Iterator[str]:
    """Yield what a strong reader would add, in `lang`."""
    for failure in ruling.loaded.get("failures", []):
        error = " ".join(f"{failure['type']}: {failure['message']}".split())[:200]
        yield word("check.note-statement", lang, line=failure["line"] or failure["statement"], error=error)
    examination = ruling.examination
    if examination is None or ruling.stage != "run" or examination.square.error is not None:
        return
    yield from _calls(examination, lang)
    yield from _weights(examination, lang)
    yield from _elsewhere(examination, lang)
    yield from _source(examination, lang)


def _calls(examination: Examination, lang: Lang) -> Iterator[str]:
    binding = examination.binding
    if binding.by_position:
        yield word("check.note-positions-first", lang)
    if binding.four_axes:
        yield word("check.note-four-axes", lang)
    if binding.dtype == "float32":
        yield word("check.note-single", lang)
    if examination.rate_fixed:
        yield word("check.note-rate-fixed", lang)
    if (
        binding.call.mask is not None
        and not examination.spec.causal
        and examination.agrees(examination.square)
    ):
        found = found_form(examination)
        if found is not None:
            form = found[0]
            what = "lengths" if form.axes == "lengths" else form.meaning
            yield word(f"check.note-mask-{what}", lang, shape=form.shape, dtype=form.dtype)
        elif mask_finding(examination) is None:
            yield word("check.note-mask-unfed", lang, name=binding.call.mask)


def _weights(examination: Examination, lang: Lang) -> Iterator[str]:
    square = examination.square
    if examination.agrees(square):
        found = examination.weights_agree(square)
        if examination.spec.returns == "output-and-weights" and found is None:
            yield word("check.note-no-weights", lang)
        elif found is False and examination.spec.returns == "output":
            yield word("check.note-not-weights", lang)
    unused = [
        name
        for name, item in examination.gradients.items()
        if item["none"]
        and item["measured"] == 0
        and not name.startswith("input:")
        and _registered(examination, name)
    ]
    if unused:
        shown = ", ".join(unused[:MOST_NAMES]) + (", ..." if len(unused) > MOST_NAMES else "")
        yield word("check.note-unused", lang, names=shown)


def _registered(examination: Examination, name: str) -> bool:
    tensors = examination.square.answer.get("tensors", {})
    return bool(tensors.get(name, {}).get("kind") == "parameter")


def _elsewhere(examination: Examination, lang: Lang) -> Iterator[str]:
    """Yield what would go wrong on a GPU, and in half precision."""
    on_gpu = stopped_on_gpu(examination)
    if on_gpu is not None:
        yield word("check.note-gpu", lang, line=on_gpu["line"])
    in_half = stopped_in_half(examination)
    if in_half is not None and in_half.get("line"):
        key = "check.note-half-overflow" if "overflow" in in_half["message"] else "check.note-half-mixed"
        yield word(key, lang, line=in_half["line"])
    elif in_half is not None:
        yield word("check.note-half-infinite", lang)


def _source(examination: Examination, lang: Lang) -> Iterator[str]:
    definition = examination.binding.definition
    lines = examination.case.runner.source.splitlines()
    body = "\n".join(lines[definition.line - 1 :])
    if examination.spec.heads and definition.kind == "class" and "%" not in body and "divmod" not in body:
        yield word("check.note-no-assert", lang)
    idle = idle_attributes(examination.case.runner.source)
    if idle:
        yield word("check.note-idle", lang, names=", ".join(f"self.{name}" for name in idle[:MOST_NAMES]))
    documented = re.search(
        r"\(\s*[A-Za-z_]+\s*,\s*[A-Za-z_]+\s*,|\[\s*[A-Za-z_]+\s*,\s*[A-Za-z_]+\s*,|形状|shape",
        _comments(body),
    )
    if not documented:
        yield word("check.note-no-docstring", lang)


def _comments(source: str) -> str:
    """Return the comments and the triple-quoted strings of a source."""
    found = re.findall(r'"""(.*?)"""|\'\'\'(.*?)\'\'\'', source, re.DOTALL)
    return "\n".join([*(one or two for one, two in found), *re.findall(r"#.*", source)])

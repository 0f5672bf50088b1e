"""What the sandbox refused or cut, told as notes of the report. Judge side; called by `judging`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from mha_drill.judge.ruling import Ruling
from mha_drill.records import Lang
from mha_drill.words import word

# EPERM, EACCES, EROFS, ENETUNREACH, and what the resolver says where there is no network.
_REFUSED = re.compile(r"\[Errno (1|13|30|101|-2|-3)\]")


def notes(ruling: Ruling, cut: Collection[str], lang: Lang) -> Iterator[str]:
    """Yield what a submission went beyond, in `lang`."""
    for name in sorted(cut):
        yield word(f"check.note-{name}", lang)
    errors = list(ruling.loaded.get("failures", []))
    examination = ruling.examination
    if examination is not None and examination.case.bound and examination.square.error is not None:
        errors.append(examination.square.error)
    if any(_refused(error) for error in errors):
        yield word("check.note-refused", lang)


def _refused(error: dict[str, Any]) -> bool:
    return "OSError" in error["bases"] and bool(_REFUSED.search(error["message"]))

"""Fresh styles, written by somebody who never saw the judge: a blind measurement."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ..base import Style

STYLES: list[Style] = []
for _name in sorted(item.name for item in iter_modules(__path__)):
    _module = import_module(f"{__name__}.{_name}")
    if hasattr(_module, "STYLE"):
        STYLES.append(_module.STYLE)

"""Styles, the half kept for the final measurement: not to be read while tuning."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ..base import Style

STYLES: list[Style] = []
for _name in sorted(item.name for item in iter_modules(__path__)):
    _module = import_module(f"{__name__}.{_name}")
    if hasattr(_module, "STYLE"):
        STYLES.append(_module.STYLE)

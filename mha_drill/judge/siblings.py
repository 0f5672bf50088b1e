"""The folder of the learner's file as a package, so that `from .layers import x` finds what is there. Runner side.

A file that is run by itself has no package; one that is imported from its package does. The drill cannot know
which was meant and lets both work. The folder's `__init__.py` runs when something is imported through it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types
from pathlib import Path

# The package's name where the folder cannot lend its own.
NAMELESS = "beside_the_file"


def package_of(folder: Path) -> str:
    """Make the folder a package that can be imported; return its name."""
    start = folder / "__init__.py"
    if not os.path.isfile(start):  # noqa: PTH113  a folder that may not be read has none
        package = types.ModuleType(NAMELESS)
        package.__path__ = [str(folder)]
        sys.modules[NAMELESS] = package
        return NAMELESS
    name = folder.name if folder.name.isidentifier() and not _taken(folder.name) else NAMELESS
    loader = importlib.util.LazyLoader(importlib.machinery.SourceFileLoader(name, str(start)))
    spec = importlib.util.spec_from_file_location(
        name, start, loader=loader, submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return name


def _taken(name: str) -> bool:
    """Whether a library has that name."""
    if name in sys.modules or name in sys.stdlib_module_names:
        return True
    return importlib.machinery.PathFinder.find_spec(name) is not None

"""mha-drill: drill the attention interview, and be told the exact mistake.

In a notebook: `from mha_drill import check`, then `check(MultiHeadAttention)`.
"""

from __future__ import annotations

__version__ = "0.1.0"

# Not from `typing`, whose import takes as long as Python's own start: a command answers to Ctrl-C only after it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mha_drill.notebook import check

__all__ = ["__version__", "check"]


def __getattr__(name: str) -> Any:
    """Import `check` when somebody asks for it: no command does."""
    if name == "check":
        from mha_drill.notebook import check

        return check
    raise AttributeError(name)

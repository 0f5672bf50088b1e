"""mha-drill: drill the attention interview, and be told the exact mistake.

In a notebook: `from mha_drill import check`, then `check(MultiHeadAttention)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mha_drill.notebook import check

__all__ = ["__version__", "check"]


def __getattr__(name: str) -> Any:
    """Import `check` when somebody asks for it: no command does."""
    if name == "check":
        from mha_drill.notebook import check

        return check
    raise AttributeError(name)

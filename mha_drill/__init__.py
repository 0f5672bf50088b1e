"""mha-drill: drill the attention interview, and be told the exact mistake."""

__version__ = "0.1.0"

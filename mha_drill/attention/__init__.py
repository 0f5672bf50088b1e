"""Attention as ten named steps in a row, and every mistake as one of them replaced: plain torch maths.

The judge feeds the steps a submission's own projections; `faults` lists the wrong steps, `mistakes.toml`
their words.
"""

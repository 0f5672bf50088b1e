"""Reciting a reference solution from memory: what a line means, whether two mean the same, what is blanked.

`commands.returning` runs it. Nothing here runs code or imports torch: a line is read as a syntax tree
(`reading`), brought into one form (`forms`), and compared with the reference's up to names (`comparing`).
"""

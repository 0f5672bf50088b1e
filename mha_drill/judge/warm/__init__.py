"""The judge that stays: where its socket is, how a command finds, starts and heals it, how it serves and leaves.

The command's side is `place`, `doors` and `roll` (no torch); the judge's side is `guests` and `loop`, run by
`judge.server`. A judge of one command alone (`--cold`) is served by the same loop, through a door of its own.
"""

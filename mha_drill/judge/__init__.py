"""Run a file in a process of its own, gather evidence, and rule on it.

`client` is what the command calls (no torch). `server` is the judge: it holds the reference and the hidden
tests. `template` is the process that runners are forked from; it has loaded torch and the runner's code
alone. `runner` is the only process that ever imports the learner's file.
"""

"""The commands, by what the learner wants of them: to be asked, to be judged, to be told, to find their things.

Arguments in, exit code out, no logic. Each body reads as a sentence and imports what it needs when it runs, so
that `--help` stays cheap and no command but the judge's own processes ever imports torch. `cli.py` imports
these modules in the order that `--help` lists the commands in.
"""

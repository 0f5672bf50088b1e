"""Everything that prints: one renderer a screen, called by `cli.py` with a console and a record."""

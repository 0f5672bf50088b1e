"""Everything that prints: one renderer a screen, called by the commands with a console and a record."""

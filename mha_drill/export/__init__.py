"""Every question with its answer in a file for other programs: JSON for scripts, a package for Anki. For `export`."""

"""What a learner has done so far: the store, where it lies, and how a report becomes an attempt.

`commands.base` opens it for every command that records something; nobody else knows that it is SQLite.
"""

from __future__ import annotations

from mha_drill.progress.attempts import of_report
from mha_drill.progress.folder import data_folder, store_path
from mha_drill.progress.store import HINT_LEVELS, Store

__all__ = ["HINT_LEVELS", "Store", "data_folder", "of_report", "store_path"]

"""Which exceptions are a limit's doing: memory, processes, the end of the process. Judge side.

A limit is met inside the file, as an exception that the file could have raised itself; `ruling` and `crashes`
ask here what to call it.
"""

from __future__ import annotations

import re
from typing import Any

_NO_MEMORY = re.compile(r"alloc_cpu|can't allocate memory|not enough memory|DefaultCPUAllocator|bad_alloc")
_STARTS_PROCESSES = (
    "subprocess",
    "multiprocessing",
    "concurrent.futures.process",
    "pty",
    "torch.multiprocessing",
)


def limit_met(error: dict[str, Any]) -> str:
    """Return the code of the limit that an exception tells of, or nothing."""
    kinds, message = set(error["bases"]), error["message"]
    if kinds & {"SystemExit", "KeyboardInterrupt", "GeneratorExit"}:
        return "process-exit"
    if "MemoryError" in kinds or _NO_MEMORY.search(message) or "[Errno 12]" in message:
        return "memory-limit"
    if "OSError" in kinds and "FileNotFoundError" not in kinds:
        if "BlockingIOError" in kinds and "[Errno 11]" in message:
            return "process-limit"
        if error["where"].startswith(_STARTS_PROCESSES):
            return "process-limit"
    return "process-limit" if "can't start new thread" in message else ""

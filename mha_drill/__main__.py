"""`python -m mha_drill`: the same program as `mha-drill`."""

from __future__ import annotations

import sys

from mha_drill.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""Coming back: `review`, `quiz --due` and `status`, through the real commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from driving import Terminal, drill

from mha_drill.catalog import load_catalog
from mha_drill.progress import Store
from mha_drill.progress.days import A_DAY
from mha_drill.records import Attempt
from mha_drill.sitting import whole_stock

CARDS = whole_stock()

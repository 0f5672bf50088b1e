"""What a file is asked for beside the probes is no more than it has time for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mha_drill.judge import circumstances
from mha_drill.judge.circumstances import Circumstances
from mha_drill.judge.observation import Wish
from mha_drill.judge.probes import Probe

LIMIT = 10.0


def asked(pace: float, batch: int, length: int, key_length: int) -> tuple[int, int] | None:
    """Return how often items and sequences are repeated for a file whose known call takes `pace` seconds."""
    examination: Any = SimpleNamespace(case=SimpleNamespace(runner=SimpleNamespace(time_limit=LIMIT)))
    known = Wish(Probe("known", batch, length, key_length))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(circumstances, "pace_again", lambda *_: pace)
        return Circumstances(examination, known, None)._larger()


@given(st.floats(5e-3, 0.5), st.integers(1, 4), st.integers(9, 14), st.integers(9, 17))
def test_loops_in_loops_have_time_for_longer_sequences(
    pace: float, batch: int, length: int, key_length: int
) -> None:
    found = asked(pace, batch, length, key_length)
    if found is not None:
        items, often = found
        # three loops, one in another, and a way back that takes twice as long as the way there
        assert pace * items * often**3 * 3 <= LIMIT / 10


def test_a_file_without_loops_is_asked_for_much_longer_sequences() -> None:
    items, often = asked(3e-4, 2, 11, 12) or (0, 0)
    assert often >= 5
    assert items > 1

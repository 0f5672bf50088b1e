"""`explain --play`: the slides as records, the screen they fill, and a learner pressing keys at a pseudo-terminal."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys

import pexpect
import pytest
from driving import drill
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from mha_drill.explain.figures import Comparison, Film, Walk
from mha_drill.explain.library import topics
from mha_drill.explain.pictures import PICTURES
from mha_drill.explain.sizes import Sizes
from mha_drill.explain.slides import slides
from mha_drill.explain.tour import topic_tour, tour
from mha_drill.records import LANGS, STEPS, Lang
from mha_drill.ui.console import make_console
from mha_drill.ui.fullscreen import keys
from mha_drill.ui.play import move, page

ANSI = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")
some_sizes = st.builds(
    lambda batch, length, heads, head_width: Sizes(batch, length, heads * head_width, heads),
    st.integers(1, 2),
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(1, 6),
)


def screen(width: int, height: int) -> Console:
    return make_console(io.StringIO(), width=width, environ={"LINES": str(height)})


@settings(max_examples=60)
@given(some_sizes, st.sampled_from(sorted(PICTURES)))
def test_the_last_slide_shows_all_there_is(sizes: Sizes, name: str) -> None:
    picture = PICTURES[name](sizes)
    shown = slides("caption", picture)
    assert shown[-1].done
    last = shown[-1].picture
    if isinstance(picture, Film):
        assert isinstance(last, Film)
        assert last.stages[-1].code == picture.stages[-1].code
        assert [slide.picture.stages[-1].code for slide in shown if slide.done] == [
            stage.code for stage in picture.stages
        ]
    else:
        assert last == picture
    assert len(set(map(repr, shown))) == len(shown), "a key that changes nothing"


@settings(max_examples=60)
@given(some_sizes, st.sampled_from(["split", "merge", "copy", "move", "reshape"]))
def test_a_copy_is_written_piece_by_piece_in_the_order_it_is_read(sizes: Sizes, name: str) -> None:
    for slide in slides("caption", PICTURES[name](sizes)):
        assert isinstance(slide.picture, Film)
        stages = slide.picture.stages
        written = stages[-1].memory.written
        if written:
            source, copy = stages[0].memory, stages[-1].memory
            assert source.marked is not None
            assert copy.marked == written - 1
            assert source.blocks[source.marked].numbers == copy.blocks[copy.marked].numbers
        reading = stages[-1].reading
        if len(stages) == 1 and reading is not None and reading.written:
            memory = stages[-1].memory
            assert memory.marked is not None
            assert memory.blocks[memory.marked].numbers == reading.blocks[reading.written - 1].numbers


def test_a_play_starts_with_little_and_deals_one_row_at_a_time() -> None:
    shown = slides("caption", PICTURES["mixed"](Sizes()))
    filled = [slide.picture.wrong.filled for slide in shown if isinstance(slide.picture, Comparison)]
    assert filled == [0, 1, 2, 3, 4, 5, None]
    walk = slides("caption", PICTURES["walk"](Sizes()))
    assert [len(slide.picture.rows) for slide in walk if isinstance(slide.picture, Walk)] == list(
        range(1, 11)
    )


@pytest.mark.parametrize("lang", LANGS)
def test_the_tour_goes_through_the_ten_steps(lang: Lang) -> None:
    shown = tour(Sizes(), lang)
    seen = list(dict.fromkeys(slide.stop.step for slide in shown if slide.stop))
    assert tuple(seen) == STEPS
    assert all(slide.caption for slide in shown)
    assert topic_tour("shapes", Sizes(), lang) == shown


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 10), (40, 3), (120, 50)])
def test_every_slide_fills_the_screen_and_no_more(width: int, height: int) -> None:
    for topic in topics():
        shown = topic_tour(topic.name, Sizes(2, 5, 64, 8), "zh")
        for at in range(0, len(shown), 3):
            lines = page(screen(width, height), topic.title.say("zh"), shown, at, Sizes(2, 5, 64, 8), "zh")
            assert len(lines) <= max(height, 8)
            assert all(cell_len(ANSI.sub("", line)) <= width for line in lines)
            assert lines[-1].startswith(f"{at + 1}/{len(shown)}")


def test_what_is_new_stays_in_sight_on_a_low_screen() -> None:
    shown = topic_tour("attention", Sizes(), "en")
    at = next(number for number, slide in enumerate(shown) if "start to end" in slide.caption) + 4
    lines = page(screen(80, 14), "attention", shown, at, Sizes(), "en")
    assert any(line.endswith("you │5.0 7.5│") for line in lines)
    assert "…" in lines


def test_keys_are_read_however_they_arrive() -> None:
    assert keys("\x1b[C\x1b[D\x1bOB q") == ["right", "left", "down", "space", "q"]
    assert keys("\x1b") == ["escape"]
    assert keys("\x1b[15~\x1b[1;5Cx") == ["x"]
    assert keys("\r\n\x7f\x04") == ["enter", "enter", "backspace", "end-of-input"]
    assert keys("é\x01") == ["é"]


def test_keys_lead_where_they_say() -> None:
    shown = slides("caption", PICTURES["split"](Sizes()))
    last = len(shown) - 1
    assert move(shown, 0, "space") == 1
    assert move(shown, 0, "left") == 0
    assert move(shown, last, "right") == last
    assert move(shown, 0, "G") == last
    assert move(shown, last, "g") == 0
    assert move(shown, 3, "x") == 3
    at, stops = 0, [0]
    while at < last:
        at = move(shown, at, "down")
        stops.append(at)
    assert all(shown[place].done for place in stops)
    assert len(stops) == 4, "one stop a line of code"
    assert [move(shown, place, "up") for place in stops[1:]] == stops[:-1]


# At a terminal.


def start(*arguments: str, height: int = 24, width: int = 80) -> pexpect.spawn[str]:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "mha_drill", "explain", *arguments],
        env={**os.environ, "TERM": "xterm-256color"},
        dimensions=(height, width),
        encoding="utf-8",
        timeout=30,
    )
    child.delaybeforesend = None
    return child


def test_a_learner_steps_through_and_the_terminal_is_given_back() -> None:
    script = (
        "before=$(stty -g); "
        f"{sys.executable} -m mha_drill explain view --play; echo code=$?; "
        '[ "$before" = "$(stty -g)" ] && echo terminal=same'
    )
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", script],
        env={**os.environ, "TERM": "xterm-256color"},
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=30,
    )
    child.delaybeforesend = None
    child.expect_exact("\x1b[?1049h")
    child.expect_exact("1/43")
    child.send(" ")
    child.expect_exact("2/43")
    assert "cut = x.view(1, 3, 2, 4)" in ANSI.sub("", child.before)
    child.send("\x1b[B")
    child.expect_exact("9/43")
    child.send("\x1b[D")
    child.expect_exact("8/43")
    child.send("q")
    child.expect_exact("\x1b[?1049l")
    child.expect_exact("code=0")
    child.expect_exact("terminal=same")
    child.close()


def test_ctrl_c_gives_the_terminal_back_and_exits_130() -> None:
    child = start("--play")
    child.expect_exact("1/38")
    child.send("\x03")
    child.expect_exact("\x1b[?1049l")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_a_signal_gives_the_terminal_back() -> None:
    child = start("mask", "--play")
    child.expect_exact("1/3")
    child.kill(signal.SIGTERM)
    child.expect_exact("\x1b[?1049l")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 128 + signal.SIGTERM


def test_a_screen_that_changes_its_size_is_drawn_anew() -> None:
    child = start("view", "--play")
    child.expect_exact("1/43")
    child.setwinsize(12, 50)
    child.expect_exact("1/43")
    child.send("\x04")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_without_a_terminal_the_page_is_printed() -> None:
    for arguments in (("view",), ("mask", "--lang", "zh")):
        played, printed = drill("explain", *arguments, "--play"), drill("explain", *arguments)
        assert (played.returncode, played.stdout, played.stderr) == (0, printed.stdout, "")
    forced = drill("explain", "view", "--play", FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[?1049h" not in forced.stdout
    assert drill("explain", "--play").stdout == drill("explain", "shapes").stdout


def test_a_pipe_that_closes_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m mha_drill explain view --play | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "view: the same memory, read in another shape\n"
    assert done.stderr == ""

"""Pictures stepped through key by key on the whole terminal, for `explain --play`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from mha_drill.explain.sizes import Sizes
from mha_drill.explain.slides import Slide, Stop
from mha_drill.records import STEPS, Lang
from mha_drill.ui.check_layout import shaped
from mha_drill.ui.code import bare, crop
from mha_drill.ui.console import captured, print_prose
from mha_drill.ui.fullscreen import REDRAW, FullScreen
from mha_drill.ui.pictures import print_picture
from mha_drill.ui.strips import LEFT_OUT
from mha_drill.ui.theme import MISTAKE_SIGN
from mha_drill.words import word

NEXT = ("right", "space", "enter", "l")
BACK = ("left", "backspace", "h", "b")
NEXT_LINE = ("down", "j", "n")
LINE_BACK = ("up", "k", "p")
QUIT = ("q", "Q", "escape", "end-of-input")


def play(console: Console, title: str, shown: Sequence[Slide], sizes: Sizes, lang: Lang) -> None:
    """Show slides until the learner has had enough. `ui.fullscreen.can_play` tells whether that is possible."""
    at = 0
    with FullScreen(console) as screen:
        while True:
            screen.draw(page(console, title, shown, at, sizes, lang))
            key = screen.key()
            if key in QUIT:
                return
            if key != REDRAW:
                at = move(shown, at, key)


def move(shown: Sequence[Slide], at: int, key: str) -> int:
    """Return which slide a key leads to."""
    last = len(shown) - 1
    if key in NEXT:
        return min(at + 1, last)
    if key in BACK:
        return max(at - 1, 0)
    if key in NEXT_LINE:
        return next((place for place in range(at + 1, last) if shown[place].done), last)
    if key in LINE_BACK:
        return next((place for place in range(at - 1, 0, -1) if shown[place].done), 0)
    return {"home": 0, "g": 0, "end": last, "G": last}.get(key, at)


def page(
    console: Console,
    title: str,
    shown: Sequence[Slide],
    at: int,
    sizes: Sizes,
    lang: Lang,
    *,
    height: int = 0,
    keys: str = "",
) -> list[str]:
    """Return one slide as the lines of the screen: what stands above it, the picture, the keys at the foot.

    height: how many lines, the whole screen when not given; keys: the word that tells of the keys. Where the
    screen is too low, the picture loses its first lines: what is new is at its end.
    """
    slide = shown[at]

    def head() -> None:
        print_prose(console, title, style="title")
        if slide.stop is not None:
            _print_stop(console, slide.stop, lang)
            console.print()
        print_prose(console, slide.caption, style="caption")

    def foot() -> None:
        done = word(keys or ("explain.play-end" if at == len(shown) - 1 else "explain.play-keys"), lang)
        line = Text(f"{at + 1}/{len(shown)}  {done}", style="muted")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)

    above, below = captured(console, head), captured(console, foot)
    drawn = captured(console, lambda: print_picture(console, slide.picture, sizes, lang))
    room = max((height or console.height) - len(above) - len(below), 1)
    if len(drawn) > room:
        drawn = [LEFT_OUT, *drawn[len(drawn) - room + 1 :]] if room > 1 else drawn[-1:]
    drawn += [""] * (room - len(drawn))
    return [*above, *drawn, *below]


def _print_stop(console: Console, stop: Stop, lang: Lang) -> None:
    """Print where on the walk we are, the line that does this step, and the shape after it."""
    names = [f"[{step}]" if step == stop.step else step for step in STEPS]
    if len(" ".join(names)) > console.width:
        names = [name if name.startswith("[") else "·" for name in names]
    rail = Text(" ".join(names), style="muted")
    rail.highlight_regex(r"\[\w+\]", "step")
    print_prose(console, rail)
    place = f"{stop.line}  " if stop.line else ""
    shape = f"  {shaped(stop.shape)}" if stop.shape else ""
    room = max(min(console.width, 100) - len(place) - len(shape), 12)
    code = crop(bare(stop.code or word("check.step-missing", lang)), room)
    line = Text.assemble((place, "muted"), (code, "yours" if stop.wrong else "code"), (shape, "shape"))
    console.print(line, soft_wrap=True)
    if stop.wrong:
        said = word("explain.play-reference", lang)
        right = crop(bare(stop.reference), max(min(console.width, 100) - len(said) - 5, 12))
        parted = Text.assemble((f"{MISTAKE_SIGN} {said} ", "mistake"), (right, "reference"))
        console.print(parted, soft_wrap=True)

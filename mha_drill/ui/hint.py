"""The screen of `hint`: one hint, which of how many it is, and where the next is to be had."""

from __future__ import annotations

from rich.console import Console

from mha_drill.quiz.card import Card
from mha_drill.records import Lang
from mha_drill.ui.console import print_command, print_prose
from mha_drill.ui.markdown import print_markdown
from mha_drill.words import word

LEVEL_NAMES = ("idea", "structure", "line")


def print_hint(console: Console, card: Card, level: int, lang: Lang) -> None:
    """Print the hint of a level counted from one, the last for all above; after the last, the way out."""
    levels = len(card.hints)
    level = min(level, levels)
    head = word("hint.level", lang, title=card.title.say(lang), level=level, levels=levels)
    if card.problem and levels == len(LEVEL_NAMES):
        head += word("hint.level-name", lang, name=word(f"hint.level-{LEVEL_NAMES[level - 1]}", lang))
    print_prose(console, head, style="title")
    print_markdown(console, card.hints[level - 1].say(lang), indent=2)
    console.print()
    if level < levels:
        print_command(console, word("hint.next", lang), f"mha-drill hint {card.item}")
    elif card.problem:
        print_command(console, word("hint.last", lang), f"mha-drill solution {card.item}")
    else:
        print_command(console, word("hint.last-question", lang), f"mha-drill quiz --kind {card.kind}")

"""What `review` says beside the questions: nothing due, the interview's day, when the next comes back."""

from __future__ import annotations

from rich.console import Console

from mha_drill.progress.plan import Plan
from mha_drill.quiz.card import Card
from mha_drill.records import Lang
from mha_drill.reviewing import Today
from mha_drill.ui.console import print_command, print_prose
from mha_drill.ui.status import said_day
from mha_drill.words import word


def print_interview(console: Console, day: int | None, lang: Lang) -> None:
    """Say that the day of the interview is noted, or forgotten."""
    if day is None:
        print_prose(console, word("status.interview-forgotten", lang))
    else:
        print_prose(console, word("status.interview-set", lang, day=said_day(day, lang)))
    console.print()


def print_nothing_due(console: Console, plan: Plan[Card], lang: Lang) -> None:
    """Say when the next is due, and what to do until then."""
    if plan.ahead:
        print_prose(console, word("status.nothing-due", lang, day=said_day(plan.ahead[0][0], lang)))
        print_command(console, word("status.until-then", lang), "mha-drill quiz")
    else:
        print_command(console, word("status.nothing-left", lang), "mha-drill quiz")


def print_none_fits(console: Console, plan: Plan[Card], lang: Lang) -> None:
    """Say that something is due, but nothing of the kind or step asked for."""
    sentence = word("status.none-fits", lang, due=len(plan.due), new=len(plan.new), command="{command}")
    print_command(console, sentence, "mha-drill review")


def print_next(console: Console, today: Today, lang: Lang) -> None:
    """Say, after a sitting, what is left today, or when the next comes back."""
    plan = today.plan
    if plan.due or plan.new:
        sentence = word("status.next", lang, due=len(plan.due), new=len(plan.new), command="{command}")
        print_command(console, sentence, "mha-drill review")
    elif plan.ahead:
        print_prose(console, word("status.back-on", lang, day=said_day(plan.ahead[0][0], lang)))

"""The screens of `judge status` and `judge stop`. Called by `commands.judging`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from mha_drill.judge.sandbox import Layer
from mha_drill.judge.warm.roll import WarmJudge
from mha_drill.records import Lang
from mha_drill.ui.console import Paper, print_command, print_prose
from mha_drill.ui.theme import PASS_SIGN, SKIP_SIGN
from mha_drill.words import word


def render_judges(
    paper: Paper, judges: Sequence[WarmJudge], now: float, lang: Lang, *, wanted: bool = True
) -> None:
    """Print which judges stay warm. wanted: whether a check here would leave one behind."""
    if not judges:
        print_prose(paper, word("judge.none" if wanted else "judge.none-wanted", lang))
        return
    for judge in judges:
        _print_judge(paper, judge, now, lang)
    print_command(paper, word("judge.stop-it", lang, command="{command}"), "mha-drill judge stop")


def render_layers(paper: Paper, layers: Sequence[Layer], lang: Lang) -> None:
    """Print which layers of the sandbox a judge started here has, and why not where it has not."""
    print_prose(paper, word("judge.sandbox", lang), style="title")
    for layer in layers:
        sign, style = (PASS_SIGN, "pass") if layer.on else (SKIP_SIGN, "warning")
        line = Text.assemble((f"{sign} {layer.name}", style), "  ", layer.does(lang))
        if not layer.on:
            said = word("judge.layer-off", lang, reason=layer.reason(lang))
            line = Text.assemble((f"{sign} {layer.name}", style), "  ", said)
        print_prose(paper, line, indent=2, hanging=2)


def render_stopped(paper: Paper, pids: Sequence[int], lang: Lang) -> None:
    """Print which judges have ended."""
    for pid in pids:
        print_prose(paper, word("judge.stopped", lang, pid=pid))
    if not pids:
        print_prose(paper, word("judge.none-to-stop", lang))


def spell_duration(seconds: float, lang: Lang) -> str:
    """Return how long that is, as roughly as people say it."""
    if seconds < 60:
        return word("judge.seconds", lang, count=int(max(seconds, 0)))
    if seconds < 3600:
        return word("judge.minutes", lang, count=int(seconds // 60))
    return word("judge.hours", lang, count=int(seconds // 3600), minutes=int(seconds % 3600 // 60))


def _print_judge(paper: Paper, judge: WarmJudge, now: float, lang: Lang) -> None:
    if judge.loading:
        print_prose(paper, word("judge.loading", lang, pid=judge.pid or "?"))
        return
    age = spell_duration(now - judge.since, lang)
    if judge.current:
        print_prose(paper, word("judge.running", lang, pid=judge.pid, age=age), style="title")
    else:
        print_prose(paper, word("judge.other", lang, pid=judge.pid, age=age, version=judge.version))
    work = word("judge.work", lang, checks=judge.checks, running=judge.running, minutes=f"{judge.minutes:g}")
    print_prose(paper, work, indent=2)
    if judge.megabytes is not None:
        print_prose(paper, word("judge.memory", lang, megabytes=round(judge.megabytes)), indent=2)

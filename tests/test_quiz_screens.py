"""Every question on the page, at every width and in both languages: nothing cut, nothing raw, no word broken."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from mha_drill.catalog import load_catalog
from mha_drill.quiz.card import Card, of_generator, of_question
from mha_drill.quiz.generators import all_generators
from mha_drill.quiz.marking import mark
from mha_drill.records import Lang
from mha_drill.ui.console import make_console
from mha_drill.ui.quiz import QuizScreen
from mha_drill.ui.reading import Lines
from mha_drill.ui.wrapping import wrap

if TYPE_CHECKING:
    from mha_drill.records import Question

WIDTHS = (40, 60, 80, 120)
WIDEST = 400
CARDS = [
    *(of_question(question).dealt("1", mixed=True) for question in load_catalog().questions()),
    *(of_generator(generator).dealt(seed, mixed=True) for generator in all_generators() for seed in "123"),
]
WORD = re.compile(r"[A-Za-z0-9_]{2,}")


def page(card: Card, width: int, lang: Lang) -> str:
    """Return all that a card can show on a page this wide: question, keys, hints, answers wrong and right, why."""
    file = io.StringIO()
    console = make_console(file, width=width, environ={})
    screen = QuizScreen(console, lang, Lines(io.StringIO(), file))
    question = card.question
    assert question is not None
    screen.show_card(card, 1, 10)
    for level, hint in enumerate(card.hints, start=1):
        screen.show_hint(hint, level, len(card.hints))
    if question.model:
        model = question.model.say(lang)
        screen.show_marking(question, mark(question.points, model[: len(model) // 2]))
        screen.show_mark(question, 0.5)
    else:
        screen.show_answer(question, _wrong(question), 0.0)
        screen.show_answer(question, question.answer, 1.0)
    return file.getvalue()


def _wrong(question: Question) -> str:
    if question.kind == "order":
        return question.answer[::-1]
    return {"choice": "B" if question.answer == "A" else "A", "spot": "1"}.get(question.kind, "7")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_question_fits_every_page(lang: Lang) -> None:
    wide, raw, broken = [], [], []
    for card in CARDS:
        whole = set(WORD.findall(page(card, WIDEST, lang)))
        for width in WIDTHS:
            shown = page(card, width, lang)
            lines = shown.splitlines()
            wide += [(card.item, width, line) for line in lines if cell_len(line) > width]
            raw += [(card.item, width, line) for line in lines if "`" in line]
            broken += [(card.item, width, word) for word in set(WORD.findall(shown)) - whole]
    assert wide == []
    assert raw == []
    assert broken == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_keys_stand_whole_on_a_narrow_page(lang: Lang) -> None:
    said = {"en": ["q stop", "s skip", "? hint"], "zh": ["q 结束", "s 跳过", "? 提示"]}[lang]
    for card in CARDS:
        lines = page(card, 40, lang).splitlines()
        assert [key for key in said if not any(key in line for line in lines)] == []


def test_a_name_that_begins_with_a_point_stays_whole_after_a_chinese_comma() -> None:
    from rich.text import Text

    for width in range(8, 40):
        lines = [
            line.plain for line in wrap(Text("缺的是管理：state_dict()、.to(device)、train()。完了。"), width)
        ]
        assert not any(line.endswith(".") for line in lines), lines


def test_a_shape_stays_on_one_line_where_half_a_line_holds_it() -> None:
    from rich.text import Text

    said = "分数 [N, L, L] @ [N, L, D] 得到 (B, H, L, d)，再写 x.view(2, -1, 8) 就行；q has (2, 8, 5, 64) and more."
    for width in range(36, 90):
        lines = [line.plain for line in wrap(Text(said), width)]
        for shape in ("[N, L, L]", "[N, L, D]", "(B, H, L, d)", "x.view(2, -1, 8)", "(2, 8, 5, 64)"):
            assert any(shape in line for line in lines), (width, lines)
        assert all(cell_len(line) <= width for line in lines)

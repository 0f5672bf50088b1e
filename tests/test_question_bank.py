"""The question bank, `problems/questions/`: complete in both languages, and every claim about torch executed.

A question's `proof` is Python that this file runs. It finds `torch`, `nn`, `F`, `math`, `raises`, `run` and the
question's `code`, and

- of a `number` sets `answer`;
- of a `choice` sets `right`, one truth for each option, found by computing it;
- of a `spot` finds the block as `wrong` and with the line mended as `fixed`, and asserts what each of them does;
- of an `order` defines `works(source)`: true of the pieces in the right order and of no other;
- of a `short` asserts what its model answer claims.
"""

from __future__ import annotations

import itertools
import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from mha_drill.catalog import LETTERS, SOURCES, load_catalog
from mha_drill.errors import DrillError
from mha_drill.records import STEPS, Question, Text

CATALOG = load_catalog()
FOLDER = CATALOG.root / "problems" / "questions"
RAW = {
    row["id"]: row | {"file": path.stem}
    for path in sorted(FOLDER.glob("*.toml"))
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["questions"]
}
BANK = {question.id: question for question in CATALOG.questions() if question.id in RAW}
TOPICS = {path.stem for path in (CATALOG.root / "mha_drill" / "explain" / "topics").glob("*.toml")}
TERMS = tomllib.loads((CATALOG.root / "mha_drill" / "words" / "terms.toml").read_text(encoding="utf-8"))

# Every section of the two texts the drill was made for, then what interviewers ask next; and how many
# questions each must have at the least, the more often it is asked the more.
SECTIONS = {
    "shape-question": 2, "encoder-decoder": 3, "feed-forward": 2, "rnn": 2, "cnn": 1, "four-lines": 2,
    "sheet-mha": 3, "memorised-classes": 2, "view": 3, "minus-one": 1, "contiguity": 3, "strides": 2,
    "transpose": 2, "split": 3, "merge": 4, "mask-line": 3, "tril": 3, "finfo": 2, "masked-fill": 2, "q-proj": 4,
    "q-k-transpose": 3, "time-steps": 2, "how-are-you": 3, "other-operations": 2, "slips": 5, "why-qkv": 1,
    "gqa-mqa": 18, "kv-cache": 17, "rope": 15, "causal-mask": 10, "online-softmax": 10, "cross-attention": 8,
    "padding-mask": 5, "why-sqrt-d": 5, "complexity": 4, "numerics": 4, "why-heads": 4, "saying-shapes": 3,
    "dropout-place": 3, "parameter-counts": 3, "backward-by-hand": 3,
}  # fmt: skip
FEWEST_OF_KIND = {"choice": 30, "short": 15, "number": 15, "order": 10, "spot": 12}
FEWEST_OF_STEP = 6

# Claims about ideas, not about what torch does: nothing there is to execute.
UNPROVED = {
    "score-rope-which", "mask-which-attention", "softmax-flash-saves", "weigh-prefill-decode",
    "output-decoder-parts",
}  # fmt: skip

COMMON = {
    "id",
    "kind",
    "steps",
    "difficulty",
    "source",
    "topic",
    "covers",
    "title",
    "prompt",
    "why",
    "hints",
    "proof",
}
FIELDS = {
    "choice": {"options", "answer", "code"},
    "number": {"answer", "unit", "code"},
    "order": {"options"},
    "spot": {"code", "answer", "fix"},
    "short": {"model", "points"},
}
CJK = re.compile(r"[\u4e00-\u9fff]")
FULL_WIDTH = re.compile(r"[\u3000-\u303f\uff00-\uffef]")
HALF_WIDTH_BESIDE_CJK = re.compile(r"[\u4e00-\u9fff] ?[,;:!?]|[,;:!?][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!\d)")

every_question = pytest.mark.parametrize("name", RAW)


def of_kind(*kinds: str) -> list[str]:
    return [name for name, row in RAW.items() if row["kind"] in kinds]


def texts_of(question: Question) -> Iterator[tuple[str, Text]]:
    """Yield every text that is shown, by a name; wordings are the learner's words, not ours."""
    yield from (("title", question.title), ("prompt", question.prompt), ("why", question.why))
    yield from ((f"option {at}", option) for at, option in enumerate(question.options))
    yield from ((f"hint {at}", hint) for at, hint in enumerate(question.hints))
    yield from ((f"point {point.id}", point.say) for point in question.points)
    yield from ((what, text) for what, text in (("model", question.model), ("unit", question.unit)) if text)


def prose(text: str) -> str:
    """Return a text without its code."""
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)


# --- what there is -----------------------------------------------------------------------------------------


def test_there_are_enough_of_every_kind_at_every_step() -> None:
    assert len(RAW) >= 80
    kinds = Counter(row["kind"] for row in RAW.values())
    assert {kind: kinds[kind] for kind, fewest in FEWEST_OF_KIND.items() if kinds[kind] < fewest} == {}
    steps = Counter(step for question in BANK.values() for step in question.steps)
    assert {step: steps[step] for step in STEPS if steps[step] < FEWEST_OF_STEP} == {}
    assert {question.difficulty for question in BANK.values()} == {1, 2, 3}
    assert {question.source for question in BANK.values()} == set(SOURCES)


def test_every_section_is_asked_about_as_often_as_it_deserves() -> None:
    asked = Counter(section for row in RAW.values() for section in row["covers"])
    assert set(asked) <= set(SECTIONS)
    assert {name: asked[name] for name, fewest in SECTIONS.items() if asked[name] < fewest} == {}


def test_the_bank_holds_one_file_a_step_and_no_id_twice() -> None:
    assert {path.name for path in FOLDER.iterdir()} <= {f"{step}.toml" for step in STEPS}
    ids = [question.id for question in CATALOG.questions()]
    assert len(set(ids)) == len(ids)
    titles = Counter(question.title.say(lang) for question in BANK.values() for lang in ("en", "zh"))
    assert [title for title, times in titles.items() if times > 1] == []


def test_no_letter_and_no_line_gives_itself_away() -> None:
    letters = Counter(BANK[name].answer for name in of_kind("choice"))
    few, many = len(of_kind("choice")) * 0.15, len(of_kind("choice")) * 0.35
    assert {letter for letter in "ABCD" if not few <= letters[letter] <= many} == set(), letters
    assert len({BANK[name].answer for name in of_kind("spot")}) >= 4


# --- each question -----------------------------------------------------------------------------------------


@every_question
def test_a_question_says_what_is_read_and_nothing_else(name: str) -> None:
    row, question = RAW[name], BANK[name]
    assert set(row) - {"file"} <= COMMON | FIELDS[question.kind]
    assert re.fullmatch(rf"{row['file']}(-[a-z0-9]+)+", name)
    assert row["file"] in question.steps
    assert list(question.steps) == [step for step in STEPS if step in question.steps]
    assert question.difficulty in (1, 2, 3)
    assert question.topic in TOPICS
    assert row["covers"]
    assert "proof" in row or name in UNPROVED or question.kind in ("short", "order")


@every_question
def test_every_text_is_whole_in_both_languages(name: str) -> None:
    assert "`" not in BANK[name].title.en + BANK[name].title.zh
    for what, text in texts_of(BANK[name]):
        assert not CJK.search(text.en), what
        assert not FULL_WIDTH.search(text.en), what
        assert not HALF_WIDTH_BESIDE_CJK.search(prose(text.zh)), (what, text.zh)
        if what in ("title", "prompt", "why", "model"):
            assert len(CJK.findall(prose(text.zh))) >= 3, what
        if not CJK.search(text.zh):
            assert not re.search(r"[a-z]{4}|\b(and|or|the)\b", prose(text.en)), (
                what,
                "prose that has no Chinese",
            )


@every_question
def test_both_languages_hold_the_same_code_and_shapes(name: str) -> None:
    for what, text in texts_of(BANK[name]):
        for pattern in (
            r"```\n.*?```",
            r"(?<!`)`[^`\n]+`(?!`)",
            r"\([A-Z1-9], [^()]*\)|\[[A-Z0-9], [^\[\]]*\]",
        ):
            found = [sorted(re.findall(pattern, text.say(lang), re.DOTALL)) for lang in ("en", "zh")]
            assert found[0] == found[1], what


@every_question
def test_the_chinese_keeps_to_the_term_list(name: str) -> None:
    for what, text in texts_of(BANK[name]):
        english, chinese = prose(text.en), prose(text.zh)
        for term in TERMS.values():
            for wrong in term.get("wrong_zh", ()):
                assert wrong not in chinese, (what, f"{wrong} for {term['zh']}")
            if term.get("always") and re.search(rf"\b{re.escape(term['en'])}s?\b", english, re.IGNORECASE):
                assert term["zh"] in text.zh, (what, term["en"], term["zh"])


@pytest.mark.parametrize("name", of_kind("choice"))
def test_the_options_differ_and_the_right_one_is_not_the_long_one(name: str) -> None:
    question = BANK[name]
    for lang in ("en", "zh"):
        options = [option.say(lang) for option in question.options]
        assert len(set(options)) == len(options) == 4
        right = len(options.pop(LETTERS.index(question.answer)))
        assert right <= max(map(len, options)) * 1.3 + 8, (right, options)


@pytest.mark.parametrize("name", of_kind("choice"))
def test_a_why_calls_no_option_by_its_place(name: str) -> None:
    """Options are shown in another order each time."""
    place = r"\b(first|second|third|fourth|last)"
    verb = r"(option|and (second|third|fourth)|does|gives?|names|uses|sums|keeps|calls|sets|mixes)\b"
    assert not re.search(rf"\bthe {place} {verb}", BANK[name].why.en, re.IGNORECASE)
    assert not re.search(
        r"第[一二三四]个(选项|和第|形状|把|用|让|求)|最后一个( `|把|用|让)", BANK[name].why.zh
    )


@pytest.mark.parametrize("name", of_kind("short"))
def test_a_short_question_has_points_to_find(name: str) -> None:
    points = BANK[name].points
    assert 3 <= len(points) <= 6
    assert len({point.id for point in points}) == len(points)
    for point in points:
        assert len(point.wordings_en) >= 3
        assert len(point.wordings_zh) >= 3
        assert not any(CJK.search(wording) for wording in point.wordings_en)
        assert all(CJK.search(wording) for wording in point.wordings_zh)


# --- what the questions claim, executed --------------------------------------------------------------------


def run(source: str, /, **given: Any) -> SimpleNamespace:
    """Return the names that `source` leaves behind, when it is given these."""
    names: dict[str, Any] = tools() | given
    exec(source, names)
    return SimpleNamespace(**{name: value for name, value in names.items() if name.isidentifier()})


def raises(act: Callable[[], object], *, said: str = "") -> bool:
    """Tell whether `act` raises an error that says this."""
    try:
        act()
    except (RuntimeError, ValueError, IndexError, AttributeError, AssertionError) as error:
        return said in str(error)
    return False


def tools() -> dict[str, Any]:
    return {"torch": torch, "nn": nn, "F": nn.functional, "math": math, "run": run, "raises": raises}


def prove(name: str, **given: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    names = tools() | {"code": RAW[name].get("code", "").strip("\n")} | given
    exec(compile(RAW[name]["proof"], f"<the proof of {name}>", "exec"), names)
    return names


@pytest.mark.parametrize("name", [name for name in of_kind("number") if "proof" in RAW[name]])
def test_a_number_is_what_comes_out(name: str) -> None:
    assert float(prove(name)["answer"]) == pytest.approx(float(BANK[name].answer), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in of_kind("choice") if "proof" in RAW[name]])
def test_one_option_is_right_and_the_others_are_wrong(name: str) -> None:
    right = prove(name)["right"]
    assert [bool(each) for each in right] == [letter == BANK[name].answer for letter in "ABCD"]


@pytest.mark.parametrize("name", of_kind("spot"))
def test_the_wrong_line_is_wrong_and_the_fix_mends_it(name: str) -> None:
    lines = BANK[name].code.splitlines()
    at = int(BANK[name].answer) - 1
    fixed = [*lines[:at], BANK[name].fix, *lines[at + 1 :]]
    assert fixed != lines
    assert 4 <= len(lines) <= 12
    prove(name, wrong="\n".join(lines), fixed="\n".join(fixed))


@pytest.mark.parametrize("name", of_kind("order"))
def test_only_one_order_is_right(name: str) -> None:
    question = BANK[name]
    assert 4 <= len(question.options) <= 7
    assert len({option.en for option in question.options}) == len(question.options)
    if "proof" not in RAW[name]:
        assert name in UNPROVED
        return
    pieces = [option.en.strip("`") for option in question.options]
    works = prove(name)["works"]
    found = [list(order) for order in itertools.permutations(pieces) if not raises_any(works, order)]
    assert found == [pieces]


def raises_any(works: Callable[[str], bool], order: tuple[str, ...]) -> bool:
    """Tell whether the pieces in this order do not work, be it by an error."""
    try:
        return not works("\n".join(order))
    except Exception:
        return True


@pytest.mark.parametrize("name", [name for name in of_kind("short") if "proof" in RAW[name]])
def test_what_a_model_answer_claims_holds(name: str) -> None:
    prove(name)


# --- a broken bank -----------------------------------------------------------------------------------------

BROKEN = [
    ('kind = "number"', 'answer = "eight"', ["answer", "eight"]),
    ('kind = "spot"\ncode = "a = 1\\nb = 2"\nfix = "b = 3"', 'answer = "3"', ["answer", "'3'"]),
    ('kind = "spot"\ncode = "a = 1\\nb = 2"', 'answer = "2"', ["'fix'"]),
    ('kind = "choice"\noptions = ["a", 2]', 'answer = "A"', ["options"]),
    ('kind = "choice"\noptions = ["a", { en = "b" }]', 'answer = "A"', ["'zh'"]),
]


@pytest.mark.parametrize(("kind", "answer", "said"), BROKEN)
def test_a_broken_question_is_named_by_file_and_field(
    tmp_path: Path, kind: str, answer: str, said: list[str]
) -> None:
    (tmp_path / "problems" / "questions").mkdir(parents=True)
    file = tmp_path / "problems" / "questions" / "scale.toml"
    texts = "\n".join(f'{field} = {{ en = "a", zh = "甲" }}' for field in ("title", "prompt", "why"))
    common = 'id = "scale-a"\ndifficulty = 1\nsource = "interviews"\n'
    file.write_text(f"[[questions]]\n{common}{kind}\n{answer}\n{texts}\n", encoding="utf-8")
    with pytest.raises(DrillError) as caught:
        load_catalog(tmp_path).questions()
    assert [part for part in [str(file), *said] if part not in caught.value.say("en")] == []


# --- the written answers the marking is measured on --------------------------------------------------------

SORTS = {"good", "partial", "wrong", "negated", "keywords", "off-topic", "typos", "mixed"}


@pytest.mark.parametrize("half", ["tuning", "held_out"])
def test_the_written_answers_are_of_every_sort_and_name_points_that_there_are(half: str) -> None:
    path = Path(__file__).with_name(f"short_answers_{half}.toml")
    answers = tomllib.loads(path.read_text(encoding="utf-8"))["answers"]
    assert len(answers) >= 50
    assert {answer["sort"] for answer in answers} == SORTS
    assert len({answer["question"] for answer in answers}) >= 8
    assert all(sum(answer["lang"] == lang for answer in answers) >= 25 for lang in ("en", "zh"))
    for answer in answers:
        assert set(answer) == {"question", "lang", "sort", "answer", "points"}
        assert set(answer["points"]) <= {point.id for point in BANK[answer["question"]].points}
        assert bool(CJK.search(answer["answer"])) == (answer["lang"] == "zh")

"""The words of every mistake, and what exceptions and odd characters are called.

What is said here is held against what can really be: the contract's codes, the faults that can be found, the
messages that this Python, this torch and this numpy raise.
"""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

import mha_drill
from mha_drill.attention.faults import all_faults
from mha_drill.judge.findings import Finding
from mha_drill.judge.words import (
    all_words,
    fix_of,
    mistake_words,
    name_character,
    stories,
    story_of,
    title_of,
    topic_of,
    why_of,
)
from mha_drill.records import LANGS, STEPS, Lang, Text
from mha_drill.words import room

PACKAGE = Path(mha_drill.__file__).parent
WORDS = PACKAGE / "words"
TERMS = tomllib.loads((WORDS / "terms.toml").read_text(encoding="utf-8"))
STORIES_FILE = tomllib.loads((WORDS / "stories.toml").read_text(encoding="utf-8"))
ROOMS = sorted(path.stem for path in WORDS.glob("*.toml") if path.stem not in ("terms", "stories"))

CODES: dict[str, str] = {
    "project": """shared-projection shared-across-heads missing-projection swapped-inputs
        unregistered-parameters""",
    "split": "split-without-transpose cross-length hard-coded-shape",
    "score": "key-not-transposed",
    "scale": "missing-scale wrong-scale scale-after-softmax",
    "mask": "mask-missing mask-inverted mask-off-by-one mask-after-softmax mask-fill-value unexpected-mask",
    "softmax": "missing-softmax softmax-axis unstable-softmax",
    "dropout": "dropout-in-eval dropout-missing",
    "weigh": "weigh-wrong-tensor",
    "merge": "merge-without-transpose non-contiguous-view heads-not-concatenated",
    "output": "missing-output-projection extra-residual extra-normalization wrong-output-shape",
    "any": """batch-mixing detached-graph mutates-input builtin-used nondeterministic nan-output
        wrong-gradient wrong-output-type wrong-value""",
    "load": """syntax-error import-error class-not-found ambiguous-class constructor-error not-implemented
        crash time-limit memory-limit process-limit process-exit""",
}
STEP_OF = {code: step for step, codes in CODES.items() for code in codes.split()}
TOPICS = """
    view reshape transpose contiguous strides linear split score scale mask softmax dropout weigh merge output
    shapes attention transformer rnn-cnn cost
""".split()

CJK = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH_BESIDE_CJK = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!\d)")
FULL_WIDTH = re.compile(r"[\u3000-\u303f\uff00-\uffef]")

every_code = pytest.mark.parametrize("code", STEP_OF)
every_language = pytest.mark.parametrize("lang", LANGS)


def texts_of(code: str) -> dict[str, Text]:
    words = mistake_words(code)
    said = {"title": words.title, "why": words.why, "fix": words.fix}
    return said | {f"variant {name}": text for name, text in words.variants.items()}


def prose(text: str) -> str:
    """Return a text without its code and its blanks."""
    return re.sub(r"`[^`]*`|{\w+}", "", text)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)", text))


def assert_keeps_to_the_terms(text: Text) -> None:
    english, chinese = prose(text.en), prose(text.zh)
    for term in TERMS.values():
        for wrong in term.get("wrong_zh", ()):
            assert wrong not in chinese, f"{wrong} for {term['zh']}"
        if term.get("always") and re.search(rf"\b{re.escape(term['en'])}s?\b", english, re.IGNORECASE):
            assert term["zh"] in text.zh, (term["en"], term["zh"], text)


def assert_is_in_its_language(text: Text) -> None:
    assert not CJK.search(text.en), text.en
    assert not FULL_WIDTH.search(text.en), text.en
    assert CJK.search(text.zh) or not re.search(r"[A-Za-z]", prose(text.en)), text.zh
    assert not HALF_WIDTH_BESIDE_CJK.search(prose(text.zh)), HALF_WIDTH_BESIDE_CJK.search(prose(text.zh))


# --- the codes ---------------------------------------------------------------------------------------------


def test_the_words_are_of_the_contract_s_codes_in_its_order() -> None:
    assert list(all_words()) == list(STEP_OF)


@every_code
def test_a_code_has_its_step_a_known_topic_and_texts_in_both_languages(code: str) -> None:
    words = mistake_words(code)
    assert words.code == code
    assert words.step == STEP_OF[code]
    assert words.topic in ["", *TOPICS]
    for name, text in texts_of(code).items():
        assert placeholders(text.en) == placeholders(text.zh), name
        if prose(text.en):  # else the learner's own names alone
            assert_is_in_its_language(text)
            assert_keeps_to_the_terms(text)


@every_code
def test_a_title_is_one_short_line_and_the_rest_are_sentences(code: str) -> None:
    words = mistake_words(code)
    for text in (words.title, *words.variants.values()):
        assert not re.search(r"[.。]$|\n", text.en + text.zh)
    assert len(words.title.en) <= 60
    assert len(words.title.zh) <= 30
    for text in (words.why, words.fix):
        assert re.search(r"\.$", text.en)
        assert re.search(r"。$", text.zh)
        assert "\n" not in text.en + text.zh
        assert not placeholders(text.en)
    assert len(re.findall(r"[.?!](?: |$)", prose(words.why.en))) <= 3


@every_code
def test_both_languages_say_the_same_code(code: str) -> None:
    for name, text in texts_of(code).items():
        found = [sorted(set(re.findall(r"`([^`]+)`", text.say(lang)))) for lang in LANGS]
        assert found[0] == found[1], name


@every_code
def test_the_code_in_a_fix_is_python(code: str) -> None:
    fix = mistake_words(code).fix
    for piece in re.findall(r"`([^`]+)`", fix.en):
        # a fragment that is written after a tensor, an option, a command, or the head of a block
        if piece.startswith((".", "-", "mha-drill", "raise ")) or "..." in piece or piece in ("-1", "/"):
            continue
        ast.parse(f"{piece}\n    pass" if piece.startswith("if ") else _head(piece))


def _head(piece: str) -> str:
    if piece.startswith("class "):
        return f"{piece}: pass"
    return f"def f():\n    {piece}" if piece.startswith("return ") else piece


def variants_of_faults() -> set[tuple[str, str]]:
    found = set()
    for heads, *flags in itertools.product((1, 4), *[(False, True)] * 3):
        separate, masked, causal = flags
        faults = all_faults(heads=heads, separate=separate, masked=masked, causal_problem=causal)
        found |= {(fault.code, fault.variant) for fault in faults}
    return found


# What wiring, masks and crashes call their variants, beside those of the faults.
WIRED = {
    "shared-projection": ("qk", "qv", "kv", "qo", "ko", "vo"),
    "shared-across-heads": ("q", "k", "v"),
    "missing-projection": ("q", "k", "v"),
    "weigh-wrong-tensor": ("k", "q"),
    "swapped-inputs": (
        "one tensor as query and key", "q from k", "q from v", "k from q", "k from v", "v from q", "v from k",
        "q from context",
    ),
    "wrong-value": (*STEPS, "thinned"),
    "crash": ("line",),
    "process-exit": ("signal",),
    "time-limit": ("import",),
    "split-without-transpose": ("k",),
    "wrong-output-shape": ("swapped", "alone"),
    "batch-mixing": ("mask",),
    "dropout-missing": ("scores", "projected", "ignored"),
}  # fmt: skip
# The title says it all.
PLAIN = {
    ("missing-scale", "1"),
    ("scale-after-softmax", "1/sqrt(d_k)"),
    ("unexpected-mask", "causal"),
}


def test_every_variant_that_can_be_found_has_its_phrase() -> None:
    wired = {(code, variant) for code, variants in WIRED.items() for variant in variants}
    found = {pair for pair in variants_of_faults() | wired if pair[1]} - PLAIN
    assert len(found) > 80
    for code, variant in found:
        assert {variant, "*"} & set(mistake_words(code).variants), (code, variant)


def test_no_phrase_waits_for_a_variant_that_is_never_found() -> None:
    wired = {(code, variant) for code, variants in WIRED.items() for variant in variants}
    written = {(code, variant) for code, words in all_words().items() for variant in words.variants}
    others = {pair for pair in written if pair[1] != "*"} - variants_of_faults() - wired
    assert not others


@every_language
def test_each_variant_gives_a_title_of_its_own(lang: Lang) -> None:
    for code, words in all_words().items():
        titles = [title_of(Finding(code, words.step, variant=name), lang) for name in words.variants]
        assert len(set(titles)) == len(titles), code
        assert title_of(Finding(code, words.step), lang) == words.title.say(lang)


# --- titles, whys and fixes of findings --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "en", "zh"),
    [
        (
            Finding("wrong-scale", "scale", 7, True, "1/sqrt(d_model)"),
            "The scores are scaled by the wrong factor (you divide by sqrt(d_model))",
            "分数的缩放系数不对（你除以了 sqrt(d_model)）",
        ),
        (
            Finding("missing-scale", "scale", 7, True, "1"),
            "The scores are not divided by sqrt(d)",
            "分数没有除以 sqrt(d)",
        ),
        (
            Finding("wrong-value", "merge"),
            "The numbers are wrong (from the merge on)",
            "数值不对（从合并这一步开始）",
        ),
        (Finding("wrong-value", "any"), "The numbers are wrong", "数值不对"),
        (
            Finding("wrong-output-shape", "output", shapes=((5, 2, 24),)),
            "The output has the wrong shape (you return (5, 2, 24))",
            "输出的形状不对（返回的是 (5, 2, 24)）",
        ),
        (
            Finding("mutates-input", "any", variant="q, k"),
            "The input is overwritten (q, k)",
            "输入被原地改写了（q, k）",
        ),
        (
            Finding("detached-graph", "any", variant="input:q, w_k.weight"),
            "The gradient is cut off (none reaches q, w_k.weight)",
            "梯度被切断了（传不到 q, w_k.weight）",
        ),
        (
            Finding("non-contiguous-view", "merge", 9, True, shapes=((2, 5, 4, 6),)),
            "`view` after `transpose`, with no copy between",
            "`transpose` 之后没有复制就直接 `view`",
        ),
        (
            Finding("ambiguous-class", "load", 3, True, "One (line 3), Two (line 30)"),
            "More than one definition could be the answer: One (line 3), Two (line 30)",
            "可能是答案的定义不止一个：One（第 3 行）, Two（第 30 行）",
        ),
        (
            Finding("class-not-found", "load", None, True, "Attn"),
            "There is no answer in the file: no class or function named Attn",
            "文件里没有找到答案：没有名为 Attn 的类或函数",
        ),
        (
            Finding(
                "import-error", "load", 2, True, "einops", detail="ImportError: No module named 'einops'"
            ),
            "An import fails: ImportError: No module named 'einops'",
            "导入失败：ImportError: No module named 'einops'",
        ),
        (
            Finding("syntax-error", "load", 4, True, detail="invalid non-printable character U+200B"),
            "Python cannot read the file: an invisible zero-width space (U+200B) stands here and has to go",
            "Python 无法解析这个文件：这里有一个看不见的零宽空格（U+200B），需要删掉",
        ),
        (
            Finding("time-limit", "load", None, True, "import"),
            "The code does not come back in time (while the file was loaded)",
            "代码没有在时限内返回（加载文件时）",
        ),
        (
            Finding("process-exit", "load", None, True, "3"),
            "The code ends the process: exit code 3",
            "代码自己结束了进程：退出码 3",
        ),
        (
            Finding("syntax-error", "load", 4, True, detail="invalid character '，' (U+FF0C)"),
            "Python cannot read the file: `，` (U+FF0C) has to be the ASCII `,`",
            "Python 无法解析这个文件：`，`（U+FF0C）应写成半角的 `,`",
        ),
        (
            Finding("syntax-error", "load", 4, True, detail="invalid syntax"),
            "Python cannot read the file: invalid syntax",
            "Python 无法解析这个文件：invalid syntax",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Finding) else "",
)
def test_a_title_tells_what_is_special_about_the_finding(finding: Finding, en: str, zh: str) -> None:
    assert title_of(finding, "en") == en
    assert title_of(finding, "zh") == zh


def test_the_why_of_a_crash_begins_with_what_the_exception_says() -> None:
    message = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (10x24 and 6x24)"
    finding = Finding("crash", "load", 12, True, detail=message)
    assert title_of(finding, "en").endswith(f": {message}")
    assert why_of(finding, "en").startswith(
        "The left matrix (10, 24) has 24 columns and the right one (6, 24) has 6 rows;"
    )
    assert why_of(finding, "en").endswith(f". {mistake_words('crash').why.en}")
    assert why_of(finding, "zh").startswith("左矩阵 (10, 24) 有 24 列，右矩阵 (6, 24) 有 6 行")
    assert why_of(finding, "zh").endswith(f"。{mistake_words('crash').why.zh}")
    assert topic_of(finding) == "linear"


def test_a_code_that_knows_better_keeps_its_topic_and_tells_the_story() -> None:
    finding = Finding(
        "cross-length", "split", 12, True, detail="shape '[2, 5, 4, 6]' is invalid for input of size 336"
    )
    assert topic_of(finding) == "split"
    assert "holds 336 numbers and [2, 5, 4, 6] has room for 240" in why_of(finding, "en")
    assert mistake_words("cross-length").why.en in why_of(finding, "en")


@every_code
@every_language
def test_without_detail_why_fix_and_topic_are_the_code_s(code: str, lang: Lang) -> None:
    finding, words = Finding(code, STEP_OF[code]), mistake_words(code)
    assert why_of(finding, lang) == words.why.say(lang)
    assert fix_of(finding, lang) == words.fix.say(lang)
    assert topic_of(finding) == words.topic


@given(st.sampled_from(sorted(STEP_OF)), st.text(max_size=40), st.text(max_size=400), st.sampled_from(LANGS))
def test_whatever_a_file_raises_is_one_line_and_raises_nothing_here(
    code: str, variant: str, detail: str, lang: Lang
) -> None:
    finding = Finding(code, STEP_OF[code], 1, True, variant, ((2, 3),), detail)
    assert title_of(finding, lang).startswith(mistake_words(code).title.say(lang))
    assert mistake_words(code).why.say(lang) in why_of(finding, lang)
    assert fix_of(finding, lang)
    if not variant:
        assert len(title_of(finding, lang).splitlines()) == 1


def test_a_long_exception_is_cut_in_the_title() -> None:
    title = title_of(Finding("crash", "load", 1, True, detail="ValueError: " + "x" * 5000), "en")
    assert len(title) < 300
    assert title.endswith("…")


# --- exceptions ---------------------------------------------------------------------------------------------


class NoSetUp(nn.Module):
    def __init__(self) -> None:
        self.q_proj = nn.Linear(6, 6)


class NoSetUpOfParameter(nn.Module):
    def __init__(self) -> None:
        self.weight = nn.Parameter(torch.zeros(6))


class NoForward(nn.Module):
    pass


class Misspelt(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return self.q_porj(x)


def overwritten() -> None:
    weights = torch.rand(3, 3, requires_grad=True).softmax(-1)
    weights.masked_fill_(torch.eye(3, dtype=torch.bool), 0).sum().backward()


def overwritten_leaf() -> None:
    torch.rand(2, 2, requires_grad=True).mul_(2)


def overwritten_view() -> None:
    torch.rand(2, 2, requires_grad=True)[0].mul_(2)


def unpacked(count: int) -> None:
    if count == 4:
        _a, _b, _c, _d = T(2, 5, 24).shape
    else:
        _a, _b = T(2, 5, 24).shape


def unassigned() -> object:
    if not CODES:
        late = 1
    return late  # type: ignore[possibly-undefined]


def endless() -> None:
    endless()


def code(source: str) -> Callable[[], object]:
    return partial(ast.parse, source)


def run(source: str) -> Callable[[], object]:
    return partial(exec, source, {"math": __import__("math")})


T, A = torch.rand, np.zeros

# What raises, and numbers and names that the story must have in it.
RAISED: dict[str, tuple[Callable[[], object], str]] = {
    "linear": (lambda: nn.Linear(6, 24)(T(2, 5, 24)), "24 6"),
    "matmul": (lambda: T(10, 24) @ T(6, 24), "(10, 24) (6, 24)"),
    "view with -1": (lambda: T(2, 5, 24).view(2, -1, 32), "240 [2, -1, 32] 64"),
    "view": (lambda: T(2, 5, 24).view(2, 5, 5, 5), "240 [2, 5, 5, 5] 250"),
    "reshape": (lambda: T(2, 5, 24).reshape(2, 5, 4, 5), "240 200"),
    "numpy reshape": (lambda: A((2, 5, 24)).reshape(2, 5, 7), "240 70"),
    "numpy reshape with -1": (lambda: A((2, 5, 24)).reshape(2, -1, 7), "240 14"),
    "non-contiguous": (lambda: T(2, 4, 5, 6).transpose(1, 2).view(2, 5, 24), "`.contiguous()`"),
    "two -1": (lambda: T(2, 5, 24).view(2, 5, -1, -1), "-1"),
    "heads product": (lambda: T(2, 4, 5, 6) @ T(2, 4, 5, 6), "8 6 5"),
    "bmm": (lambda: torch.bmm(T(2, 5, 6), T(3, 6, 5)), "2 3 6"),
    "bmm of four axes": (lambda: torch.bmm(T(2, 4, 5, 6), T(2, 4, 6, 5)), "`torch.bmm`"),
    "vector": (lambda: T(2, 4, 5, 6) @ T(5), "6 5"),
    "numpy product": (lambda: A((2, 5, 24)) @ A((2, 5, 24)), "24 5"),
    "numpy broadcast": (lambda: A((2, 5, 7)) + A((5, 5)), "(2,5,7) (5,5)"),
    "broadcast": (lambda: T(2, 4, 5, 7) + T(5, 5), "3 7 5"),
    "batch against heads": (lambda: T(2, 4, 5, 6) @ T(2, 3, 6, 5), "1 4 3"),
    "expand": (lambda: T(2, 5, 24).expand(2, 6, 24), "1 5 6"),
    "einsum size": (lambda: torch.einsum("bld,bsd->bls", T(2, 5, 6), T(2, 5, 7)), "d 6 7 1"),
    "einsum letters": (lambda: torch.einsum("bhld,bsd->bls", T(2, 5, 6), T(2, 5, 6)), "4 3 0"),
    "axis": (lambda: T(2, 5).transpose(1, 2), "2 -2 1"),
    "permute": (lambda: T(2, 5, 24).permute(0, 2, 1, 3), "4 3"),
    "cat": (lambda: torch.cat([T(2, 5, 3), T(2, 6, 3)], -1), "2 1 6 5"),
    "stack": (lambda: torch.stack([T(2, 5, 3), T(2, 6, 3)]), "(2, 5, 3) (2, 6, 3)"),
    "unflatten": (lambda: T(2, 5, 24).unflatten(-1, (5, 5)), "24 25 2"),
    "unpack too few": (partial(unpacked, 4), "4 3"),
    "unpack too many": (partial(unpacked, 2), "2"),
    "indices": (lambda: T(2, 5, 24)[0, 0, 0, 0], "3"),
    "layer norm": (lambda: nn.LayerNorm(6)(T(2, 5, 24)), "6 (2, 5, 24)"),
    "dtype in linear": (lambda: nn.Linear(24, 24)(T(2, 5, 24).double()), "Double Float"),
    "dtype in matmul": (lambda: T(5, 24) @ T(24, 5).double(), "float double"),
    "dtype in bmm": (lambda: torch.bmm(T(2, 5, 6), T(2, 6, 5).double()), "Float Double"),
    "mask of floats": (lambda: T(5, 5).masked_fill(torch.ones(5, 5), 0), "float"),
    "mask of integers": (lambda: T(5, 5).masked_fill(torch.ones(5, 5).long(), 0), "long"),
    "softmax of integers": (lambda: torch.ones(5, 5).long().softmax(-1), "Long"),
    "size of a float": (lambda: T(2, 5, 24).view(2, 5, 4, 24 / 4), "4 `d_model // num_heads`"),
    "linear of a float": (lambda: nn.Linear(24, 24 / 4), "0 `d_model // num_heads`"),  # type: ignore[arg-type]
    "view of floats": (lambda: T(2, 24).view(24 / 4, 8), "(float, int)"),
    "None for a tensor": (lambda: nn.Linear(24, 24)(None), "`input` None"),
    "int for a tensor": (lambda: torch.sqrt(6), "`input` int `math.sqrt`"),  # type: ignore[arg-type]
    "no mask": (lambda: T(2, 5).masked_fill(False, float("-inf")), "bool `if mask is not None:`"),  # type: ignore[call-overload]
    "a tensor's truth": (lambda: bool(T(2, 5) > 0), "`torch.where`"),
    "dropout of heads": (lambda: nn.Dropout(4), "4 0 1"),
    "numpy in the graph": (lambda: T(2, requires_grad=True).numpy(), "numpy"),
    "in place": (overwritten, "(3, 3) Softmax `masked_fill`"),
    "parameter in place": (overwritten_leaf, ""),
    "row of a parameter in place": (overwritten_view, ""),
    "detached": (lambda: T(2).sum().backward(), "`detach()`"),
    "no super": (NoSetUp, "`super().__init__()`"),
    "no super, parameter": (NoSetUpOfParameter, "`super().__init__()`"),
    "no forward": (lambda: NoForward()(T(2)), "`NoForward`"),
    "module list called": (lambda: nn.ModuleList([nn.Linear(2, 2)])(T(2, 2)), "`ModuleList`"),
    "misspelt attribute": (lambda: Misspelt()(T(2)), "`Misspelt` `q_porj`"),
    "attribute of None": (run("x = None\nx.view(2)"), "`.view` `return`"),
    "attribute of a tuple": (lambda: (T(2),).softmax(-1), "`.softmax` `tuple`"),  # type: ignore[attr-defined]
    "attribute of a layer": (lambda: nn.Linear(2, 2).view(4), "`.view` `Linear` `self`"),  # type: ignore[operator]
    "method indexed": (lambda: T(2).size[0], "`x.size(0)`"),  # type: ignore[index]
    "super with arguments": (run("class A:\n    def __init__(self): pass\nA(1)"), "2 `super().__init__()`"),
    "transpose of three": (lambda: T(2, 5, 24, 1).transpose(1, 2, 3), "3 `permute`"),  # type: ignore[call-arg]
    "not assigned": (unassigned, "`late`"),
    "misspelt name": (run("maths.sqrt(2)"), "`maths`"),
    "argument missing": (lambda: Misspelt().forward(), "`forward` 'x'"),  # type: ignore[call-arg]
    "argument too many": (lambda: Misspelt().forward(1, 2), "`forward` 2 3"),  # type: ignore[call-arg, arg-type]
    "argument unknown": (run("def attend(q): pass\nattend(key=1)"), "`attend` `key`"),
    "called tensor": (lambda: T(2)(T(2)), "`Tensor`"),  # type: ignore[operator]
    "operands": (lambda: [1] / 2, "`/` `list` `int`"),  # type: ignore[operator]
    "no module": (run("import einops_not_here"), "`einops_not_here`"),
    "no name": (run("from math import sqroot"), "`math` `sqroot`"),
    "endless": (endless, ""),
    "null byte": (code("x = '\0'"), "UTF-8"),
    "open string": (code("x = 'abc"), ""),
    "open long string": (code("x = '''abc"), ""),
    "open bracket": (code("x = (1,"), "`(`"),
    "bracket too many": (code("x = f(1))"), "`)`"),
    "no colon": (code("def f()\n    pass"), "`def`"),
    "no body": (code("if x:\npass"), "1"),
    "indented": (code("    x = 1"), ""),
    "unindented": (code("if x:\n        y\n    z"), ""),
    "tabs": (code("def f():\n\tx = 1\n        y = 2"), ""),
}
# What this machine cannot be made to raise, as the sources of torch and of the judge have it.
TOLD = {
    "RuntimeError: Expected all tensors to be on the same device, but found two": "`device=x.device`",
    "AssertionError: Torch not compiled with CUDA enabled": "`.cuda()`",
    "AssertionError": "`assert`",
    "signal 9": "",
    "signal 11": "11",
}


def message_of(raises: Callable[[], object]) -> str:
    """Return what is raised as a finding has it: the type and the first line."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  any of them
        raises()
    error = caught.value
    said = str(error.msg if isinstance(error, SyntaxError) else error).strip()
    return f"{type(error).__name__}: {said.splitlines()[0]}" if said else type(error).__name__


@pytest.mark.parametrize("name", RAISED)
def test_what_torch_numpy_and_python_raise_is_told_with_its_numbers(name: str) -> None:
    raises, wanted = RAISED[name]
    assert_is_told(message_of(raises), wanted)


@pytest.mark.parametrize("message", TOLD)
def test_what_cannot_be_raised_here_is_told_too(message: str) -> None:
    assert_is_told(message, TOLD[message])


def assert_is_told(message: str, wanted: str) -> None:
    for lang in LANGS:
        story = story_of(message, lang)
        assert story, message
        for piece in re.findall(r"[\[(][^\])]*[\])]|`[^`]+`|\S+", wanted):
            assert piece in story, (piece, story)


def test_no_story_stands_there_for_nothing() -> None:
    """Each is the first that fits some message above."""
    messages = [*(message_of(raises) for raises, _ in RAISED.values()), *TOLD]
    told = {next(story.text for story in stories() if story.pattern.search(message)) for message in messages}
    assert [story.pattern.pattern for story in stories() if story.text not in told] == []


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_the_numbers_of_a_product_stand_on_their_sides(
    rows: int, left: int, right: int, columns: int
) -> None:
    assume(left != right)
    message = message_of(lambda: T(rows, left) @ T(right, columns))
    english = f"({rows}, {left}) has {left} columns and the right one ({right}, {columns}) has {right} rows"
    assert english in story_of(message, "en")
    assert f"({rows}, {left}) 有 {left} 列，右矩阵 ({right}, {columns}) 有 {right} 行" in story_of(
        message, "zh"
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 300), st.booleans())
def test_the_sizes_of_a_view_are_multiplied(sizes: list[int], count: int, free: bool) -> None:
    product = int(np.prod(sizes))
    assume(count % product if free else count != product)
    shape = [*sizes, -1] if free else sizes
    message = message_of(lambda: torch.zeros(count).view(*shape))
    for lang in LANGS:
        story = story_of(message, lang)
        assert {str(count), str(product)} <= set(re.findall(r"\d+", story.replace(str(shape), "")))
        assert str(shape) in story


@pytest.mark.parametrize("name", RAISED)
def test_a_crash_is_mended_at_its_shapes_or_as_its_story_says(name: str) -> None:
    finding = Finding("crash", "load", 1, True, detail=message_of(RAISED[name][0]))
    for lang in LANGS:
        shapes = fix_of(finding, lang) == mistake_words("crash").fix.say(lang)
        assert shapes == bool(topic_of(finding))
        assert shapes or fix_of(finding, lang) == STORIES_FILE["mend"][lang]


def test_an_unknown_message_is_told_no_story() -> None:
    assert story_of("ValueError: the moon is full", "en") == ""
    assert why_of(Finding("crash", "load", detail="ValueError: x"), "en") == mistake_words("crash").why.en


@pytest.mark.parametrize("number", range(len(STORIES_FILE["stories"])))
def test_a_story_is_in_both_languages_with_the_same_values(number: int) -> None:
    entry = STORIES_FILE["stories"][number]
    assert set(entry) - {"topic"} == {"regex", "en", "zh"}
    assert entry.get("topic", "view") in TOPICS
    text = Text(entry["en"], entry["zh"])
    groups = set(re.compile(entry["regex"]).groupindex)
    assert (
        placeholders(text.en)
        == placeholders(text.zh)
        <= groups | ({"product"} if "shape" in groups else set())
    )
    assert re.search(r"[.?]$", text.en)
    assert re.search(r"[。？]$", text.zh)
    assert_is_in_its_language(text)
    assert_keeps_to_the_terms(text)


# --- odd characters -----------------------------------------------------------------------------------------

full_width = st.integers(0xFF01, 0xFF5E).map(chr)
alike = st.sampled_from(sorted(STORIES_FILE["characters"]))
unseen = st.sampled_from(sorted(STORIES_FILE["invisible"])).map(lambda code: chr(int(code, 16)))


def meant_by(character: str) -> str:
    found: str = STORIES_FILE["characters"].get(character) or chr(ord(character) - 0xFEE0)
    return found


def syntax_error(source: str) -> SyntaxError:
    with pytest.raises(SyntaxError) as caught:
        ast.parse(source)
    return caught.value


@given(full_width | alike, st.integers(0, 6))
def test_a_look_alike_is_named_with_its_place_and_what_to_type(character: str, names: int) -> None:
    source = "f" + "a" * names + character
    assume(not source.isidentifier())
    error = syntax_error(source)
    english = name_character(source, error.offset, error.msg, "en")
    chinese = name_character(source, error.offset, error.msg, "zh")
    tick = "" if character == "｀" else "`"
    code = f"U+{ord(character):04X}"
    assert english.startswith(f"Column {names + 2}: `{character}` ({code})")
    assert english.endswith(f" {tick}{meant_by(character)}{tick}.")
    assert (
        chinese
        == f"第 {names + 2} 列：`{character}`（{code}）应写成半角的 {tick}{meant_by(character)}{tick}。"
    )


def test_the_common_look_alikes_are_taken_for_what_they_are() -> None:
    pairs = "，, ：: （( ）) ；; ＝= “\" ”\" ‘' ’' 。. 、, 【[ 】] 《< 》> −- —- –- ×* ÷/".split()
    for character, meant in pairs:
        assert name_character("", None, f"U+{ord(character):04X}", "en").endswith(f"the ASCII `{meant}`.")


def test_what_is_listed_as_invisible_cannot_be_seen_and_only_spaces_become_spaces() -> None:
    for number, entry in STORIES_FILE["invisible"].items():
        kind = unicodedata.category(chr(int(number, 16)))
        assert kind in ("Zs", "Zl", "Zp", "Cf")
        assert entry["wanted"] == (" " if kind == "Zs" else "")


def test_the_full_width_forms_are_what_unicode_says_they_are() -> None:
    for number in range(0xFF01, 0xFF5F):
        said = name_character("", None, f"U+{number:04X}", "en")
        assert unicodedata.normalize("NFKC", chr(number)) in said.partition("ASCII")[2]


@given(unseen)
def test_an_invisible_character_is_called_by_its_name(character: str) -> None:
    message = f"invalid non-printable character U+{ord(character):04X}"
    entry = STORIES_FILE["invisible"][f"{ord(character):04X}"]
    for lang in LANGS:
        said = name_character("", None, message, lang)
        assert entry[lang] in said
        assert f"U+{ord(character):04X}" in said
        assert character not in said
        assert ("ordinary space" in said or "普通空格" in said) == (entry["wanted"] == " ")
        assert fix_of(Finding("syntax-error", "load", 1, True, detail=message), lang) != mistake_words(
            "syntax-error"
        ).fix.say(lang)


@pytest.mark.parametrize("character", "\u00a0\u200b\u3000\ufeff\u00ad")
def test_python_itself_stumbles_over_the_invisible_ones(character: str) -> None:
    source = f"x{character}= 1"
    error = syntax_error(source)
    assert name_character(source, error.offset, error.msg, "en").startswith("Column 2: an invisible ")


def test_a_byte_order_mark_in_front_is_named() -> None:
    error = syntax_error("\ufeff\ufeffx = 1")
    assert "byte order mark" in name_character("\ufeff\ufeffx = 1", error.offset, error.msg, "en")


@given(st.sampled_from("’”″＂＇"), st.sampled_from("'\""), st.text("abc ", max_size=5))
def test_a_string_that_a_curly_quote_does_not_close_is_blamed_on_the_quote(
    odd: str, quote: str, inside: str
) -> None:
    source = f"x = {quote}{inside}{odd})"
    error = syntax_error(source)
    said = name_character(source, error.offset, error.msg, "en")
    assert said.startswith(f"Column {len(inside) + 6}: `{odd}`")


@given(st.characters(min_codepoint=0xA1, exclude_categories=["Cs"]))
def test_whatever_python_calls_invalid_is_named(character: str) -> None:
    assume(not f"x{character}".isidentifier())
    source, point = f"x{character}", f"U+{ord(character):04X}"
    error = syntax_error(source)
    assert point in error.msg
    for lang in LANGS:
        assert point in name_character(source, error.offset, error.msg, lang)


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)), st.integers(0, 90) | st.none())
def test_nothing_is_blamed_on_a_line_of_plain_ascii(line: str, column: int | None) -> None:
    for message in ("invalid syntax", "unterminated string literal (detected at line 1)", "expected ':'"):
        assert name_character(line, column, message, "en") == ""


@given(st.text(), st.integers(-3, 90) | st.none(), st.text() | st.just("invalid character '，' (U+FF0C)"))
def test_no_line_and_no_message_makes_it_raise(line: str, column: int | None, message: str) -> None:
    for lang in LANGS:
        name_character(line, column, message, lang)


def test_the_sentences_about_characters_take_the_same_values_in_both_languages() -> None:
    for entry in (STORIES_FILE["mend"], *STORIES_FILE["naming"].values()):
        for text in (entry,) if "en" in entry else (entry["name"], entry["fix"]):
            assert placeholders(text["en"]) == placeholders(text["zh"])
            assert_is_in_its_language(Text(**text))
            assert_keeps_to_the_terms(Text(**text))


# --- every other word ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROOMS)
def test_every_sentence_is_in_both_languages_and_takes_the_same_values(name: str) -> None:
    assert room(name)
    for key, text in room(name).items():
        assert text.en.strip(), key
        assert text.zh.strip(), key
        assert placeholders(text.en) == placeholders(text.zh), key
        if text.en != text.zh:
            assert not CJK.search(text.en), key


def test_words_need_no_torch() -> None:
    program = """if True:
        import sys
        from mha_drill.judge.words import mistake_words, story_of
        mistake_words("crash"), story_of("x", "en")
        sys.exit(bool({"torch", "numpy", "rich"} & set(sys.modules)))
    """
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

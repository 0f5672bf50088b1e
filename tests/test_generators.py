"""Every kind of question that is made when it is asked, held against torch on hundreds of draws.

Each generator has a check here that knows nothing of how the answer was computed: it reads the values drawn, runs
torch (the question's own line, where there is one), and says which answer is right.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from mha_drill.quiz.generators import all_generators
from mha_drill.quiz.generators.base import PREFIX, Draw, Generator, _words, shape
from mha_drill.quiz.numbers import expected, is_right, read_numbers
from mha_drill.quiz.order import shuffled
from mha_drill.records import STEPS, Question, Text

DRAWS = 200
GENERATORS = {generator.name: generator for generator in all_generators()}
every_generator = pytest.mark.parametrize("generator", GENERATORS.values(), ids=GENERATORS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch from waking its threads for tensors this small: it costs more than the sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


CHECKS: dict[str, Callable[..., Any]] = {}
"""What torch says, by generator: given the values drawn, the right option, or the number or shape as text."""


def check(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def kept(function: Callable[..., Any]) -> Callable[..., Any]:
        CHECKS[name] = function
        return function

    return kept


def size(tensor: torch.Tensor) -> str:
    return shape(*tensor.shape)


def run(line: str, **names: object) -> Any:
    return eval(line, {"torch": torch, "math": math, "nn": nn, **names})


def raises(line: str, **names: object) -> bool:
    try:
        run(line, **names)
    except RuntimeError:
        return True
    return False


def meta(*sizes: int) -> torch.Tensor:
    """Return a tensor that has a shape and no numbers: large sizes cost nothing."""
    return torch.empty(*sizes, device="meta")


# --- shapes


@check("shape-split")
def _(v: dict[str, Any]) -> str:
    q = meta(v["B"], v["L"], v["D"]).view(v["B"], v["L"], v["H"], -1).transpose(1, 2)
    assert size(q @ q.transpose(-2, -1)) == shape(v["B"], v["H"], v["L"], v["L"])
    return size(q)


@check("shape-score")
def _(v: dict[str, Any]) -> str:
    q, k = meta(v["B"], v["H"], v["L"], v["d"]), meta(v["B"], v["H"], v["S"], v["d"])
    return size(q @ k.transpose(-2, -1))


@check("shape-weigh")
def _(v: dict[str, Any]) -> str:
    return size(meta(v["B"], v["H"], v["L"], v["S"]) @ meta(v["B"], v["H"], v["S"], v["d"]))


@check("shape-merge")
def _(v: dict[str, Any]) -> str:
    return size(meta(v["B"], v["H"], v["L"], v["d"]).transpose(1, 2).reshape(v["B"], v["L"], -1))


@check("shape-cross")
def _(v: dict[str, Any]) -> str:
    layer = nn.MultiheadAttention(v["D"], v["H"], batch_first=True, device="meta")
    query, key = meta(v["B"], v["L"], v["D"]), meta(v["B"], v["S"], v["D"])
    output, weights = layer(query, key, key, average_attn_weights=False)
    return f"weights {size(weights)}, output {size(output)}"


# --- views


@check("view-raises")
def _(v: dict[str, Any], question: Question) -> str:
    x = torch.zeros(eval(v["shape"]))
    (right,) = [option.en for option in question.options if raises(option.en.strip("`"), x=x)]
    return right


@check("contiguous")
def _(v: dict[str, Any], question: Question) -> str:
    x = torch.zeros(eval(v["shape"]))
    calls = {option.en: run(option.en.strip("`"), x=x) for option in question.options}
    (right,) = [call for call, made in calls.items() if not made.is_contiguous()]
    return right


@check("strides")
def _(v: dict[str, Any]) -> str:
    x = torch.zeros(eval(v["shape"]))
    assert str(x.stride()) == v["strides"]
    return str(run(v["call"], x=x))


@check("minus-one")
def _(v: dict[str, Any]) -> str:
    x = meta(*eval(v["shape"]))
    assert f"{x.numel():,}" == v["count"]
    wanted = eval(v["call"].removeprefix("x.view"))
    return str(run(v["call"], x=x).shape[wanted.index(-1)])


# --- what a line prints


@check("view-or-transpose")
def _(v: dict[str, Any]) -> str:
    x = torch.arange(v["rows"] * v["columns"]).view(v["rows"], v["columns"])
    assert x.max() == v["last"]
    return str(run(v["call"], x=x))


@check("split-prints")
def _(v: dict[str, Any]) -> str:
    x = torch.arange(v["L"] * v["D"]).view(1, v["L"], v["D"])
    wrong = x.view(1, v["H"], v["L"], v["d"])
    assert str(wrong[0, v["head"], v["position"]].tolist()) == v["flat"]
    assert x[0, v["position"], 0] == v["row"]
    assert v["start"] == run(v["call"], x=x)[0]
    return str(run(v["call"], x=x))


@check("merge-prints")
def _(v: dict[str, Any]) -> str:
    out = torch.arange(v["H"] * v["L"] * v["d"]).view(1, v["H"], v["L"], v["d"])
    assert str(out.reshape(1, v["L"], -1)[0, v["position"]].tolist()) == v["flat"]
    return str(run(v["call"], out=out))


# --- heads and scale


@check("head-width")
def _(v: dict[str, Any]) -> str:
    layer = nn.MultiheadAttention(v["D"], v["H"], device="meta")
    assert layer.head_dim == v["d"]
    return str(meta(1, 1, v["D"]).view(1, 1, v["H"], -1).shape[-1])


@check("heads-divide")
def _(v: dict[str, Any], question: Question) -> str:
    x = meta(1, 1, v["D"])
    refused = [each.en for each in question.options if raises(f"x.view(1, 1, {each.en}, -1)", x=x)]
    assert raises(f"x.view(1, 1, {v['H']}, {v['D']} // {v['H']})", x=x)
    assert divmod(v["D"], v["H"]) == (v["below"], v["rest"])
    (right,) = refused
    return right


@check("scale-root")
def _(v: dict[str, Any]) -> str:
    q = meta(1, 1, v["D"]).view(1, 1, v["H"], -1).transpose(1, 2)
    return f"{math.sqrt(q.size(-1)):g}"


@check("scale-line")
def _(v: dict[str, Any], question: Question) -> str:
    torch.manual_seed(0)
    x = torch.randn(v["B"], v["L"], v["D"])
    q = x.view(v["B"], v["L"], v["H"], v["d"]).transpose(1, 2)
    scores = q @ q.transpose(-2, -1)
    attended = nn.functional.scaled_dot_product_attention(
        q, q, torch.eye(v["L"]).expand(v["B"], v["H"], -1, -1)
    )
    names = {"x": x, "q": q, "scores": scores}
    lines = {option.en: run(option.en.strip("`"), **names).softmax(-1) for option in question.options}
    (right,) = [line for line, weights in lines.items() if torch.allclose(weights, attended, atol=1e-5)]
    return right


@check("grouped-head")
def _(v: dict[str, Any]) -> str:
    assert v["H"] == v["G"] * v["group"]
    q, k = torch.zeros(1, v["H"], 1, 1), torch.zeros(1, v["G"], 1, 1)
    numbered = torch.arange(float(v["G"])).view(1, v["G"], 1, 1)
    read = nn.functional.scaled_dot_product_attention(q, k, numbered, enable_gqa=True).flatten().tolist()
    assert read == numbered.repeat_interleave(v["group"], dim=1).flatten().tolist()
    served = [head for head, each in enumerate(read) if each == read[v["head"]]]
    assert (served[0], served[-1]) == (v["first"], v["last"])
    return f"{read[v['head']]:g}"


# --- linear maps


@check("linear-weight")
def _(v: dict[str, Any]) -> str:
    layer = nn.Linear(v["in"], v["out"], device="meta")
    layer(meta(v["B"], v["L"], v["in"]))
    return size(layer.weight)


@check("linear-numbers")
def _(v: dict[str, Any]) -> str:
    layer, x = nn.Linear(2, 2), torch.tensor(v["x"], dtype=torch.float32)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(v["W"]))
        layer.bias.copy_(torch.tensor(v["b"]))
    assert (x @ layer.weight.T).tolist() == v["product"]
    assert (x @ layer.weight + layer.bias).tolist() == v["turned"]
    return str(tuple(map(int, layer(x).tolist())))


# --- vectors


@check("score-numbers")
def _(v: dict[str, Any]) -> str:
    q, k = torch.tensor(v["q"], dtype=torch.float64), torch.tensor(v["k"], dtype=torch.float64)
    assert len(q) == len(k) == v["d"]
    return f"{(q @ k / math.sqrt(v['d'])).item():g}"


@check("softmax-row")
def _(v: dict[str, Any]) -> list[float]:
    said = v["scores"].strip("[]").split(", ")
    scores = [-math.inf if each == "-inf" else math.log(int(each.removeprefix("ln "))) for each in said]
    return torch.softmax(torch.tensor(scores, dtype=torch.float64), dim=-1).tolist()


@check("weigh-numbers")
def _(v: dict[str, Any]) -> str:
    weights = torch.tensor(eval(v["weights"]), dtype=torch.float64)
    output = weights @ torch.tensor(v["v"], dtype=torch.float64)
    assert weights.sum() == pytest.approx(1.0)
    return str(tuple(round(each) for each in output.tolist()))


@check("dropout-number")
def _(v: dict[str, Any]) -> str:
    module = nn.Dropout(float(v["p"]))
    run(v["mode"], module=module)
    torch.manual_seed(0)
    out = module(torch.full((64,), float(v["w"]), dtype=torch.float64))
    return f"{out[out != 0][0].item():g}"


# --- masks


@check("mask-row")
def _(v: dict[str, Any]) -> str:
    mask = run(v["mask"])
    scores = torch.zeros(v["T"], v["T"]).masked_fill(mask == 0, torch.finfo(torch.float32).min)
    weights = torch.softmax(scores, dim=-1)[v["row"]]
    keys = [key for key, weight in enumerate(weights.tolist()) if weight > 0]
    assert (keys[-1], keys[-1] + 1) == (v["last"], v["after"])
    return f"the keys {', '.join(map(str, keys))}"


@check("mask-count")
def _(v: dict[str, Any]) -> str:
    mask = torch.tril(torch.ones(v["T"], v["T"]))
    assert mask.numel() == v["all"]
    return str(int(mask.sum().item()))


@check("mask-broadcast")
def _(v: dict[str, Any], question: Question) -> str:
    scores = meta(v["B"], v["H"], v["L"], v["S"])
    fits = [
        option.en
        for option in question.options
        if not raises("scores.masked_fill(mask, 0.0)", scores=scores, mask=meta(*eval(option.en)).bool())
    ]
    (right,) = fits
    return right


@check("mask-padding")
def _(v: dict[str, Any], question: Question) -> str:
    scores, real = meta(v["B"], v["H"], v["L"], v["S"]), meta(v["B"], v["S"]).bool()
    filled = "scores.masked_fill(~{}, torch.finfo(scores.dtype).min)"
    names = {"scores": scores, "real": real}
    lines = [each.en for each in question.options if not raises(filled.format(each.en.strip("`")), **names)]
    (right,) = lines
    return right


# --- einsum, counts, costs


def _einsum(v: dict[str, Any]) -> str:
    one, two = meta(*eval(v["one"])), meta(*eval(v["two"]))
    return size(torch.einsum(v["equation"], one, two))


CHECKS["einsum-scores"] = CHECKS["einsum-weigh"] = _einsum


@check("parameters")
def _(v: dict[str, Any]) -> str:
    layers = [nn.Linear(v["D"], v["D"], bias=v["bias"], device="meta") for _ in range(4)]
    assert layers[0].weight.numel() == int(v["square"].replace(",", ""))
    return str(sum(parameter.numel() for layer in layers for parameter in layer.parameters()))


@check("parameters-grouped")
def _(v: dict[str, Any]) -> str:
    width, narrow = v["H"] * v["d"], v["G"] * v["d"]
    sizes = [(width, width), (width, narrow), (width, narrow), (width, width)]
    assert (width, narrow) == (v["D"], v["narrow"])
    layers = [nn.Linear(*each, bias=False, device="meta") for each in sizes]
    return str(sum(parameter.numel() for layer in layers for parameter in layer.parameters()))


@check("score-flops")
def _(v: dict[str, Any]) -> str:
    from torch.utils.flop_counter import FlopCounterMode

    q = meta(v["B"], v["H"], v["L"], v["d"])
    with FlopCounterMode(display=False) as counter:
        q @ q.transpose(-2, -1)
    return str(counter.get_total_flops())


@check("score-bytes")
def _(v: dict[str, Any]) -> str:
    dtype = getattr(torch, v["dtype"])
    q = torch.empty(v["B"], v["H"], v["length"], 8, device="meta", dtype=dtype)
    assert f"{v['length']:,}" == v["L"]
    assert q.element_size() == v["bytes"]
    twice = torch.empty(v["B"], v["H"], 2 * v["length"], 2 * v["length"], device="meta", dtype=dtype)
    assert twice.nbytes / 2**20 == int(v["double"].replace(",", ""))
    return f"{(q @ q.transpose(-2, -1)).nbytes / 2**20:g}"


@check("cache-bytes")
def _(v: dict[str, Any]) -> str:
    dtype = getattr(torch, v["dtype"])
    key = torch.empty(v["B"], v["G"], v["length"], v["d"], device="meta", dtype=dtype)
    assert f"{v['length']:,}" == v["L"]
    assert v["H"] % v["G"] == 0
    return f"{2 * v['layers'] * key.nbytes / 2**20:.10g}"


# --- positions, and the online softmax


@check("rope-turn")
def _(v: dict[str, Any]) -> str:
    pair = torch.view_as_complex(torch.tensor([eval(v["pair"])], dtype=torch.float64))
    angle = torch.tensor([math.radians(v["degrees"] * v["m"])], dtype=torch.float64)
    turned = torch.view_as_real(pair * torch.polar(torch.ones_like(angle), angle))[0]
    assert math.degrees(angle.item()) == pytest.approx(v["angle"])
    assert v["end"].en in (f"{v['angle']}°", f"{v['angle']}°, the same as {v['angle'] % 360}°")
    return shape(*(round(each, 9) + 0 for each in turned.tolist()))


@check("rope-distance")
def _(v: dict[str, Any]) -> str:
    torch.manual_seed(0)
    q, k = torch.randn(2, 8, dtype=torch.complex128)
    frequency = 10000.0 ** (-torch.arange(8, dtype=torch.float64) / 8)

    def score(one: int, other: int) -> torch.Tensor:
        turns = [torch.polar(torch.ones(8, dtype=torch.float64), frequency * place) for place in (one, other)]
        return (q * turns[0] * (k * turns[1]).conj()).real.sum()

    wanted = score(v["m"], v["n"])
    assert min(v["m"], v["n"], v["other"]) >= 0
    (found,) = [n for n in range(120) if torch.isclose(score(v["other"], n), wanted, rtol=1e-9)]
    return str(found)


@check("online-sum")
def _(v: dict[str, Any]) -> str:
    top, *block = torch.tensor(v["powers"], dtype=torch.float64).log()
    scores = torch.stack([top + math.log(v["total"]), *block])
    return f"{(scores.logsumexp(-1) - max(top, *block)).exp().item():.9g}"


@check("online-average")
def _(v: dict[str, Any]) -> str:
    totals = torch.tensor([v["total"], v["other_total"]], dtype=torch.float64)
    shares = (torch.tensor(v["tops"], dtype=torch.float64).log() + totals.log()).softmax(-1)
    averages = torch.tensor([v["average"], v["other_average"]], dtype=torch.float64)
    return f"{(shares @ averages).item():.9g}"


# --- lines of code


def whole(v: dict[str, Any], lines: list[str], first: int) -> torch.Tensor | None:
    """Run causal attention with `lines` in the place of those from `first` on; None where it raises."""
    from mha_drill.quiz.generators.lines import _lines

    torch.manual_seed(1)
    sizes = {name: v[name] for name in "BLDHd"}
    code = _lines(sizes)
    code[first - 1 : first - 1 + len(lines)] = lines
    layers = {f"{name}_proj": nn.Linear(v["D"], v["D"], dtype=torch.float64) for name in "qkvo"}
    x = torch.randn(v["B"], v["L"], v["D"], dtype=torch.float64)
    names: dict[str, Any] = {"torch": torch, "math": math, "x": x, **layers}
    try:
        with torch.no_grad():
            exec("\n".join(code), names)
    except RuntimeError:
        return None
    return names["y"]  # type: ignore[no-any-return]


def right_by_the_builtin(v: dict[str, Any]) -> torch.Tensor:
    torch.manual_seed(1)
    layers = [nn.Linear(v["D"], v["D"], dtype=torch.float64) for _ in range(4)]
    x = torch.randn(v["B"], v["L"], v["D"], dtype=torch.float64)
    with torch.no_grad():
        parts = [layer(x).view(v["B"], v["L"], v["H"], -1).transpose(1, 2) for layer in layers[:3]]
        out = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        return layers[3](out.transpose(1, 2).reshape(v["B"], v["L"], v["D"]))  # type: ignore[no-any-return]


@check("spot-line")
def _(v: dict[str, Any], question: Question) -> str:
    lines = question.code.splitlines()
    expected_output = right_by_the_builtin(v)
    wrong = whole(v, lines, v["first"])
    assert wrong is None or wrong.shape != expected_output.shape or not torch.allclose(wrong, expected_output)
    mended = [*lines]
    mended[int(question.answer) - 1] = question.fix
    right = whole(v, mended, v["first"])
    assert right is not None
    assert torch.allclose(right, expected_output)
    return question.answer


@check("order-lines")
def _(v: dict[str, Any], question: Question) -> str:
    lines = [option.en for option in question.options]
    q, k, values = (torch.randn(v["B"], v["H"], v["L"], v["d"]) for _ in range(3))
    layer = nn.Linear(v["D"], v["D"])
    working = 0
    for order in itertools.permutations(lines):
        names: dict[str, Any] = {v["q"]: q, v["k"]: k, v["v"]: values, "o_proj": layer}
        names |= {"torch": torch, "math": math, "mask": torch.ones(v["L"], v["L"])}
        if _ready(order, set(names)):
            exec("\n".join(order), names)
            working += 1
            assert list(order) == lines
    assert working == 1
    return ""


def _ready(order: tuple[str, ...], known: set[str]) -> bool:
    """Tell whether every line uses only names that the lines before it made."""
    for line in order:
        target, _, rest = line.partition(" = ")
        used = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", rest)) - {"dim"}
        if not used <= known:
            return False
        known = known | {target}
    return True


# --- all of them


def drawn(generator: Generator, number: int) -> tuple[Draw, Question]:
    random = Random(number)
    draw = generator.draw(random)
    return draw, generator.made(draw, random)


def test_every_generator_is_checked_and_there_are_enough() -> None:
    assert set(CHECKS) == set(GENERATORS)
    assert len(GENERATORS) >= 15
    assert {step for generator in GENERATORS.values() for step in generator.steps} == set(STEPS)
    assert {generator.kind for generator in GENERATORS.values()} == {"choice", "number", "order", "spot"}


@every_generator
def test_what_is_asked_is_right_by_torch(generator: Generator) -> None:
    wants_question = CHECKS[generator.name].__code__.co_argcount == 2
    for number in range(DRAWS if generator.kind != "order" else DRAWS // 20):
        draw, question = drawn(generator, number)
        given = (dict(draw.values), question) if wants_question else (dict(draw.values),)
        said = CHECKS[generator.name](*given)
        if generator.kind == "choice":
            answer = question.options["ABCD".index(question.answer)].en
            if isinstance(said, list):
                assert eval(answer) == pytest.approx(said, abs=6e-4), question
                continue
            assert said == answer, question
            assert {option.en for option in question.options if said == option.en} == {answer}
        elif generator.kind == "number":
            typed = read_numbers(question, said)
            assert typed is not None
            assert is_right(question, typed), (question, said)
        else:
            assert said == question.answer


def valued(option: str) -> object:
    """Return the number, shape or list that an option writes down; two that are equal are one answer."""
    try:
        return ast.literal_eval(option.strip("`"))
    except (SyntaxError, ValueError):
        return " ".join(option.split()).casefold()


@every_generator
def test_a_draw_makes_a_whole_question_in_both_languages(generator: Generator) -> None:
    prompts = set()
    for number in range(DRAWS):
        _, question = drawn(generator, number)
        texts = [question.title, question.prompt, question.why, *question.options, *question.hints]
        for text in texts:
            for said in (text.en, text.zh):
                assert said.strip()
                assert not re.search(r"[{}]", said), said
                assert max(map(len, said.split())) < 120
        assert question.id == PREFIX + generator.name
        assert set(question.steps) <= set(generator.steps)
        assert question.hints
        if generator.kind == "choice":
            assert len({option.en for option in question.options}) == 4
            assert len({option.zh for option in question.options}) == 4
            assert len({str(valued(option.en)) for option in question.options}) == 4
        if generator.kind == "number":
            assert is_right(question, expected(question))
            assert read_numbers(question, question.answer) == expected(question)
        if generator.kind == "spot":
            lines = question.code.splitlines()
            assert lines[int(question.answer) - 1] != question.fix
        prompts.add((question.prompt, question.options, question.code))
    assert len(prompts) >= 25  # fresh each time


@every_generator
def test_the_letters_are_fair(generator: Generator) -> None:
    if generator.kind not in ("choice", "spot"):
        return
    answers = [drawn(generator, number)[1].answer for number in range(DRAWS)]
    assert len(set(answers)) >= 4
    assert max(answers.count(answer) for answer in set(answers)) < DRAWS * 0.45


@every_generator
def test_one_seed_is_one_question(generator: Generator) -> None:
    assert generator.question(Random("7")) == generator.question(Random("7"))
    assert (
        len({generator.question(Random(str(seed))).prompt for seed in range(9)}) > 1
        or generator.kind == "order"
    )


def test_lines_are_shown_out_of_order_and_the_answer_follows() -> None:
    generator = GENERATORS["order-lines"]
    for number in range(DRAWS):
        question = drawn(generator, number)[1]
        shown = shuffled(question, Random(number), options=False)
        assert shown.options != question.options
        places = ["ABCDEFGH".index(letter) for letter in shown.answer]
        assert [shown.options[place] for place in places] == list(question.options)


# --- the words

WORDS = {
    (family, name, key): text
    for family in sorted({generator.family for generator in GENERATORS.values()})
    for name, table in _words(family).items()
    for key, text in table.items()
}


def test_no_word_waits_for_a_generator_that_is_not_there() -> None:
    names = {(family, name) for family, name, _ in WORDS if name != "phrases"}
    assert names == {(generator.family, generator.name) for generator in GENERATORS.values()}
    for family, name in names:
        assert (
            {"title", "prompt", "hint", "why"}
            <= set(_words(family)[name])
            <= {
                *("title", "prompt", "hint", "why", "unit"),
            }
        )


@pytest.mark.parametrize("place", WORDS, ids="-".join)
def test_a_text_says_the_same_values_in_both_languages(place: tuple[str, str, str]) -> None:
    from test_words import assert_is_in_its_language, assert_keeps_to_the_terms, prose

    text = WORDS[place]
    assert set(re.findall(r"{(\w+)}", text.en)) == set(re.findall(r"{(\w+)}", text.zh))
    assert sorted(set(re.findall(r"`([^`]+)`", text.en))) == sorted(set(re.findall(r"`([^`]+)`", text.zh)))
    if re.search(r"[a-z]{3}", prose(text.en)) and place[2] != "unit":
        assert_is_in_its_language(Text(prose(text.en), prose(text.zh)))
        assert_keeps_to_the_terms(text)

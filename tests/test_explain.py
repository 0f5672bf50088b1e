"""The explain room: every claim of its topics executed, its pictures held against torch, the real command."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from mha_drill.errors import UsageError
from mha_drill.explain import library, pictures
from mha_drill.explain.cells import kept_cells
from mha_drill.explain.figures import (
    Address,
    Block,
    Comparison,
    Equations,
    Film,
    Grids,
    Kept,
    Mergings,
    Strip,
    Walk,
)
from mha_drill.explain.library import ANY, Code, Drawing, topic_named, topics
from mha_drill.explain.sizes import LARGEST, Sizes, read_sizes
from mha_drill.records import LANGS, STEPS, Lang
from mha_drill.ui.console import make_console
from mha_drill.ui.explain import print_topic, print_topics
from mha_drill.ui.export import ASPECT, CHARACTER
from mha_drill.ui.pictures import print_picture
from mha_drill.words import word

TOPICS = [topic.name for topic in topics()]
DEFAULT = Sizes()
TYPICAL = (DEFAULT, Sizes(2, 5, 24, 4), Sizes(3, 4, 10, 5), Sizes(2, 7, 64, 8))

some_sizes = st.builds(
    lambda batch, length, heads, head_width: Sizes(batch, length, heads * head_width, heads),
    st.integers(1, 3),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(1, 12),
) | st.sampled_from(
    (Sizes(2, 300, 128, 8), Sizes(3, 40, 384, 2), Sizes(1, 1000, 50, 5), Sizes(1, 12, 2500, 4))
)


def run(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "mha_drill", "explain", *arguments], check=False,
        capture_output=True, text=True, encoding="utf-8", timeout=60, env={**os.environ, **(environ or {})},
    )  # fmt: skip


def shown(name: str, sizes: Sizes, lang: Lang, width: int) -> str:
    file = io.StringIO()
    print_topic(make_console(file, width=width, environ={}), topic_named(name), sizes, lang)
    return file.getvalue()


# The topics as data.


def test_every_topic_is_three_files_and_nothing_else_lies_there() -> None:
    folder = Path(library.__file__).parent / "topics"
    wanted = {f"{name}{end}" for name in TOPICS for end in (".toml", ".en.md", ".zh.md")}
    assert {path.name for path in folder.iterdir()} == wanted


def test_topics_are_listed_in_the_order_of_the_steps() -> None:
    order = [(ANY, *STEPS).index(topic.step) for topic in topics()]
    assert order == sorted(order)
    assert {"view", "reshape", "transpose", "contiguous", "strides", "split", "merge", "shapes"} <= set(
        TOPICS
    )


@pytest.mark.parametrize("name", TOPICS)
def test_both_languages_show_the_same_code_and_pictures(name: str) -> None:
    english, chinese = (library.text(name, lang) for lang in LANGS)
    assert [part for part in english if isinstance(part, Code)] == [
        part for part in chinese if isinstance(part, Code)
    ]
    drawings = [[part.name for part in text if isinstance(part, Drawing)] for text in (english, chinese)]
    assert drawings[0] == drawings[1] != []
    assert set(drawings[0]) <= set(pictures.PICTURES)
    assert [type(part) for part in english] == [type(part) for part in chinese]
    assert set(topic_named(name).related) <= set(TOPICS) - {name}


@pytest.mark.parametrize("name", TOPICS)
def test_chinese_is_chinese_and_english_is_not(name: str) -> None:
    folder = Path(library.__file__).parent / "topics"
    english, chinese = ((folder / f"{name}.{lang}.md").read_text(encoding="utf-8") for lang in LANGS)
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", english)
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese)) > 100
    half_width = re.findall(r"[\u4e00-\u9fff][,;:!?]|[\u4e00-\u9fff]\.(?!\w)", chinese)
    assert not half_width, half_width


# Every line of code, executed.


def check_line(line: str, names: dict[str, object]) -> None:
    statement, _, result = (part.strip() for part in line.partition("  # "))
    target, assigned, expression = re.fullmatch(r"(?:([\w, ]+?)( = ))?(.+)", statement).groups()  # type: ignore[union-attr]
    if result == "RuntimeError":
        with pytest.raises(RuntimeError):
            eval(expression, names)
        return
    if assigned:
        exec(statement, names)
        value = names[target] if "," not in target else None
    else:
        value = eval(expression, names)
    if not result:
        assert assigned, line
    elif isinstance(value, torch.Tensor):
        assert tuple(value.shape) == eval(result, names), line
    else:
        assert value == eval(result, names), line


@pytest.mark.parametrize("sizes", TYPICAL, ids=str)
@pytest.mark.parametrize("name", TOPICS)
def test_every_line_of_code_does_what_stands_beside_it(name: str, sizes: Sizes) -> None:
    x = torch.arange(sizes.batch * sizes.length * sizes.width).view(sizes.batch, sizes.length, sizes.width)
    names: dict[str, object] = {**sizes.letters, "S": sizes.length + 2, "x": x, "torch": torch, "math": math}
    if name == "shapes":
        names["S"] = sizes.length
    for part in library.text(name, "en"):
        if isinstance(part, Code):
            for line in part.lines:
                check_line(line, names)


def test_the_check_of_code_lines_can_fail() -> None:
    names: dict[str, object] = {"x": torch.zeros(2, 3), "torch": torch}
    for wrong in ("x.view(6)  # (7,)", "x.view(6)  # RuntimeError", "x.is_contiguous()  # False"):
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            check_line(wrong, names)


# The pictures against torch.


def execute(code: str, names: dict[str, object]) -> torch.Tensor:
    exec(code, names)
    return names[code.partition(" = ")[0]]  # type: ignore[return-value]


def start(sizes: Sizes) -> dict[str, object]:
    x = torch.arange(sizes.batch * sizes.length * sizes.width).view(sizes.batch, sizes.length, sizes.width)
    return {"torch": torch, "x": x, "math": math}


def check_strip(strip: Strip, numbers: list[int], kept: Kept, sizes: Sizes) -> None:
    """Every drawn number stands where the drawing says, and what is left out is marked just there."""
    place = 0
    left_out = False
    for block in strip.blocks:
        left_out = left_out or block.gap
        for number in block.numbers:
            if number is None:
                left_out = True
                continue
            found = numbers.index(number)
            assert found == place if not left_out else found > place, (block, number)
            place, left_out = found + 1, False
            assert number // sizes.width == block.token
            assert number % sizes.width // sizes.head_width == block.head
    assert (strip.more or left_out) == (place != len(numbers))
    assert len(strip.blocks) == len(kept.tokens) * len(kept.heads)


@settings(max_examples=120, deadline=None)
@given(some_sizes, st.sampled_from(["split", "merge", "copy", "move", "reshape"]))
def test_films_are_what_torch_does(sizes: Sizes, name: str) -> None:
    film = pictures.PICTURES[name](sizes)
    assert isinstance(film, Film)
    names = start(sizes)
    addresses: dict[int, str] = {}
    for stage in film.stages:
        if stage.fate == "raises":
            assert stage.clash is not None
            with pytest.raises(RuntimeError, match="spans across two contiguous subspaces"):
                exec(stage.code, names)
            continue
        source = re.search(r"= (\w+)\.", stage.code)
        before = names.get(source[1]) if source else None
        tensor = execute(stage.code, names)
        assert tuple(tensor.shape) == stage.shape == tuple(sizes.letters[axis] for axis in stage.axes)
        assert tuple(tensor.stride()) == stage.strides
        if stage.fate == "same":
            assert isinstance(before, torch.Tensor)
            assert tensor.data_ptr() == before.data_ptr()
        elif stage.fate == "itself":
            assert tensor is before
        elif stage.fate == "copied":
            assert isinstance(before, torch.Tensor)
            assert tensor.data_ptr() != before.data_ptr()
        addresses[tensor.data_ptr()] = stage.code
        memory = torch.as_strided(tensor, (tensor.numel(),), (1,), 0).tolist()
        check_strip(stage.memory, memory, film.kept, sizes)
        read = tensor.flatten().tolist()
        check_strip(stage.reading or stage.memory, read, film.kept, sizes)


@settings(max_examples=120, deadline=None)
@given(some_sizes, st.sampled_from(["mixed", "unmixed"]))
def test_right_and_wrong_are_drawn_as_torch_reads_them(sizes: Sizes, name: str) -> None:
    picture = pictures.PICTURES[name](sizes)
    assert isinstance(picture, Comparison)
    names = start(sizes)
    split = f"x.view({sizes.batch}, -1, {sizes.heads}, {sizes.head_width}).transpose(1, 2)"
    exec(f"heads = {split}.contiguous()", names)
    values = []
    for side in (picture.right, picture.wrong):
        tensor = eval(side.code, names)
        assert tuple(tensor.shape) == picture.shape
        values.append(tensor)
        for head, rows in side.groups:
            for row in rows:
                held = tensor[0, row.position] if head is None else tensor[0, head, row.position]
                wanted = values[0][0, row.position] if head is None else values[0][0, head, row.position]
                drawn = [number for block in row.blocks for number in block.numbers]
                positions = [held.tolist().index(number) for number in drawn if number is not None]
                assert positions == sorted(positions)
                if None not in drawn and not any(block.gap for block in row.blocks):
                    assert drawn == held.tolist()[: len(drawn)]
                if row.right != torch.equal(held, wanted):
                    assert len(row.blocks) < sizes.heads, "a row drawn in part may be right in that part"
                    assert row.right
    assert picture.same == torch.equal(*values) or sizes.length * sizes.heads == 1
    if not picture.same:
        first = values[1][0, 0].flatten() // sizes.width
        assert len(set(first.tolist())) == picture.reach
        assert all(row.right for _, rows in picture.right.groups for row in rows)


@settings(max_examples=100, deadline=None)
@given(some_sizes)
def test_axes_merge_where_torch_merges_them(sizes: Sizes) -> None:
    picture = pictures.PICTURES["mergings"](sizes)
    assert isinstance(picture, Mergings)
    for row in picture.tensors:
        names = start(sizes)
        exec(row.code, names)
        tensor = names[row.code.split(" = ")[0].split(",")[0]]
        assert isinstance(tensor, torch.Tensor)
        assert (tuple(tensor.shape), tuple(tensor.stride())) == (row.shape, row.strides)
        assert tensor.is_contiguous() == row.contiguous
        for axis, pair in enumerate(row.pairs):
            merged = (*tensor.shape[:axis], -1, *tensor.shape[axis + 2 :])
            assert pair.free == (1 in tensor.shape[axis : axis + 2])
            if pair.merges:
                tensor.view(merged)
            else:
                assert pair.have != pair.size * pair.stride
                with pytest.raises(RuntimeError, match="spans across"):
                    tensor.view(merged)
            if not pair.free:
                assert pair.merges == (pair.have == pair.size * pair.stride)


@settings(max_examples=50, deadline=None)
@given(some_sizes)
def test_the_address_drawn_is_where_the_element_lies(sizes: Sizes) -> None:
    picture = pictures.PICTURES["address"](sizes)
    assert isinstance(picture, Address)
    names = start(sizes)
    exec(picture.code, names)
    assert eval(picture.element, names).item() == picture.place
    assert sum(term.index * term.stride for term in picture.terms) == picture.place


@pytest.mark.parametrize("sizes", TYPICAL, ids=str)
def test_the_walk_of_shapes_runs(sizes: Sizes) -> None:
    walk = pictures.PICTURES["walk"](sizes)
    assert isinstance(walk, Walk)
    assert tuple(row.step for row in walk.rows) == STEPS
    linear = torch.nn.Linear(sizes.width, sizes.width)
    mask = torch.ones(sizes.length, sizes.length).tril()
    names: dict[str, object] = {
        **sizes.letters, "x": torch.rand(sizes.batch, sizes.length, sizes.width), "math": math,
        "q_proj": linear, "k_proj": linear, "v_proj": linear, "o_proj": linear, "mask": mask,
        "dropout": torch.nn.Dropout(0.1),
    }  # fmt: skip
    for row in walk.rows:
        exec(row.code, names)
        if row.step == "split":
            exec("k, v = (t.view(B, S, H, d).transpose(1, 2) for t in (k, v))", names)
        value = names[row.code.partition(" = ")[0].split(",")[0]]
        assert isinstance(value, torch.Tensor)
        assert tuple(value.shape) == row.shape == eval(f"({row.letters})", names)


EXAMPLES = [name for name, draw in pictures.PICTURES.items() if isinstance(draw(DEFAULT), Equations)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_matrices_are_what_their_code_computes(name: str) -> None:
    """Every equation is run on the matrices drawn before it; a number drawn may be off by its rounding alone."""
    picture = pictures.PICTURES[name](DEFAULT)
    assert isinstance(picture, Equations)
    names: dict[str, object] = {"torch": torch, "math": math}
    if name == "saturated":
        names["d"] = torch.tensor([[float(label[2:])] for label in picture.lines[0].terms[0].down])
    if name in ("projected", "mixed-heads"):
        names["W"] = torch.tensor(next(m.rows for m in picture.lines[0].terms if m.name == "W.T")).mT.double()
    for line in picture.lines:
        made = line.code.partition(" = ")[0]
        for matrix in line.terms:
            if matrix.name.isidentifier() and matrix.name not in names and matrix.name != made:
                names[matrix.name] = torch.tensor(matrix.rows, dtype=torch.float64)
        if line.code:
            exec(line.code, names)
        for matrix in line.terms:
            value = eval(matrix.name, names)
            drawn = torch.tensor(matrix.rows, dtype=torch.float64)
            torch.testing.assert_close(drawn, value.view(drawn.shape).double())
            for number in drawn.flatten().tolist():
                assert math.isinf(number) or matrix.places or number == int(number)
            assert len(matrix.down) in (0, len(matrix.rows))
            assert all(len(matrix.across) in (0, len(row)) for row in matrix.rows)
            assert not matrix.shaded or all(0 <= number <= 1 for number in drawn.flatten().tolist())


@settings(max_examples=80, deadline=None)
@given(some_sizes, st.sampled_from(["causal", "heads", "reach"]))
def test_grids_are_what_their_code_computes(sizes: Sizes, name: str) -> None:
    picture = pictures.PICTURES[name](sizes)
    assert isinstance(picture, Grids)
    names: dict[str, object] = {"torch": torch, "math": math}
    for code in picture.setting:
        exec(code, names)
    positions = list(picture.positions)
    assert positions == sorted(set(positions))
    length = 5 if name == "reach" else sizes.length
    assert positions[-1] == length - 1
    assert picture.length == length
    for grid in picture.grids:
        value = execute(grid.code, names).double()
        assert tuple(value.shape) == (length, length)
        drawn = torch.tensor(grid.rows, dtype=torch.float64)
        torch.testing.assert_close(drawn, value[positions][:, positions], atol=1e-6, rtol=1e-6)
    assert picture.heads in (0, sizes.heads)
    assert len(picture.grids) == (min(sizes.heads, 4) if name == "heads" else 3)


def test_a_grid_of_any_length_is_drawn_at_once() -> None:
    for name in ("causal", "heads"):
        picture = pictures.PICTURES[name](Sizes(1, LARGEST, 64, 8))
        assert isinstance(picture, Grids)
        assert len(picture.positions) <= 8
    page = shown("mask", DEFAULT, "en", 80).splitlines()
    assert "   q0 │██····│ →  q0 │ 0.0 -inf -inf│ →  q0 │██····│" in page
    assert "   q2 │██████│    q2 │ 2.0  1.0  0.0│    q2 │██▒▒░░│" in page


@torch.no_grad()
def test_the_blocks_drawn_are_those_of_torch() -> None:
    future = torch.ones(3, 3).triu(diagonal=1) == 1
    for name, layer in (
        ("encoder", torch.nn.TransformerEncoderLayer(8, 2, 32, batch_first=True)),
        ("decoder", torch.nn.TransformerDecoderLayer(8, 2, 32, batch_first=True)),
    ):
        layer.eval()
        for parameter in layer.parameters():
            parameter.normal_()
        x, memory = torch.rand(1, 3, 8), torch.rand(1, 3, 8)
        names: dict[str, object] = {
            **{key: module for key, module in layer.named_children() if key.startswith("norm")},
            "up": layer.linear1, "down": layer.linear2, "x": x, "memory": memory,
            "attention": lambda q, k, v, layer=layer: layer.self_attn(q, k, v)[0],
            "masked_attention": lambda q, k, v, layer=layer: layer.self_attn(q, k, v, attn_mask=future)[0],
            "cross_attention": lambda q, k, v, layer=layer: layer.multihead_attn(q, k, v)[0],
        }  # fmt: skip
        block = pictures.PICTURES[name](DEFAULT)
        assert isinstance(block, Walk)
        for row in block.rows:
            exec(row.code, names)
            assert tuple(names[row.code[0]].shape) == row.shape  # type: ignore[attr-defined]
        wanted = layer(x) if name == "encoder" else layer(x, memory, tgt_mask=future)
        torch.testing.assert_close(names["x"], wanted)


@settings(max_examples=120, deadline=None)
@given(st.builds(Sizes, st.integers(1, 3), st.integers(1, LARGEST), st.just(1), st.just(1)), st.data())
def test_what_is_drawn_fits_and_shows_a_pattern(sizes: Sizes, data: st.DataObject) -> None:
    heads, head_width = data.draw(st.integers(1, 1000)), data.draw(st.integers(1, 1000))
    sizes = Sizes(sizes.batch, sizes.length, heads * head_width, heads)
    film = pictures.PICTURES["split"](sizes)
    assert isinstance(film, Film)
    assert len(film.kept.tokens) >= min(2, sizes.length)
    assert len(film.kept.heads) >= min(2, heads)
    for line in shown("split", sizes, "en", 80).splitlines():
        assert cell_len(line) <= 80, line


def test_the_default_is_drawn_whole() -> None:
    film = pictures.PICTURES["split"](DEFAULT)
    assert isinstance(film, Film)
    assert [block.numbers for block in film.stages[0].memory.blocks][1] == (4, 5, 6, 7)
    assert film.stages[2].memory == film.stages[0].memory == film.stages[1].memory
    assert film.stages[2].reading == film.stages[3].memory
    assert film.stages[3].memory.blocks[1] == Block(1, 0, (8, 9, 10, 11))
    assert "…" not in shown("split", DEFAULT, "en", 80)


# What the texts claim beside their code.


def test_what_the_texts_say_about_attention_is_so() -> None:
    batch, length, source, heads, width = 2, 5, 7, 4, 24
    query, key, value = (
        torch.rand(batch, size, width).view(batch, size, heads, -1).transpose(1, 2)
        for size in (length, source, source)
    )
    assert not query.is_contiguous()
    weights = (query @ key.transpose(-2, -1)).softmax(dim=-1)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(batch, heads, length))
    merged = weights @ value
    assert merged.is_contiguous()
    assert merged.shape == (batch, heads, length, width // heads)
    with pytest.raises(
        RuntimeError, match=r"view size is not compatible with input tensor's size and stride"
    ):
        merged.transpose(1, 2).view(batch, length, width)
    assert torch.rand(2, 3).numpy().strides == tuple(4 * stride for stride in torch.rand(2, 3).stride())
    split = torch.rand(2, 4, 5, 6)
    assert torch.equal(split.mT, split.transpose(-2, -1))


def test_what_the_article_claims_about_view() -> None:
    """Its true sentences hold, and its untrue one is untrue."""
    small = torch.rand(4, 128)
    assert small.view(8, 64).shape == (8, 64)
    with pytest.raises(RuntimeError, match="invalid for input of size 512"):
        small.view(5, 64)
    x = torch.rand(4, 512, 128)
    split = x.view(4, 512, 8, 16).transpose(1, 2)
    assert split.shape == (4, 8, 512, 16)
    assert torch.equal(split.transpose(1, 2).contiguous().view(4, 512, 128), x)
    third = torch.rand(4, 512, 384).chunk(3, dim=-1)[0]
    assert not third.is_contiguous()
    assert third.view(4, 512, 8, 16).shape == (4, 512, 8, 16)
    projection = torch.nn.Linear(4, 4)
    with torch.no_grad():
        projection.weight.copy_(torch.eye(4))
        projection.bias.fill_(1.0)
    given_rows = torch.arange(1.0, 9.0).view(1, 2, 4)
    assert projection(given_rows).tolist() == [[[2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0]]]
    q = torch.tensor([[1, 0], [0, 1], [1, 1]])
    k = torch.tensor([[1, 0], [1, 1], [0, 1]])
    assert (q @ k.transpose(-2, -1)).tolist() == [[1, 1, 0], [0, 1, 1], [1, 2, 1]]
    assert np.array_equal(np.tril(np.ones((4, 4))), torch.ones(4, 4).tril().numpy())


def test_every_mistake_points_to_a_topic_that_is_there() -> None:
    source = Path(library.__file__).parent.parent / "attention" / "mistakes.toml"
    pointed = set(re.findall(r'^topic = "([^"]*)"', source.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(pointed) > 10
    assert pointed - {""} <= set(TOPICS)


def test_what_the_texts_say_about_the_steps_is_so() -> None:
    assert round(math.exp(8)) == 2981
    assert torch.tensor(89.0).exp().isinf()
    assert not torch.tensor(88.0).exp().isinf()
    assert torch.finfo(torch.half).min == -65504
    x = torch.randn(1, 2, 3, 4)
    builtin = torch.nn.functional.scaled_dot_product_attention
    allowed = torch.ones(3, 3).tril() == 1
    weights = (x @ x.mT / 2).masked_fill(~allowed, -math.inf).softmax(dim=-1)
    torch.testing.assert_close(builtin(x, x, x, attn_mask=allowed), weights @ x)
    assert not torch.allclose(builtin(x, x, x, dropout_p=0.9), builtin(x, x, x)), "it drops without a module"
    layer = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    given_weights = layer(x[0], x[0], x[0], attn_mask=~allowed)[1]
    assert torch.equal(given_weights == 0, (~allowed).expand(2, 3, 3))
    weighed = pictures.PICTURES["weighed"](DEFAULT)
    assert isinstance(weighed, Equations)
    assert [round(weight, 2) for weight in weighed.lines[0].terms[0].rows[0]] == [0.4, 0.4, 0.2]
    dropped = pictures.PICTURES["dropped"](DEFAULT)
    assert isinstance(dropped, Equations)
    assert math.isclose(sum(dropped.lines[0].terms[-1].rows[0]), 0.8)
    saturated = pictures.PICTURES["saturated"](DEFAULT)
    assert isinstance(saturated, Equations)
    growth = pictures.PICTURES["growth"](DEFAULT)
    assert isinstance(growth, Equations)
    assert [row[0] == row[1] for row in growth.lines[0].terms[1].rows] == [False, True, False, False, False]
    raw, scaled = (line.terms[-1].rows for line in saturated.lines)
    assert round(scaled[2][0] * (1 - scaled[2][0]), 2) == 0.23
    assert round(raw[2][0] * (1 - raw[2][0]), 4) == 0.0003


# On the screen.


@pytest.mark.parametrize("lang", LANGS)
def test_matrices_stand_beside_each_other_or_below(lang: Lang) -> None:
    wide, narrow = (shown("score", DEFAULT, lang, width).splitlines() for width in (80, 40))
    assert "   how │1 0│     │  1   1   0│           how │  1   1   0│" in wide
    assert "   are │0 1│  @  │  0   1   1│        =  are │  0   1   1│" in wide
    assert "     =  are │  0   1   1│" in narrow


def test_weights_are_told_without_colour_by_number_and_shade() -> None:
    page = shown("mask", DEFAULT, "en", 80).splitlines()
    assert "   q0 │ 0.1 -inf -inf -inf│     q0 │█1.00 ·0.00 ·0.00 ·0.00│" in page
    assert "   q3 │ 1.3  1.4  1.5  1.6│     q3 │░0.21 ░0.24 ▒0.26 ▒0.29│" in page


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", TOPICS)
def test_no_line_is_wider_than_the_terminal(name: str, lang: Lang, width: int) -> None:
    for sizes in (DEFAULT, Sizes(2, 5, 64, 8), Sizes(4, 2048, 4096, 32), Sizes(1, 1, 1, 1)):
        page = shown(name, sizes, lang, width)
        assert max(map(cell_len, page.splitlines())) <= width, name
        assert page.startswith(topic_named(name).title.say(lang)[:20])
        assert not re.search(r"[{}]", page.replace("{d}", "")), "a value was not filled in"


@pytest.mark.parametrize("lang", LANGS)
def test_sides_line_up_whatever_the_script(lang: Lang) -> None:
    page = shown("split", DEFAULT, lang, 80)
    rows = [line for line in page.splitlines() if line.count("│") == 4]
    assert len(rows) == 6
    places = {tuple(cell_len(line[: found.start()]) for found in re.finditer("│", line)) for line in rows}
    assert len(places) == 1
    assert sum("✗" in line for line in rows) == 4


def test_labels_stand_under_their_cells() -> None:
    for width in (80, 40):
        lines = shown("contiguous", DEFAULT, "en", width).splitlines()
        strips = [number for number, line in enumerate(lines) if line.lstrip().startswith(("│", "›"))]
        assert len(strips) >= 5
        for number in strips:
            cells = re.split("[│›]", lines[number].strip())[1:-1]
            labels = re.findall(r"t(\d) h(\d)", lines[number + 1])
            assert [divmod(int(cell.split()[0]), 8) for cell in cells] == [
                (int(token), 4 * int(head)) for token, head in labels
            ]
            starts = [found.end() for found in re.finditer("[│›]", lines[number])][:-1]
            assert starts == [found.start() for found in re.finditer("t", lines[number + 1])]


def test_what_is_left_out_is_said() -> None:
    page = shown("split", Sizes(2, 5, 64, 8), "en", 80)
    assert (
        "Drawn in part: item 0 of a batch of 2; tokens 0, 1, 4 of 5; heads 0, 7 of 8; "
        "2 of the 8 numbers of a head."
    ) in re.sub(r"\s+", " ", page)
    chinese = re.sub(r"\s", "", shown("split", Sizes(2, 5, 64, 8), "zh", 80))
    assert "5个token中的第0、1、4个；8个头中的第0、7个" in chinese


def test_colour_only_where_there_is_some_and_labels_always() -> None:
    file = io.StringIO()
    console = make_console(file, width=80, environ={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
    print_topic(console, topic_named("split"), DEFAULT, "en")
    assert "\x1b[30;46m" in file.getvalue()
    plain = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
    assert plain == shown("split", DEFAULT, "en", 80)
    assert plain.count("t1 h0") >= 6


def test_the_list_names_every_topic_under_its_step() -> None:
    for lang in LANGS:
        for width in (40, 80, 120):
            file = io.StringIO()
            print_topics(make_console(file, width=width, environ={}), topics(), lang)
            lines = file.getvalue().splitlines()
            assert max(map(cell_len, lines)) <= width
            named = [line for line in lines if set(TOPICS) & set(line.split())]
            for topic in topics():
                assert any(topic.name in line.split() for line in named), topic.name
            if width >= 80:
                assert all(any(topic.line.say(lang) in line for line in lines) for topic in topics())


# The real command.


def test_the_command_lists_and_explains_without_torch() -> None:
    for arguments in ((), ("mask",), ("view", "--shape", "2,5,64", "--heads", "8", "--lang", "zh")):
        command = [sys.executable, "-X", "importtime", "-m", "mha_drill", "explain", *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, encoding="utf-8", timeout=60
        )
        assert done.returncode == 0
        loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
        assert "rich" in loaded
        assert not loaded & {"torch", "numpy", "pytest", "markdown_it", "pygments", "asyncio"}
        assert "\x1b" not in done.stdout
    assert "形状 (2, 5, 8, 8)" in done.stdout


def test_the_language_of_the_locale_is_spoken() -> None:
    assert "主题" in run(environ={"LANG": "zh_CN.UTF-8"}).stdout
    assert "Topics" in run(environ={"LANG": "de_DE.UTF-8"}).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["veiw"], "did you mean view"),
        (["zzzz"], "mha-drill explain"),
        (["../view"], "There is no topic"),
        (["view", "--shape", "2,5,63", "--heads", "8"], "63 is not a multiple of 8 heads; 56 and 64 are"),
        (["view", "--shape", "2,5,4", "--heads", "8"], "the smallest that is, is 8"),
        (["view", "--shape", "0,5,64"], "batch size is 0"),
        (["view", "--shape", "2,-5,64"], "length is -5"),
        (["view", "--shape", "2,5,99999999999999999999"], "too large to draw; give at most 1000000"),
        (["view", "--shape", "2,5,8,8"], "has 4"),
        (["view", "--shape", "64"], "has 1"),
        (["view", "--shape", "2,five,64"], "'five' is not a whole number"),
        (["view", "--shape", "2,5,6.4"], "'6.4' is not a whole number"),
        (["view", "--heads", "many"], "'many' is not a whole number"),
        (["view", "--heads", "0"], "number of heads is 0"),
        (["--svg", "x.svg"], "mha-drill explain view --svg x.svg"),
        (["view", "--lang", "fr"], "--lang"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_one_sentence_and_exit_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "shape",
    ["2,5,63", "2,5,4", "0,5,64", "2,0,64", "2,5,0", "9,9,9999999", "9999999,1,8", "1,9999999,8", "2,5",
     "a,5,64", "2,b,64", "2,5,c"],
)  # fmt: skip
def test_bad_sizes_are_told_in_both_languages(shape: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_sizes(shape, "8")
    for lang in LANGS:
        sentence = raised.value.say(lang)
        assert sentence[-1] in ".。"
        assert not re.search(r"[{}]", sentence)


@pytest.mark.parametrize("heads", ["x", "0", "-1", "9999999"])
def test_bad_heads_are_told_in_both_languages(heads: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_sizes("2,5,64", heads)
    assert all(re.search("head|头", raised.value.say(lang)) for lang in LANGS)


def test_sizes_are_read_as_people_type_them() -> None:
    assert read_sizes() == DEFAULT
    assert read_sizes("2,5,64", "8") == Sizes(2, 5, 64, 8)
    assert read_sizes("（2，5，64）", "8") == read_sizes("(2, 5, 64)", " 8 ") == read_sizes("2 5 64", "8")
    assert read_sizes("2,5,64").heads == 2
    assert read_sizes("2,5,63").heads == 3
    assert read_sizes("2,5,1").heads == 1
    assert read_sizes(heads="3") == Sizes(1, 3, 12, 3)
    assert read_sizes("1,1,999983").heads == 1


# The files.


class Reader(HTMLParser):
    """The words of a page, and every address in it."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("lang", LANGS)
def test_svg_and_html_hold_the_picture_and_fetch_nothing(lang: str, tmp_path: Path) -> None:
    picture, page = tmp_path / "a picture.svg", tmp_path / "页面.html"
    done = run("view", "--svg", str(picture), "--html", str(page), "--lang", lang)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 2
    drawn, written = picture.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")
    for content in (drawn, written):
        fetched = re.findall(r"(?:https?:)?//[^\s\"'<)]+|@import|url\((?!#)[^)]*\)", content)
        assert set(fetched) <= {"http://www.w3.org/2000/svg"}
        assert "monospace" in content
    title = topic_named("view").title.say("zh" if lang == "zh" else "en")
    reader = Reader()
    reader.feed(written)
    assert title in "".join(reader.words)
    assert "is_contiguous()" in "".join(reader.words)
    root = ElementTree.fromstring(drawn)
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    lines: dict[str, list[tuple[float, str]]] = {}
    for element in texts:
        if "matrix" not in (element.get("class") or "") and "title" not in (element.get("class") or ""):
            lines.setdefault(element.get("y") or "", []).append(
                (float(element.get("x") or 0), element.text or "")
            )
    words = ["".join(text for _, text in sorted(line)) for line in lines.values()]
    assert any("t0" in line and "h1" in line for line in words)
    assert "".join(title.split()) in "".join("".join(line.split()) for line in words)
    column = ASPECT * CHARACTER
    for line in lines.values():
        placed = sorted(line)
        for (x, text), (following, _) in pairwise(placed):
            assert x + column * cell_len(text) <= following + column / 2, (text, placed)


def test_wide_characters_keep_their_columns_in_both_files(tmp_path: Path) -> None:
    """The bars of "位置 0 │" stand in one column, as on the terminal."""
    picture, page = tmp_path / "p.svg", tmp_path / "p.html"
    assert run("split", "--lang", "zh", "--svg", str(picture), "--html", str(page)).returncode == 0
    bars: dict[str, list[float]] = {}
    for element in ElementTree.fromstring(picture.read_text(encoding="utf-8")).iter():
        if element.text == "│":
            bars.setdefault(element.get("y") or "", []).append(round(float(element.get("x") or 0), 2))
    sides = {tuple(sorted(places)) for places in bars.values() if len(places) == 4}
    assert len(sides) == 1
    column = ASPECT * CHARACTER
    assert all(abs(place / column - round(place / column)) < 0.01 for place in next(iter(sides)))
    boxes = re.findall(r'style="width:(\d+)ch">([^<]+)</span>', page.read_text(encoding="utf-8"))
    assert ("4", "位置") in boxes
    assert all(int(columns) == cell_len(text) for columns, text in boxes)


def test_files_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "notes.svg"
    folder.mkdir()
    work = tmp_path / "my_mha.py"
    work.write_text("mine", encoding="utf-8")
    for option, target, said in (
        ("--svg", folder, "is a folder"),
        ("--html", folder, "is a folder"),
        ("--svg", tmp_path / "none" / "a.svg", "cannot be written"),
        ("--html", work / "a.html", "cannot be written"),
        ("--svg", work, "left as it is"),
        ("--html", Path("/dev/null"), "left as it is"),
    ):
        done = run("split", option, str(target))
        assert (done.returncode, done.stdout) == (2, ""), done
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert work.read_text(encoding="utf-8") == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"notes.svg", "my_mha.py"}
    again = tmp_path / "old.svg"
    again.write_text("an older picture", encoding="utf-8")
    assert run("split", "--svg", str(again)).returncode == 0
    assert again.read_text(encoding="utf-8").startswith("<svg")


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 4), st.integers(2, 500), st.integers(2, 32), st.integers(1, 128), st.sampled_from(LANGS)
)
def test_right_and_wrong_stand_beside_each_other_at_80_columns(
    batch: int, length: int, heads: int, head_width: int, lang: Lang
) -> None:
    sizes = Sizes(batch, length, heads * head_width, heads)
    for name in ("mixed", "unmixed"):
        file = io.StringIO()
        console = make_console(file, width=80, environ={})
        print_picture(console, pictures.PICTURES[name](sizes.on(80)), sizes, lang)
        lines = file.getvalue().splitlines()
        right, wrong = word("explain.right", lang), word("explain.wrong", lang)
        assert any(line.startswith(f"✓ {right}") and f"✗ {wrong}" in line for line in lines)
        assert all(cell_len(line) <= 80 for line in lines)


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 200), st.integers(4, 32), st.integers(4, 128))
def test_a_wider_page_shows_no_less_and_its_strips_fit_on_one_line(
    length: int, heads: int, head_width: int
) -> None:
    sizes = Sizes(1, length, heads * head_width, heads)
    narrow, wide = kept_cells(sizes.on(80)), kept_cells(sizes.on(160))
    cells = [len(kept.tokens) * len(kept.heads) * len(kept.places) for kept in (narrow, wide)]
    assert cells[0] <= cells[1]
    for columns in (100, 160):
        page = shown("split", sizes.on(columns), "en", columns)
        assert all(len(line) <= columns for line in page.splitlines())
        assert page.count("its memory:") == 1
        memory = page[page.index("its memory:") :].splitlines()
        assert memory[3] == "", "one line of cells, one of labels"

"""A product of many tensors comes to the same as the products of two that it is taken apart into."""

from __future__ import annotations

import string

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mha_drill.judge.contractions import in_pairs

SIZES = {letter: 2 + at % 3 for at, letter in enumerate(string.ascii_letters)}


def tensors(equation: str) -> list[torch.Tensor]:
    """Return operands that fit an equation."""
    generator = torch.Generator().manual_seed(len(equation))
    return [
        torch.randn([SIZES[axis] for axis in item], dtype=torch.float64, generator=generator)
        for item in equation.split("->", maxsplit=1)[0].split(",")
    ]


def done(equation: str, operands: list[torch.Tensor]) -> torch.Tensor:
    """Return what the pairs come to."""
    made = list(operands)
    for pair in in_pairs(equation):
        made.append(torch.einsum(pair.equation, made[pair.left], made[pair.right]))
    return made[-1]


@pytest.mark.parametrize(
    ("equation", "first"),
    [
        ("bli,di,bsj,dj->bls", ["bli,di->bld", "bsj,dj->bsd", "bld,bsd->bls"]),
        ("bls,bsi,di->bld", ["bsi,di->bsd", "bls,bsd->bld"]),
        ("bhls,bse,ehd,hdo->blo", ["bse,ehd->bshd", "bhls,bshd->bhld", "bhld,hdo->blo"]),
        ("bhls,bshd,hdo->blo", ["bhls,bshd->bhld", "bhld,hdo->blo"]),
        ("bqc,hcd,bkhd->bhqk", ["bqc,hcd->bqhd", "bqhd,bkhd->bhqk"]),
    ],
)
def test_weights_meet_what_they_map_first(equation: str, first: list[str]) -> None:
    assert [pair.equation for pair in in_pairs(equation)] == first


@pytest.mark.parametrize(
    "equation", ["ij,jk->ik", "ij,jk,kl", "...i,ij,jk->...k", "ii,ij,jk->ik", "a,b,c->abc", "", "nonsense"]
)
def test_what_is_not_that_plain_is_left_alone(equation: str) -> None:
    assert in_pairs(equation) == []


AXES = st.text("abcde", min_size=1, max_size=3).filter(lambda text: len(set(text)) == len(text))


@given(st.lists(AXES, min_size=3, max_size=5), st.data())
def test_it_comes_to_the_same(operands: list[str], data: st.DataObject) -> None:
    present = sorted(set("".join(operands)))
    result = "".join(data.draw(st.lists(st.sampled_from(present), unique=True)))
    equation = ",".join(operands) + "->" + result
    if in_pairs(equation):
        made = tensors(equation)
        assert torch.allclose(done(equation, made), torch.einsum(equation, *made))

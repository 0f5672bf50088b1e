"""From a trace to query, key and value: who is who, from which input, by which weights, in how many heads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mha_drill.judge.binding import Sizes, plain_sizes
from mha_drill.judge.laboratory import Laboratory
from mha_drill.judge.loading import Loaded
from mha_drill.judge.recording import Recording
from mha_drill.judge.roles import Roles, find_roles
from mha_drill.judge.wiring import Wiring

# The runner has no warnings filter of its own; test_check.py holds it to files that set one.
pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")

HEAD = """\
import torch
from torch import nn
class A(nn.Module):
    def __init__(self, D, H):
        super().__init__()
        self.H, self.d = H, D // H
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(D, D) for _ in range(4))
        self.qkv = nn.Linear(D, 3 * D, bias=False)
    def forward(self, q, k, v):
        B, L, D = q.shape
        H, d = self.H, self.d
"""
SPLIT = "q, k, v = (t.view(B, -1, H, d).transpose(1, 2) for t in (q, k, v))\n"
ATTEND = "y = torch.softmax(q @ k.transpose(-2, -1) / d**0.5, -1) @ v\nreturn self.wo(y.transpose(1, 2).reshape(B, L, D))\n"  # noqa: E501
APART = "q, k, v = self.wq(q), self.wk(k), self.wv(v)\n"
STYLES = {
    "apart": APART + SPLIT + ATTEND,
    "interleaved-heads": APART + "q, k, v = (t.view(B, -1, d, H).permute(0, 3, 1, 2) for t in (q, k, v))\n" + ATTEND,
    "folded-into-the-batch": APART
    + "q, k, v = (t.view(B, -1, H, d).transpose(1, 2).reshape(B * H, -1, d) for t in (q, k, v))\n"
    + "y = torch.bmm(torch.softmax(torch.bmm(q, k.mT) / d**0.5, -1), v)\n"
    + "return self.wo(y.view(B, H, L, d).transpose(1, 2).reshape(B, L, D))\n",
    "einsum": APART
    + "q, k, v = (t.view(B, -1, H, d) for t in (q, k, v))\n"
    + "w = torch.softmax(torch.einsum('blhd,bshd->bhls', q, k) / d**0.5, -1)\n"
    + "return self.wo(torch.einsum('bhls,bshd->blhd', w, v).reshape(B, L, D))\n",
    "query-scaled-first": APART + "q = q * d**-0.5\n" + SPLIT + ATTEND.replace(" / d**0.5", ""),
    "head-by-head": APART
    + "parts = []\nfor h in range(H):\n    s = slice(h * d, h * d + d)\n"
    + "    w = torch.softmax(q[..., s] @ k[..., s].mT / d**0.5, -1)\n    parts.append(w @ v[..., s])\n"
    + "return self.wo(torch.cat(parts, -1))\n",
}  # fmt: skip


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    kept = torch.get_default_dtype()
    yield
    torch.set_default_dtype(kept)


def roles_of(body: str) -> Roles | None:
    source = HEAD + "".join(f"        {line}\n" for line in body.splitlines())
    one = Loaded("/nowhere/answer.py", source)
    assert one.run() is None
    assert one.failures == []
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((2, length, 24)) for length in (5, 7, 7)]
    experiment = {
        "target": "A", "construct": {"D": 24, "H": 4}, "sizes": plain_sizes(Sizes()), "dtype": "float64",
        "call": {"arguments": [[name, {"$": name}, False] for name in "qkv"]},
        "inputs": {"q": 0, "k": 1, "v": 2}, "trace": True,
    }  # fmt: skip
    answer, results = Laboratory(one).run(experiment, arrays)
    assert answer["error"] is None, answer["error"]
    recording = Recording(answer, results)
    return find_roles(recording, Wiring(recording))


@pytest.mark.parametrize("name", STYLES)
def test_every_side_is_told_with_its_input_its_weights_and_its_heads(name: str) -> None:
    roles = roles_of(STYLES[name])
    assert roles is not None
    for side, source, length in ((roles.query, "q", 5), (roles.key, "k", 7), (roles.value, "v", 7)):
        assert (side.source, side.heads, side.proper) == (source, 4, True)
        assert side.rows.shape == (2, length, 24)
        assert all(weight.startswith(f"w{source}.") for weight in side.weights)
        assert side.weights


def test_a_shared_projection_shows_in_the_weights() -> None:
    roles = roles_of(STYLES["apart"].replace("self.wk(k)", "self.wq(k)"))
    assert roles is not None
    assert roles.key.weights == roles.query.weights != roles.value.weights
    assert roles.key.source == "k"


def test_swapped_inputs_show_in_the_sources() -> None:
    roles = roles_of(STYLES["apart"].replace("self.wk(k), self.wv(v)", "self.wk(v), self.wv(k)"))
    assert roles is not None
    assert (roles.key.source, roles.value.source) == ("v", "k")


def test_a_missing_projection_has_no_weights() -> None:
    roles = roles_of(STYLES["apart"].replace("self.wv(v)", "v"))
    assert roles is not None
    assert roles.value.weights == frozenset()
    assert roles.query.weights


def test_a_fused_projection_gives_all_three_one_weight_and_other_channels() -> None:
    fused = "q, k, v = self.qkv(q).chunk(3, -1)\n" + SPLIT + ATTEND
    roles = roles_of(fused)
    assert roles is not None
    assert roles.query.weights == roles.key.weights == roles.value.weights == frozenset({"qkv.weight"})
    assert {side.source for side in (roles.query, roles.key, roles.value)} == {"q"}
    assert not np.allclose(roles.query.rows, roles.key.rows)


def test_heads_that_tear_tokens_apart_are_not_proper() -> None:
    torn = APART + "q, k, v = (t.view(B, H, -1, d) for t in (q, k, v))\n" + ATTEND
    roles = roles_of(torn)
    assert roles is not None
    assert not roles.query.proper


def test_no_product_means_no_roles() -> None:
    assert roles_of("return self.wo(q)\n") is None

"""What names mean: constructors and forwards of every naming are called as their authors meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mha_drill.judge.binding import Parameter, Sizes, call_plans, constructor_plans, meaning, role, value_for

SIZES = Sizes()


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ("width", "d_model embed_dim n_embd d_in d_out hidden_size hid_dim hidden_dim dim emb C D d_embed input_dim 维度"),  # noqa: E501
        ("heads", "num_heads n_heads n_head h heads nhead head_num H numHeads NUM_HEADS num_attention_heads 头数"),
        ("head_dim", "head_dim d_k d_v dim_head dim_per_head head_size d_head"),
        ("dropout", "dropout dropout_rate dropout_prob attn_pdrop resid_pdrop p drop attention_dropout"),
        ("context", "block_size context_length max_seq_len max_len seq_len max_length n_ctx"),
        ("bias", "bias qkv_bias use_bias"),
        ("config", "config cfg args"),
        ("kv_heads", "num_kv_heads n_kv_heads num_key_value_heads"),
        ("batch_first", "batch_first"),
        ("device", "device"),
        ("dtype", "dtype"),
    ],
)  # fmt: skip
def test_a_constructor_parameter_means_what_its_name_says(expected: str, names: str) -> None:
    assert {name: meaning(name) for name in names.split()} == dict.fromkeys(names.split(), expected)


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ("q", "q Q query queries xq query_states 查询"),
        ("k", "k K key keys xk 键"),
        ("v", "v V value values xv 值"),
        ("x", "x inputs hidden_states X embeddings 输入"),
        ("mask", "mask attn_mask attention_mask key_padding_mask src_mask 掩码"),
        ("context", "context memory encoder_hidden_states"),
        ("need", "need_weights return_attention output_attentions"),
        ("lengths", "valid_lens lengths"),
        ("causal", "is_causal causal"),
    ],
)
def test_a_forward_parameter_means_what_its_name_says(expected: str, names: str) -> None:
    assert {name: role(name) for name in names.split()} == dict.fromkeys(names.split(), expected)


@example("掩码")
@example("输入")
@given(st.text())
def test_no_name_is_too_strange(name: str) -> None:
    meaning(name)
    role(name)
    try:
        value_for(name, SIZES)
    except KeyError:
        assert meaning(name) is None


def needed(*names: str, **defaults: Any) -> list[Parameter]:
    return [Parameter(name, "both", True) for name in names] + [
        Parameter(name, "both", False, default=value) for name, value in defaults.items()
    ]


@pytest.mark.parametrize(
    ("parameters", "plan"),
    [
        (needed("num_heads", "d_model"), {"num_heads": 4, "d_model": 24}),
        (needed("heads", "d_model", dropout=0.1), {"heads": 4, "d_model": 24, "dropout": 0.0}),
        (needed("d_k"), {"d_k": 24}),
        (needed("C", "n_head"), {"C": 24, "n_head": 4}),
        (needed("d_in", "d_out", "context_length", "dropout", "num_heads"),
         {"d_in": 24, "d_out": 24, "context_length": 32, "dropout": 0.0, "num_heads": 4}),
        (needed("embed_dim", "h", "head_dim"), {"embed_dim": 24, "h": 4, "head_dim": 6}),
        (needed(), {}),
    ],
)  # fmt: skip
def test_the_first_plan_of_a_constructor(parameters: list[Parameter], plan: dict[str, Any]) -> None:
    assert constructor_plans(parameters, SIZES, {})[0] == plan


def test_names_that_mean_nothing_get_the_sizes_that_are_missing_in_both_orders() -> None:
    plans = constructor_plans(needed("foo", "bar"), SIZES, {})
    assert plans[0] == {"foo": 24, "bar": 4}
    assert {"foo": 4, "bar": 24} in plans


@given(st.lists(st.sampled_from("q k v x mask d_model num_heads foo bar p config".split()), unique=True))
def test_plans_are_few_and_give_every_needed_parameter_a_value(names: list[str]) -> None:
    plans = constructor_plans(needed(*names), SIZES, {})
    assert 1 <= len(plans) <= 8
    assert all(set(plan) == set(names) for plan in plans)


def sources(*names: str, **defaults: Any) -> list[tuple[tuple[str, Any], ...]]:
    return [call.arguments for call in call_plans(needed(*names, **defaults), SIZES)]


def test_forward_is_called_by_the_roles_of_its_parameters_in_any_order() -> None:
    assert sources("query", "key", "value")[0] == (("query", "q"), ("key", "k"), ("value", "v"))
    assert sources("values", "keys", "query")[0] == (("values", "v"), ("keys", "k"), ("query", "q"))
    assert sources("x")[0] == (("x", "x"),)
    assert sources("x", "context")[0] == (("x", "q"), ("context", "context"))
    assert (("x", "x"),) in sources("x", context=None)
    assert sources("a", "b", "c")[0] == (("a", "q"), ("b", "k"), ("c", "v"))


def test_a_mask_is_found_and_not_fed_by_default() -> None:
    call = call_plans(needed("q", "k", "v", mask=None), SIZES)[0]
    assert (call.mask, call.style, call.separate) == ("mask", "qkv", True)
    assert dict(call.arguments) == {"q": "q", "k": "k", "v": "v"}
    assert call_plans(needed("x"), SIZES)[0].separate is False

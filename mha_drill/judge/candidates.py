"""Which class or function of the file is the answer: by name, by parameters, by who uses whom. Judge side."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass, replace
from typing import Any

from mha_drill.judge.binding import Parameter
from mha_drill.judge.names import meaning, role
from mha_drill.judge.parsing import nodes_of, tree_of
from mha_drill.judge.uses import (
    given_to_dropout,
    given_to_masking,
    read_of_keywords,
    weights_held,
    weights_in_order,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or a function the file defines, as the runner saw it.

    construct: the constructor's parameters, empty for a function. call: forward's or the function's.
    """

    name: str
    line: int
    kind: str
    module: bool
    construct: tuple[Parameter, ...]
    call: tuple[Parameter, ...]
    uses: frozenset[str]
    attributes: frozenset[str]
    doc: str
    methods: tuple[str, ...] = ()
    wraps: str = ""

    def used_in(self, source: str) -> Definition:
        """Return the definition with what the file does with parameters whose names say nothing."""
        rates, masks = given_to_dropout(source), given_to_masking(source)
        keywords = read_of_keywords(source, self.name)
        construct = [
            replace(item, use="dropout")
            if item.name in rates and (meaning(item.name) is None or type(item.default) is float)
            else item
            for item in self.construct
            if item.kind != "var_keyword" or not keywords
        ]
        construct += [Parameter(key, "keyword_only", True) for key in keywords]
        held, in_order = weights_held(source, self.name), weights_in_order(source, self.name)
        call = [
            replace(item, holds=held[item.name])
            if item.name in held
            else replace(item, holds=in_order[item.name], in_order=True)
            if item.name in in_order
            else replace(item, use="mask")
            if role(item.name) is None and item.name in masks and not _has_value(item)
            else item
            for item in self.call
        ]
        return replace(self, construct=tuple(construct), call=tuple(call))

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Definition | None:
        """Return a definition from the runner's words, or None for what cannot be called."""
        if entry["call"] is None:
            return None
        return cls(
            entry["name"],
            entry["line"],
            entry["kind"],
            bool(entry.get("module")),
            tuple(Parameter(**item) for item in entry["construct"]),
            tuple(Parameter(**item) for item in entry["call"]),
            frozenset(entry["uses"]),
            frozenset(entry["attributes"]),
            entry["doc"],
            tuple(entry.get("methods", ())),
            entry.get("wraps", ""),
        )


def _has_value(item: Parameter) -> bool:
    """Whether a parameter must be given, or has a default that no mask is: `block=2`."""
    return item.required or isinstance(item.default, int | float | str)


# `singleheadself...` has no `heads`.
_MULTI = re.compile(r"multi|mha|mhsa|msa|heads(?!elf|dp)|多头")
_SINGLE = re.compile(r"single|selfatt|head$|单头|^sa$")
_CAUSAL = re.compile(r"causal|mask|decoder|gpt|autoregress|因果")
_ATTENTION = re.compile(r"att|mha|msa|sdpa|head|注意力|dotproduct|sa$")
_WHOLE = re.compile(r"att|mha|msa|sdpa|注意力|dotproduct")
_DOT = re.compile(r"scaled|dotprod|sdpa|dpa|缩放|点积")
_OTHER = re.compile(
    r"block|layer$|encoder|decoder|transformer|gpt|model|net$|feed|ffn|mlp|norm|embed|positional|position|config|vit$|"
    r"dataset|trainer|residual|sublayer|generator|lm$|classifier|patch|args|test|demo|main|check|reference|naive"
)


_WEIGHTS = re.compile(
    r"Linear|Parameter|Conv\dd|Bilinear|\bw_?[qkvo]\b|(weights?|proj)_?[qkvo]|[qkv]_?(weights?|proj)",
    re.IGNORECASE,
)


def plain_name(name: str) -> str:
    """Return a name in lower case without underscores."""
    return name.replace("_", "").lower()


def likeness(definition: Definition, problem: str) -> int:
    """Return how much a definition looks like an answer to a problem; below one it is none."""
    name = plain_name(definition.wraps or definition.name)
    points = 0
    if _ATTENTION.search(name):
        points += 4
    if _OTHER.search(name) and not (definition.name and re.search(r"att|mha|sdpa|注意力", name)):
        points -= 6
    multi = bool(_MULTI.search(name)) or any(
        meaning(item.name) == "heads" for item in (*definition.construct,)
    )
    if problem in ("mha", "causal-mha"):
        points += (
            3 * multi
            + bool(_CAUSAL.search(name)) * (2 if problem == "causal-mha" else 0)
            - 2 * bool(_DOT.search(name))
        )
        points += 1 if multi and re.search(r"multi|mha|多头", name) else 0
    elif problem == "single-head":
        points += 2 * bool(_SINGLE.search(name)) - 3 * multi - bool(_DOT.search(name))
    elif problem == "sdpa":
        points += 4 * bool(_DOT.search(name)) - 3 * multi
    roles = {role(item.name) for item in definition.call}
    if roles & {"q", "k", "v", "x"}:
        points += 2
    if definition.kind == "class" and problem != "sdpa":
        points += 1
        if definition.module:
            points += 1
    if definition.kind == "function" and definition.name.startswith("_"):
        points -= 2
    return points


def choose(definitions: list[Definition], problem: str, names: tuple[str, ...]) -> list[Definition]:
    """Return the definitions that may be the answer, best first; more than one only where nothing tells them apart.

    A definition that another candidate uses is its helper. The names of the skeleton win.
    """
    wrapped = {item.wraps for item in definitions}
    definitions = [item for item in definitions if item.name not in wrapped]
    if len(definitions) == 1:
        return definitions if _may_answer(definitions[0]) else []
    scored = [(likeness(item, problem), item) for item in definitions]
    scored = [(points, item) for points, item in scored if points > 0]
    if not scored:
        return []
    points_of = {item.name: points for points, item in scored}
    helpers = {
        name
        for points, item in scored
        for name in item.uses & points_of.keys() - {item.name}
        if points >= points_of[name]
    }
    built = {
        name
        for _, item in scored
        for name in item.uses & points_of.keys() - {item.name}
        if _ATTENTION.search(plain_name(item.name)) and not _OTHER.search(plain_name(item.name))
    }
    exact = next((item for _, item in scored if item.name in names and item.name not in built), None)
    if exact is not None:
        alike = [item for _, item in scored if item is not exact and _stem(item.name) == _stem(exact.name)]
        versions = [item for item in alike if item.name not in exact.uses]
        return [exact, *versions]
    free = [(points, item) for points, item in scored if item.name not in helpers] or scored
    best = max(points for points, _ in free)
    winners = [item for points, item in free if points == best]
    return winners


def _may_answer(definition: Definition) -> bool:
    """Whether the only definition of a file can be an answer at all: it attends, by name or by what it takes."""
    if _ATTENTION.search(plain_name(definition.name)):
        return True
    roles = [role(item.name) for item in definition.call]
    if any(meaning(item.name) == "heads" for item in definition.construct) and definition.module:
        return True
    if _OTHER.search(plain_name(definition.name)):
        return False
    if definition.kind == "class":
        three = sum(item.required for item in definition.call) == 3
        return definition.module or three or bool({"q", "k", "v", "x"} & set(roles))
    return sum(found in ("q", "k", "v", "context") for found in roles) >= 2


def _stem(name: str) -> str:
    """Return a name without the mark of a version: `MultiHeadAttentionV2`, `_old`, `2`."""
    return re.sub(r"(v\d*|\d+|new|old|alt|try|final|fixed)+$", "", plain_name(name))


def guess_problem(definitions: list[Definition], source: str) -> list[str]:
    """Return the problems the file may answer, likeliest first; never empty."""
    names = {plain_name(item.name) for item in definitions}
    merges = any(re.search(r"(merge|combine|concat|join).*head", name) for name in names)
    whole = any(_WHOLE.search(name) for name in names)
    if any("splithead" in name for name in names) and merges and not whole:
        return ["split-merge"]
    code = code_of(source)
    weighted = bool(_WEIGHTS.search(code)) or any(
        role(item.name) == "weight" for entry in definitions for item in entry.call
    )
    multi = any(_is_multi(item) for item in definitions)
    if weighted and not multi and any("single" in name or "单头" in name for name in names):
        return ["single-head", *_causal_or_not(definitions)]
    if not weighted and any(_DOT.search(name) or "att" in name for name in names) and not multi:
        return ["sdpa"]
    if multi or re.search(r"n_?heads?|heads\b|nhead|多头", code):
        return _causal_or_not(definitions)
    if weighted and not _has_weights(definitions, source):
        return ["sdpa", "single-head"]
    return ["single-head"] if weighted else ["sdpa", "single-head"]


def _has_weights(definitions: list[Definition], source: str) -> bool:
    """Whether what looks most like an answer, or what it uses of the file, holds weights or is given some."""
    best = max(definitions, key=lambda item: likeness(item, "single-head"), default=None)
    if best is None or not re.search(rf"{_DOT.pattern}|att", plain_name(best.name)):
        return True
    # Who takes one input, or is told a width, owes the maps.
    owes = any(meaning(item.name) in ("width", "heads", "config") for item in best.construct)
    if owes or not {"q", "k", "v"} <= {role(item.name) for item in best.call}:
        return True
    used, left = {best.name}, [best]
    by_name = {item.name: item for item in definitions}
    while left:
        item = left.pop()
        if any(role(parameter.name) == "weight" for parameter in item.call):
            return True
        left += [by_name[name] for name in item.uses & by_name.keys() - used]
        used |= item.uses
    nodes = nodes_of(tree_of(source))
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bodies = [node for node in nodes if isinstance(node, kinds) and node.name in used]
    return not bodies or any(
        _WEIGHTS.search(code_of(ast.get_source_segment(source, node) or "Linear")) for node in bodies
    )


def code_of(source: str) -> str:
    """Return a source without its comments and its strings."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source
    return " ".join(token.string for token in tokens if token.type not in (tokenize.COMMENT, tokenize.STRING))


def _is_multi(definition: Definition) -> bool:
    heads = any(meaning(item.name) == "heads" for item in definition.construct)
    return heads or bool(_MULTI.search(plain_name(definition.name)))


def _causal_or_not(definitions: list[Definition]) -> list[str]:
    """Return `causal-mha` where the file says so; else both, to be tried."""
    words = {"tril", "triu", "causal", "causal_mask", "is_causal"}
    classes = [item for item in definitions if item.kind == "class" and _WHOLE.search(plain_name(item.name))]
    # Beside a class, a function of such a name helps it: `resolve_self_attn_mask`.
    named = any(
        _CAUSAL.search(plain_name(item.name)) and _ATTENTION.search(plain_name(item.name))
        for item in classes or definitions
    )
    inside = any((item.attributes | item.uses) & words for item in definitions if item.kind == "class")
    optional = any(
        role(item.name) in ("mask", "causal") for entry in definitions for item in entry.call
    ) or any(meaning(item.name) == "causal" for entry in definitions for item in entry.construct)
    if named or (inside and not optional):
        return ["causal-mha"]
    return ["mha", "causal-mha"]

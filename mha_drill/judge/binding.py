"""What parameter names mean: how a constructor and a forward of any naming are called.

A plan says what each parameter gets; the judge tries the plans in order and keeps the first that agrees with
the reference, not the first that runs. The runner uses `value_for` when a configuration object is asked for
an attribute. Nothing here knows what attention computes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mha_drill.judge.names import CHINESE, listed, meaning, plain, role


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature as the runner saw it. holds: the weights that are read from it.

    in_order: they are taken out of it one after another, not by name.
    """

    name: str
    kind: str
    required: bool
    annotation: str = ""
    default: Any = None
    use: str = ""
    holds: tuple[str, ...] = ()
    in_order: bool = False

    @property
    def meaning(self) -> str | None:
        """What a constructor parameter means: by its name, else by what the file does with it."""
        return self.use or meaning(self.name)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one probe. width D, heads H; lengths are those of query and key.

    scale_turned: a scale that comes from outside is what scores are divided by, a temperature what they are
    multiplied by. weights_turned: a function is handed (out, in) weights, as `F.linear` takes them. kv_heads: the
    heads of key and value, where they are fewer. extra: what a configuration holds beside sizes, by name.
    """

    batch: int = 2
    heads: int = 4
    width: int = 24
    query_length: int = 5
    key_length: int = 7
    context: int = 32
    dropout: float = 0.0
    causal: bool = False
    head_dim: int = 0
    kv_heads: int = 0
    bias: bool | None = None
    scale_turned: bool = False
    weights_turned: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def head_width(self) -> int:
        """Width of one head, d = D / H unless given."""
        return self.head_dim or self.width // self.heads

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of heads, where a size may be one: a width of 1 would need no scale."""
        return (self.heads,) if self.heads > 1 else ()


def value_for(name: str, sizes: Sizes, default: Any = None) -> Any:
    """Return the value a parameter or attribute of this name gets; KeyError when the name means nothing."""
    found = meaning(name)
    match found:
        case "width":
            return sizes.width
        case "heads":
            return sizes.heads
        case "kv_heads":
            return sizes.kv_heads or sizes.heads
        case "head_dim":
            return sizes.head_width
        case "dropout":
            if isinstance(default, bool):
                return sizes.dropout > 0
            return sizes.dropout
        case "context":
            return sizes.context
        case "bias":
            return True if sizes.bias is None else sizes.bias
        case "causal":
            return sizes.causal
        case "batch_first":
            return True
        case "device":
            return "cpu"
        case "dtype":
            return {"$": "dtype"}
        case "temperature":
            return sizes.head_width ** (-0.5 if sizes.scale_turned else 0.5)
        case "scale":
            if isinstance(default, bool):
                return True
            return sizes.head_width ** (0.5 if sizes.scale_turned else -0.5)
        case "batch":
            return sizes.batch
        case "layer":
            return 0
        case "layers":
            return 2
        case "vocabulary":
            return 50
        case "config":
            return {"$": "config"}
    raise KeyError(name)


def plain_sizes(sizes: Sizes) -> dict[str, Any]:
    """Return sizes as JSON."""
    return {name: getattr(sizes, name) for name in sizes.__dataclass_fields__}


# Parameters with a default are set where the meaning matters to the probe; others keep their own default.
_SET_ANYWAY = frozenset(
    {"width", "heads", "dropout", "context", "causal", "batch_first", "kv_heads", "config"}
)


def constructor_plans(
    parameters: list[Parameter],
    sizes: Sizes,
    annotated: dict[str, list[Parameter]],
    bags: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Return ways to call a constructor, best first: each maps parameter names to values.

    annotated: the fields of classes in the file that an annotation may name (a configuration defined there).
    bags: the parameters that the constructor asks for sizes by attribute or item, whatever they are called.
    """
    named = {item.name: item.meaning for item in parameters}
    letters = [item.name for item in parameters if item.required]
    if len(letters) > 1 and letters == list("abcdef")[: len(letters)]:
        named |= dict.fromkeys(letters)  # counted off, they say nothing
    has_width = any(found == "width" for found in named.values())
    has_heads = any(found == "heads" for found in named.values())
    told = any(named[item.name] == "width" and item.required for item in parameters)
    plan: dict[str, Any] = {}
    unknown: list[str] = []
    choices: dict[str, list[Any]] = {}
    loose: list[Parameter] = []
    lengths: dict[str, Any] = {}
    for item in parameters:
        if item.kind in ("var_positional", "var_keyword"):
            continue
        found = named[item.name]
        if found == "head_dim" and _LOOSE.fullmatch(plain(item.name)):
            loose.append(item)
            continue
        if item.annotation in annotated or item.name in bags or (found == "config" and item.required):
            plan[item.name] = {
                "$": "config",
                "class": item.annotation if item.annotation in annotated else "",
            }
            continue
        if not item.required and found is not None and listed(item.name) is None and item.name not in CHINESE:
            # A guess is no reason to set aside the learner's own default: `row_dim=0` is an axis.
            continue
        if found is None:
            if item.required:
                unknown.append(item.name)
            continue
        if (
            not item.required
            and found not in _SET_ANYWAY
            and not (found == "scale" and isinstance(item.default, bool))
            and not (found == "head_dim" and isinstance(item.default, int))
        ):
            continue
        own = item.default is None and not item.required
        if own and (found in ("context", "causal", "kv_heads") or (found == "width" and told)):
            if found == "context":
                lengths[item.name] = sizes.context
            continue  # None has a meaning of its own there
        value = value_for(item.use or item.name, sizes, item.default)
        if found == "dropout" and not item.required and item.default in (None, False) and sizes.dropout == 0:
            continue
        if found == "head_dim" and not has_width:
            # `Attention(d_k)`: the only size there is, so it is the width.
            value = sizes.width if not has_heads else sizes.head_width
            choices[item.name] = [value, sizes.head_width] if not has_heads else [value]
            if item.name == "head_size" and not has_heads:
                choices[item.name] = [sizes.width, *sizes.counts]
        elif found == "head_dim" and not has_heads:
            choices[item.name] = [value, sizes.width, *sizes.counts]
        elif found in ("scale", "temperature") and item.required and not isinstance(value, bool):
            choices[item.name] = [value, 1 / value]
        elif found == "batch" and item.required and not has_width and plain(item.name) == "n":
            choices[item.name] = [sizes.width, sizes.batch]
        plan[item.name] = value
    if unknown:
        _guess(unknown, plan, choices, sizes, has_width, has_heads)
    plans = _with_loose(plan, loose, sizes, has_width, named)
    for name, values in choices.items():
        plans = [dict(known, **{name: value}) for known in plans for value in values]
    if lengths:
        plans += [known | lengths for known in plans[:2]]
    return _distinct(plans)[:8]


# `key_size`, `d_query`, `h_dim`: the width of an input, or of all that is hidden, to some, of a head to others.
_LOOSE = re.compile(
    r"(k|v|q|qk|kv|key|value|query|keys|values|queries)(dim|size|channels|features|width)|"
    r"(d|dim)(key|value|query|keys|values|queries)|hdim"
)


def _with_loose(
    plan: dict[str, Any], loose: list[Parameter], sizes: Sizes, has_width: bool, named: dict[str, str | None]
) -> list[dict[str, Any]]:
    """Return the plan with every loose size as a head's width, and as the width, the likelier first."""
    wanted = [item.name for item in loose if item.required or item.default is not None]
    if not wanted:
        return [plan]
    heads_told = any(found == "head_dim" and name not in wanted for name, found in named.items())
    values = (
        [sizes.width, sizes.head_width] if heads_told or not has_width else [sizes.head_width, sizes.width]
    )
    return [plan | dict.fromkeys(wanted, value) for value in values]


def _guess(
    unknown: list[str],
    plan: dict[str, Any],
    choices: dict[str, list[Any]],
    sizes: Sizes,
    width: bool,
    heads: bool,
) -> None:
    """Give required parameters of unknown names the sizes still missing, in the usual order."""
    second = sizes.heads if sizes.counts else sizes.head_width
    missing = [value for have, value in ((width, sizes.width), (heads, second)) if not have]
    if len(unknown) == 3 and not width and not heads:
        missing.append(sizes.context)
    for position, name in enumerate(unknown):
        first = missing[position] if position < len(missing) else sizes.width
        plan[name] = first
        rest = [sizes.width, *sizes.counts, sizes.head_width]
        choices[name] = [first, *(value for value in rest if value != first)]


def _distinct(plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    for plan in plans:
        if plan not in seen:
            seen.append(plan)
    return seen


# Names that do not say which of two inputs asks and which is asked.
_NEUTRAL = re.compile(r"[a-z]|[a-z]?[12ab]|x[12ab]|inputs?[12ab]|seq[12ab]|inp[12ab]")


# What says to a forward whether it is called in training; a module asks its own `training`.
_TRAINING = re.compile(r"(is)?train(ing)?(mode)?")


@dataclass(frozen=True, slots=True)
class Call:
    """One way to call forward: what each parameter gets.

    arguments: (parameter name, source), where a source is "q", "k", "v", "x", "context", "mask" or a value.
    by_name: keyword-only parameters, passed by name. style: "x", "qkv", "cross" or "kv". other_masks: further
    parameters that mean a mask, left out of the call.
    """

    style: str
    arguments: tuple[tuple[str, Any], ...]
    by_name: frozenset[str]
    mask: str | None = None
    lengths: bool = False
    other_masks: tuple[str, ...] = ()

    @property
    def neutral(self) -> bool:
        """Whether the names of query and context do not say which is which."""
        given = [name for name, source in self.arguments if source in ("q", "context")]
        return self.style == "cross" and all(_NEUTRAL.fullmatch(plain(name)) for name in given)

    @property
    def separate(self) -> bool:
        """Whether query and key come in apart, so that their lengths may differ."""
        return self.style != "x"


# A mask of what comes in beside the query: of the encoder's output, of the context.
OF_CONTEXT = re.compile(r"(enc|encoder|context|ctx|cross|mem|memory|cond|kv|key|k|src|source)_")


def call_plans(parameters: list[Parameter], sizes: Sizes) -> list[Call]:
    """Return ways to call forward, best first."""
    usable = [item for item in parameters if item.kind not in ("var_positional", "var_keyword")]
    roles = _without_inputs({item.name: _role(item) for item in usable})
    required = [item.name for item in usable if item.required]
    plans: list[Call] = []
    by_name = frozenset(item.name for item in usable if item.kind == "keyword_only")
    tensors = [name for name, found in roles.items() if found in ("q", "k", "v", "x", "context", "kv")]
    for sources in _sources(usable, roles, tensors, required):
        arguments: list[tuple[str, Any]] = []
        masks = [name for name, found in roles.items() if found == "mask" and name not in sources]
        # A mask of queries hides rows, not keys: the one for keys is what can be judged.
        masks.sort(key=lambda name: bool(re.match(r"(q|query|queries|tgt|target)_", name)))
        if "context" in sources.values():
            masks.sort(key=lambda name: not OF_CONTEXT.match(name))
        mask = masks[0] if masks else None
        mask = mask or next((name for name, found in roles.items() if found == "lengths"), None)
        for item in usable:
            if item.name in sources:
                arguments.append((item.name, sources[item.name]))
            elif item.required:
                names = [[name, kind_of_held(name)] for name in item.holds]
                handed = {"$": "weights", "names": names, "in_order": item.in_order}
                arguments.append(
                    (item.name, handed if item.holds else _literal(item.name, roles[item.name], sizes))
                )
            elif roles[item.name] == "causal" and sizes.causal:
                arguments.append((item.name, True))
            elif isinstance(item.default, bool) and _TRAINING.fullmatch(plain(item.name)):
                arguments.append((item.name, {"$": "train"}))
        named = by_name | _after_a_gap(usable, {name for name, _ in arguments})
        used = set(sources.values())
        if {"q", "k", "v"} <= used:
            style = "qkv"
        elif "context" in used:
            style = "cross"
        else:
            style = "x"
        plans.append(
            Call(
                style,
                tuple(arguments),
                named,
                mask,
                mask is not None and roles[mask] == "lengths",
                tuple(name for name in masks if name != mask),
            )
        )
    if any(item.kind == "var_positional" for item in parameters) and not plans:
        plans.append(Call("qkv", (("*0", "q"), ("*1", "k"), ("*2", "v")), frozenset()))
        plans.append(Call("x", (("*0", "x"),), frozenset()))
    return plans


# A matrix of weights, or an input that is called one.
_MATRIX = re.compile(r"(q|k|v|query|key|value)s?(matrix|matrices|mat|proj)")


def _without_inputs(roles: dict[str, str | None]) -> dict[str, str | None]:
    """Return the meanings of parameters: what would be weights are inputs where there are no others."""
    if any(found in ("q", "k", "v", "x", "context", "kv") for found in roles.values()):
        return roles
    inputs = {name: found[1][0] for name in roles if (found := _MATRIX.fullmatch(plain(name)))}
    return roles | inputs if set(inputs.values()) >= {"q", "k", "v"} else roles


def _role(item: Parameter) -> str | None:
    """Return what a parameter means: a mask that is a flag means causal, one that is a word means nothing."""
    if item.holds:
        return "weights"
    found = role(item.name) or item.use or None
    if found == "mask" and not re.search(r"Tensor|ndarray", item.annotation):
        if isinstance(item.default, bool) or re.search(r"\bbool\b", item.annotation):
            return "causal"
        if isinstance(item.default, str) or re.search(r"\bstr\b", item.annotation):
            return None
    return found


def kind_of_held(name: str) -> str:
    """Return whether what is read by this name is a bias or a weight."""
    return "bias" if role(name) == "bias" else "weight"


def _after_a_gap(usable: list[Parameter], given: set[str]) -> frozenset[str]:
    """Return the parameters behind one that is left out: they have to be passed by name."""
    gap = next((at for at, item in enumerate(usable) if item.name not in given), len(usable))
    return frozenset(item.name for item in usable[gap:] if item.kind != "positional_only")


def _sources(
    usable: list[Parameter], roles: dict[str, str | None], tensors: list[str], required: list[str]
) -> list[dict[str, str]]:
    """Return assignments of tensors to parameter names, best first."""
    found: list[dict[str, str]] = []
    by_role: dict[str, list[str]] = {}
    for name in tensors:
        by_role.setdefault(str(roles[name]), []).append(name)
    if all(kind in by_role for kind in ("q", "k", "v")):
        found.append({by_role[kind][0]: kind for kind in ("q", "k", "v")})
    elif "x" in by_role and "k" in by_role and "v" in by_role:
        found.append({by_role["x"][0]: "q", by_role["k"][0]: "k", by_role["v"][0]: "v"})
    elif ("q" in by_role or "x" in by_role) and ("kv" in by_role or "context" in by_role):
        query = (by_role.get("q") or by_role["x"])[0]
        other = (by_role.get("kv") or by_role["context"])[0]
        found.append({query: "q", other: "context"})
        if other not in required:
            found.append({query: "x"})
        elif _NEUTRAL.fullmatch(plain(query)) and _NEUTRAL.fullmatch(plain(other)):
            found.append({query: "context", other: "q"})
    elif "x" in by_role and len(by_role["x"]) >= 2 and len(required) >= 2 and by_role["x"][1] in required:
        found.append({by_role["x"][0]: "q", by_role["x"][1]: "context"})
        if all(_NEUTRAL.fullmatch(plain(name)) for name in by_role["x"][:2]):
            found.append({by_role["x"][0]: "context", by_role["x"][1]: "q"})
    elif "x" in by_role:
        found.append({by_role["x"][0]: "x"})
    elif "q" in by_role and "k" in by_role:
        found.append({by_role["q"][0]: "q", by_role["k"][0]: "context"})
    elif len(by_role.get("q", [])) == 1 and len(required) <= 1:
        found.append({by_role["q"][0]: "x"})
    positional = [
        item.name
        for item in usable
        if roles[item.name] in (None, "q", "k", "v", "x", "context", "kv")
        and (item.required or roles[item.name] in ("q", "k", "v", "x"))
    ]
    if len(positional) >= 3:
        found.append(dict(zip(positional, ("q", "k", "v"), strict=False)))
    if len(positional) == 2:
        found.append(dict(zip(positional, ("q", "context"), strict=True)))
    if positional:
        found.append({positional[0]: "x"})
    elif usable and not found:
        found.append({usable[0].name: "x"})
    distinct: list[dict[str, str]] = []
    for sources in found:
        if sources not in distinct:
            distinct.append(sources)
    return distinct[:4]


def _literal(name: str, found: str | None, sizes: Sizes) -> Any:
    match found:
        case "heads":
            return sizes.heads
        case "head_dim":
            return sizes.head_width
        case "scale":
            return value_for(name if meaning(name) else "scale", sizes)
        case "causal" | "need":
            return found == "causal" and sizes.causal
        case "dropout":
            return {"$": "rate"}
        case "weight" | "bias":
            return {"$": found, "name": name}
    return None

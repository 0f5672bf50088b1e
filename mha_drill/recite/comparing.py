"""Whether a learner's line means what a line of the reference means, up to names; and where it first does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from mha_drill.recite.forms import LOW, Form
from mha_drill.recite.names import State
from mha_drill.recite.statements import Statement

COMMUTES: Final = frozenset({"+", "*", "&", "|", "and", "or", "==", "!="})
KEEPS_RANK: Final = frozenset(
    {"transpose", "softmax", "masked_fill", "matmul", "operator", "contiguous", "tril"}
)
EVERYWHERE: Final = ("__init__", "forward", "__call__")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two lines part. reason: a key of `words/recite.toml`; yours: as it was written."""

    reason: str
    yours: str = ""
    expected: Form | None = None
    found: Form | None = None


class Comparison:
    """Compares lines of one function. aliases: what the reference's short names stand for; ranks: their axes."""

    def __init__(
        self, scope: str, aliases: Mapping[str, Form], ranks: Mapping[str, int], rank: int | None
    ) -> None:
        self.scope = scope
        self.aliases = aliases
        self.ranks = ranks
        self.line_rank = rank
        self.difference: Difference | None = None

    def statement(self, reference: Statement, learner: Statement, state: State) -> State | None:
        """Return the state after the line, None when it is another line; `difference` then tells where."""
        self.difference = None
        if reference.kind != learner.kind:
            return self._part("kind", learner.value)
        if reference.kind == "def":
            return self._function(reference, learner, state)
        if reference.kind == "class":
            after = self._each(reference.value.parts, learner.value.parts, state, learner.value)
            name = str(learner.value.value)
            return after.bind("", str(reference.value.value), name) if after else None
        if reference.kind == "import":
            same = reference.value == learner.value
            return state if same else self._part("value", learner.value)
        after = self.same(reference.value, learner.value, state)
        if after is None or reference.kind != "assign":
            return after if after is None else self._buffer(reference, learner, after)
        return self._targets(reference, learner, after)

    def _buffer(self, reference: Statement, learner: Statement, state: State) -> State:
        """`register_buffer("mask", ...)` binds `self.mask`."""
        if reference.kind == "expression" and reference.value.value == "self.register_buffer":
            names = [str(each.value.parts[0].value) for each in (reference, learner)]
            return state.bind(self.scope, f"self.{names[0]}", f"self.{names[1]}")
        return state

    def _targets(self, reference: Statement, learner: Statement, state: State) -> State | None:
        if len(reference.targets) != len(learner.targets):
            return self._part("count", learner.value)
        for one, other in zip(reference.targets, learner.targets, strict=True):
            if one.kind != other.kind or one.kind not in ("name", "attribute"):
                return self._part("target", other)
            prefix = "self." if one.kind == "attribute" else ""
            if prefix and other.parts[0] != Form("name", "self"):
                return self._part("target", other)
            if self.scope and one.kind == "name" and state.means(self.scope, "self", str(other.value)):
                return self._part("target", other)
            state = state.bind(self.scope, f"{prefix}{one.value}", f"{prefix}{other.value}")
            if learner.value.kind == "contiguous":
                state = replace(state, contiguous=state.contiguous | {str(other.value)})
        return state

    def _function(self, reference: Statement, learner: Statement, state: State) -> State | None:
        names = str(reference.value.value), str(learner.value.value)
        if names[0] != names[1] and (names[0] in EVERYWHERE or names[1] in EVERYWHERE):
            return self._part("function-name", learner.value)
        if len(reference.targets) != len(learner.targets):
            return self._part(
                "fewer" if len(learner.targets) < len(reference.targets) else "more", learner.value
            )
        state = state.bind("", *names)
        pairs = zip(reference.targets, learner.targets, reference.defaults, learner.defaults, strict=True)
        for one, other, wanted, given in pairs:
            if other.kind == "starred":
                return self._part("target", other)
            if wanted is not None and not _default_fits(wanted, given):
                return self._part("default", other)
            if str(one.value) == "self" and str(other.value) != "self":
                return self._part("target", other)
            state = state.bind(self.scope, str(one.value), str(other.value))
        return state

    def same(self, one: Form, other: Form, state: State) -> State | None:
        """Return the state when two expressions mean the same, None otherwise."""
        if one.kind == "name":
            return self._name(one, other, state)
        if other.kind == "contiguous" and one.kind != "contiguous":
            return self.same(one, other.parts[0], state)  # a copy too many harms nothing
        if one.kind in ("view", "reshape") and other.kind in ("view", "reshape", "flatten"):
            return self._reshaped(one, other, state)
        if one.kind == other.kind == "transpose" and len(one.parts) == len(other.parts) == 3:
            return self._transposed(one, other, state)
        if one.kind == other.kind == "softmax" and len(one.parts) == len(other.parts) == 2:
            if self._axis(one.parts[0], one.parts[1]) != self._axis(one.parts[0], other.parts[1]):
                return self._part("axis", other.parts[1], one)
            return self.same(one.parts[0], other.parts[0], state)
        if one.kind == other.kind == "size" and len(other.parts) == 2:
            if self._axis(one.parts[0], one.parts[1]) != self._axis(one.parts[0], other.parts[1]):
                return self._part("axis", other.parts[1], one)
            return self.same(one.parts[0], other.parts[0], state)
        if one.kind == other.kind == "masked_fill" and len(one.parts) == len(other.parts) == 3:
            return self._filled(one, other, state)
        if one.kind == "number":
            agree = other.kind == "number" and float(str(one.value)) == float(str(other.value))
            return state if agree else self._part("number" if other.kind == "number" else "other", other, one)
        if one.kind == "attribute" and one.parts[0] == Form("name", "self"):
            return self._attribute(one, other, state)
        if one.kind == other.kind == "operator" and one.value == other.value and one.value in COMMUTES:
            return self._either_way(one, other, state)
        if one.kind == "constant" and isinstance(one.value, str):
            return (
                state
                if other.kind == "constant" and isinstance(other.value, str)
                else self._part("other", other, one)
            )
        if one.kind != other.kind or one.value != other.value:
            return self._parted(one, other, state)
        return self._each(one.parts, other.parts, state, other)

    def _name(self, one: Form, other: Form, state: State) -> State | None:
        reference = str(one.value)
        if other.kind == "name" and state.means(self.scope, reference, str(other.value)):
            return state
        if (alias := self.aliases.get(reference)) is not None:
            before = self.difference
            if (after := self.same(alias, other, state)) is not None:
                self.difference = before
                return after
            self.difference = before
        if other.kind != "name":
            return self._parted(one, other, state)
        known = state.known(self.scope, str(other.value))
        return self._part("other-name" if known else "unknown-name", other, one)

    def _attribute(self, one: Form, other: Form, state: State) -> State | None:
        if other.kind != "attribute" or other.parts[0] != Form("name", "self"):
            return self._parted(one, other, state)
        names = f"self.{one.value}", f"self.{other.value}"
        if state.means(self.scope, *names):
            return state
        return self._part("other-name" if state.known(self.scope, names[1]) else "unknown-name", other, one)

    def _reshaped(self, one: Form, other: Form, state: State) -> State | None:
        inner = other.parts[0]
        safe = inner.kind == "name" and str(inner.value) in state.contiguous
        if one.kind == "reshape" and other.kind == "view" and not safe:
            return self._part("contiguous", other, one)
        if other.kind == "flatten":
            at = [part.value for part in other.parts[1:]]
            if (
                one.kind != "reshape"
                or len(one.parts) != 4
                or at not in ([2], [-2], [2, 3], [2, -1], [-2, -1])
            ):
                return self._part("other", other, one)
            return self.same(one.parts[0], inner, state)
        after = self.same(one.parts[0], inner, state)
        if after is None:
            return None
        if len(one.parts) != len(other.parts):
            return self._part("count", other, one)
        free = [part == Form("number", -1) for part in other.parts[1:]]
        if sum(free) > 1:
            return self._part("number", other, one)
        for left, right, inferred in zip(one.parts[1:], other.parts[1:], free, strict=True):
            if not inferred and (after := self.same(left, right, after)) is None:
                return None
        return after

    def _transposed(self, one: Form, other: Form, state: State) -> State | None:
        base = one.parts[0]
        wanted, given = ({self._axis(base, part) for part in each.parts[1:]} for each in (one, other))
        if wanted != given or None in given:
            return self._part("axis", other, one)
        return self.same(base, other.parts[0], state)

    def _filled(self, one: Form, other: Form, state: State) -> State | None:
        (base, mask, fill), (your_base, your_mask, your_fill) = one.parts, other.parts
        after = self.same(base, your_base, state)
        if after is None:
            return None
        if mask.kind == "invert" and _is_zero_test(your_mask):
            after = self.same(mask.parts[0], your_mask.parts[0], after)
        elif mask.kind == "invert" and your_mask.kind != "invert":
            return self._part("inverted", your_mask, one)
        else:
            after = self.same(mask, your_mask, after)
        if after is None:
            return None
        if _is_low(fill):
            return after if _is_low(your_fill) else self._part("fill", your_fill, one)
        return self.same(fill, your_fill, after)

    def _either_way(self, one: Form, other: Form, state: State) -> State | None:
        found = self._each(one.parts, other.parts, state, other)
        if found is None and len(other.parts) == 2:
            first = self.difference
            self.difference = None
            found = self._each(one.parts, other.parts[::-1], state, other)
            self.difference = first if found is None else None
        return found

    def _each(
        self, ones: tuple[Form, ...], others: tuple[Form, ...], state: State, whole: Form
    ) -> State | None:
        for one, other in zip(ones, others, strict=False):
            after = self.same(one, other, state)
            if after is None:
                return None
            state = after
        if len(ones) != len(others):
            return self._part("fewer" if len(others) < len(ones) else "more", whole)
        return state

    def _parted(self, one: Form, other: Form, state: State) -> State | None:
        """Say how two different nodes differ: something is missing around one, or too much around the other."""
        apart = Comparison(self.scope, self.aliases, self.ranks, self.line_rank)
        if any(
            apart.same(part, other, state) is not None
            for part in one.parts
            if part.size > 0 and part.kind != "number"
        ):
            return self._part("missing", other, one)
        if any(apart.same(one, part, state) is not None for part in other.parts):
            return self._part("extra", other, one)
        if one.kind == other.kind == "operator":
            return self._part("operator", other, one)
        return self._part("other", other, one)

    def _part(self, reason: str, yours: Form, expected: Form | None = None) -> State | None:
        if self.difference is None:
            self.difference = Difference(reason, yours.said or str(yours.value), expected, yours)
        return None

    def _axis(self, base: Form, at: Form) -> object:
        """Return an axis counted from the end, where the number of axes is known."""
        if at.kind != "number" or not isinstance(at.value, int):
            return None
        rank = self.rank(base)
        if rank is None or not -rank <= at.value < rank:
            return at.value
        return at.value % rank - rank

    def rank(self, form: Form) -> int | None:
        """Return how many axes an expression of the reference has."""
        if form.kind == "name":
            return self.ranks.get(str(form.value), self.line_rank)
        if form.kind in ("view", "reshape"):
            return len(form.parts) - 1
        if form.kind == "apply" and len(form.parts) > 1:
            return self.rank(form.parts[1])
        return self.rank(form.parts[0]) if form.kind in KEEPS_RANK and form.parts else self.line_rank


def _is_low(form: Form) -> bool:
    return form.kind == "number" and float(str(form.value)) <= LOW


def _is_zero_test(form: Form) -> bool:
    zero = form.kind == "operator" and form.value == "==" and form.parts[1].kind in ("number", "constant")
    return zero and form.parts[1].value in (0, False) and form.parts[1].value is not None


def _default_fits(wanted: Form, given: Form | None) -> bool:
    """A rate may be any; None has to be None."""
    if given is None:
        return False
    if wanted.kind == "number":
        return given.kind == "number" and 0 <= float(str(given.value)) < 1
    return wanted == given

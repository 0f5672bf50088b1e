"""What a typed line is in a recitation: one line of the reference, several in one, a part of one, or wrong.

Names are free, so one line can stand for several of the reference's (`self.a = nn.Linear(...)` for any of the
four maps): every reading that fits is kept, and later lines decide. Lines that do not build on each other may
come in any order, and one may be written inside the next (`q = self.w_q(x).view(...)`) or spread over two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final, Literal

from mha_drill.recite.comparing import Comparison, Difference
from mha_drill.recite.forms import Form
from mha_drill.recite.names import State
from mha_drill.recite.reference import Line, Reference, is_alias
from mha_drill.recite.statements import Statement, names_in, read_line

MOST_READINGS: Final = 64
ALIKE: Final = 0.4
"""Below this a wrong line is no attempt at any line that could come, and is not taken apart."""

Outcome = Literal["right", "part", "text", "wrong", "later", "again"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a typed line. line: the reference's it was meant for, where that is known."""

    outcome: Outcome
    line: Line | None = None
    difference: Difference | None = None
    written: tuple[Line, ...] = ()


class Recitation:
    """A recitation of one reference so far."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.states: list[State] = [State()]

    @property
    def state(self) -> State:
        """The plainest reading of what was written."""
        return self.states[0]

    @property
    def next(self) -> Line | None:
        """The first line that is not written yet."""
        return next((line for line in self.reference.lines if line.at not in self.state.done), None)

    def give(self, line: Line) -> None:
        """Take a line as written the way it is shown: with the learner's own names where there are any."""
        self.states = [self._given(line, state) for state in self.states]

    def _given(self, line: Line, state: State) -> State:
        statement = line.statement
        names = [
            (_prefix(target), str(target.value)) for target in statement.targets if target.kind != "starred"
        ]
        if statement.kind in ("class", "def"):
            state = state.bind("", str(statement.value.value), str(statement.value.value))
        if statement.value.value == "self.register_buffer":
            names.append(("self.", str(statement.value.parts[0].value)))
        for prefix, name in names:
            learner = state.said(line.scope, f"{prefix}{name}")
            state = state.bind(line.scope, f"{prefix}{name}", f"{prefix}{learner}")
        return self._settled(replace(state, done=state.done | {line.at}))

    def offer(self, typed: str, only: Line | None = None) -> Verdict:
        """Take a typed line for what it is; raises Unreadable. only: the one line it may be."""
        statements = read_line(typed)
        if not statements or all(statement.kind == "text" for statement in statements):
            return Verdict("text")
        before = self.states
        written: tuple[Line, ...] = ()
        verdict = Verdict("text")
        for statement_at, statement in enumerate(statements):
            if statement.kind == "text":
                continue
            verdict = self._offered(typed, statement_at, only)
            if verdict.outcome not in ("right", "part"):
                self.states = before
                return verdict
            written += verdict.written
        return replace(verdict, written=written)

    def _offered(self, typed: str, at: int, only: Line | None) -> Verdict:
        found: list[tuple[State, tuple[Line, ...]]] = []
        for state in self.states:
            statement = read_line(typed, state.pending)[at]
            for chain, reference in self._candidates(state, only):
                after = self._comparison(chain[-1]).statement(reference, statement, state)
                if after is not None:
                    done = frozenset(line.at for line in chain)
                    order = (*after.order, chain[0].at)
                    found.append((self._settled(replace(after, done=after.done | done, order=order)), chain))
        if found:
            found.sort(key=lambda pair: (-pair[0].kept, pair[0].order))
            plainest = [state for state, _ in found if state.kept == found[0][0].kept]
            self.states = _distinct(plainest)[:MOST_READINGS]
            return Verdict("right", found[0][1][-1], None, found[0][1])
        partly = [
            after for state in self.states if (after := self._partly(state, typed, at, only)) is not None
        ]
        if partly:
            self.states = partly
            return Verdict("part")
        return self._wrong(typed, at, only)

    def _candidates(self, state: State, only: Line | None) -> list[tuple[tuple[Line, ...], Statement]]:
        """Return what may be written now: single lines, and chains of lines written in one."""
        ready = [line for line in self.reference.lines if self._ready(line, state.done)]
        if only is not None:
            ready = [line for line in ready if line.at == only.at]
        found: list[tuple[tuple[Line, ...], Statement]] = []
        for line in ready:
            chain: tuple[Line, ...] = (line,)
            statement = line.statement
            found.append((chain, statement))
            while only is None and (longer := self._joined(chain, statement, state.done)) is not None:
                chain, statement = longer
                found.append((chain, statement))
        return found

    def _ready(self, line: Line, done: Collection[int]) -> bool:
        if line.at in done:
            return False
        waiting = self.reference.before[line.at] - set(done)
        return all(self.reference.lines[at].optional for at in waiting)

    def _joined(
        self, chain: tuple[Line, ...], statement: Statement, done: Collection[int]
    ) -> tuple[tuple[Line, ...], Statement] | None:
        """Return the chain with the next line that takes in what it makes, where nobody else wants that."""
        last = chain[-1]
        if statement.kind != "assign" or len(statement.targets) != 1 or statement.targets[0].kind != "name":
            return None
        name = str(statement.targets[0].value)
        later = [line for line in self.reference.lines[last.at + 1 :] if line.scope == last.scope]
        readers = [line for line in later if name in line.reads]
        if (
            not readers
            or readers[0].block != last.block
            or readers[0].statement.kind not in ("assign", "return", "expression")
        ):
            return None
        reader = readers[0]
        kept = name not in reader.statement.writes() and len(readers) > 1
        if kept or not self._ready(reader, {*done, *(line.at for line in chain)}):
            return None
        value = _replaced(reader.statement.value, name, statement.value)
        return (*chain, reader), replace(reader.statement, value=value)

    def _partly(self, state: State, typed: str, at: int, only: Line | None) -> State | None:
        """Return the state where the line is a part of one to come, or only names a size or an attribute."""
        statement = read_line(typed, state.pending)[at]
        if statement.kind != "assign" or not all(target.kind == "name" for target in statement.targets):
            return None
        value = statement.value
        if only is None and (named := _names_sizes(statement)) is not None:
            fits = self._sizes_fit(named, value, state)
            return replace(state, pending={**state.pending, **named}) if fits else None
        if len(statement.targets) != 1 or value.kind in ("name", "number", "constant"):
            return None
        for chain, reference in self._candidates(state, only):
            for part in _inner(reference.value):
                if self._comparison(chain[-1]).same(part, value, state) is not None:
                    return replace(state, pending={**state.pending, str(statement.targets[0].value): value})
        return None

    def _sizes_fit(self, named: Mapping[str, Form], value: Form, state: State) -> bool:
        """Tell whether sizes are taken of what is known, and a name of the reference's means what it means there."""
        line = next(
            (line for line in self.reference.lines if self._ready(line, state.done) and not line.frame), None
        )
        if line is None:
            return False
        meant = self.reference.aliases(
            [each for each in self.reference.lines if each.scope == line.scope][-1]
        )
        for name, form in named.items():
            if name in meant and self._comparison(line).same(meant[name], form, state) is None:
                return False
        return all(state.known(line.scope, name) or name == "self" for name in names_in(value))

    def _wrong(self, typed: str, at: int, only: Line | None) -> Verdict:
        """Say which line a wrong one was meant for, and where it parts from it."""
        state = self.state
        statement = read_line(typed, state.pending)[at]
        best: tuple[float, Line, Difference | None] | None = None
        for chain, reference in self._candidates(state, only):
            comparison = self._comparison(chain[-1])
            comparison.statement(reference, statement, state)
            alike = SequenceMatcher(
                None, _tokens(typed), _tokens(" ".join(line.text for line in chain))
            ).ratio()
            alike += 0.2 if reference.kind == statement.kind else 0.0
            if comparison.difference and (best is None or alike > best[0] + 1e-9):
                best = (alike, chain[-1], comparison.difference)
        if best is None or best[0] < 1.15:  # not a slip in a line that could come: perhaps one that could not
            for line in self.reference.lines:
                comparison = self._comparison(line)
                if only is None and comparison.statement(line.statement, statement, state) is not None:
                    if line.at in state.done:
                        return Verdict("again", line)
                    return Verdict("later", self.next or line, Difference("later", line.step))
        if best is None or best[0] < ALIKE:
            return Verdict("wrong", only or self.next, Difference("nothing"))
        return Verdict("wrong", best[1], best[2])

    def _comparison(self, line: Line) -> Comparison:
        reference = self.reference
        return Comparison(line.scope, reference.aliases(line), reference.ranks(line), line.rank)

    def _settled(self, state: State) -> State:
        """Count as written what can be done without, once nothing to come reads it or its function is over."""
        left = [line for line in self.reference.lines if line.at not in state.done]
        wanted: set[tuple[str, str]] = set()
        done = set(state.done)
        for line in reversed(left):
            writes = {(line.scope, name) for name in line.writes}
            over = any(self.reference.lines[at].scope != line.scope for at in state.done if at > line.at)
            if line.optional and not writes & wanted and (line.alias or over):
                done.add(line.at)
            wanted |= {(line.scope, name) for name in line.reads}
        return replace(state, done=frozenset(done))


def _prefix(target: Form) -> str:
    return "self." if target.kind == "attribute" else ""


def _replaced(form: Form, name: str, by: Form) -> Form:
    """Return the form with a name replaced by what it stands for."""
    if form.kind == "name" and form.value == name:
        return by
    if not form.parts:
        return form
    made = replace(form, parts=tuple(_replaced(part, name, by) for part in form.parts))
    if made.kind == "view" and made.parts[0].kind == "contiguous":
        return Form("reshape", "", (made.parts[0].parts[0], *made.parts[1:]), made.said)
    return made


def _inner(form: Form) -> list[Form]:
    """Return the operations inside an expression, the expression itself left out."""
    found: list[Form] = []
    for part in form.parts:
        if part.kind not in ("name", "number", "constant", "global", "attribute", "size", "tuple", "keyword"):
            found.append(part)
        found.extend(_inner(part))
    return found


def _names_sizes(statement: Statement) -> dict[str, Form] | None:
    """Return what an extra line of short names stands for, None where it does more than that."""
    value, targets = statement.value, [str(target.value) for target in statement.targets]
    parts = value.parts if value.kind == "tuple" else (value,)
    if not all(map(is_alias, parts)):
        return None
    if len(parts) == len(targets):
        return dict(zip(targets, parts, strict=True))
    if value.value == "shape":
        sizes = [Form("size", "", (value.parts[0], Form("number", at))) for at in range(len(targets))]
        return dict(zip(targets, sizes, strict=True))
    return None


def _tokens(text: str) -> list[str]:
    import re

    return re.findall(r"\w+|[^\w\s]", text)


def _distinct(states: Sequence[State]) -> list[State]:
    seen: list[tuple[object, ...]] = []
    kept: list[State] = []
    for state in states:
        mark = (
            state.done,
            sorted(state.forth.items()),
            sorted(state.pending.items(), key=lambda pair: pair[0]),
        )
        if mark not in seen:
            seen.append(mark)
            kept.append(state)
    return kept

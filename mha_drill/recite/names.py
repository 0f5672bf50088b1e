"""Which of the learner's names stands for which of the reference's, as a recitation goes on. Values, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mha_drill.recite.forms import Form

FIXED = frozenset({"self", "forward", "super"})


@dataclass(frozen=True, slots=True)
class State:
    """One reading of what was typed so far.

    done: the reference's lines that are written. forth, back: reference name -> learner's, and the way back; a
    variable is known by its function and name, an attribute as `self.x`. pending: what the learner's own
    in-between names stand for. contiguous: names whose tensor was made contiguous. kept: how many names are
    the reference's own, order: in which its lines were written, to prefer the plainest reading.
    """

    done: frozenset[int] = frozenset()
    forth: Mapping[str, str] = field(default_factory=dict)
    back: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, Form] = field(default_factory=dict)
    contiguous: frozenset[str] = frozenset()
    kept: int = 0
    order: tuple[int, ...] = ()

    def bind(self, scope: str, reference: str, learner: str) -> State:
        """Return the state in which the learner's name stands for the reference's from now on."""
        one, other = key(scope, reference), key(scope, learner)
        forth, back = dict(self.forth), dict(self.back)
        if (before := forth.get(one)) is not None and back.get(before) == one:
            del back[before]
        if (lost := back.get(other)) is not None and forth.get(lost) == other:
            del forth[lost]
        forth[one], back[other] = other, one
        pending = {name: form for name, form in self.pending.items() if name != learner}
        return replace(
            self,
            forth=forth,
            back=back,
            pending=pending,
            contiguous=self.contiguous - {learner},
            kept=self.kept + (reference == learner),
        )

    def means(self, scope: str, reference: str, learner: str) -> bool:
        """Tell whether the learner's name stands for the reference's."""
        one, other = key(scope, reference), key(scope, learner)
        if one in self.forth:
            return self.forth[one] == other and self.back.get(other) == one
        return (
            reference == learner and other not in self.back and (reference in FIXED or one not in self.back)
        )

    def known(self, scope: str, learner: str) -> bool:
        """Tell whether the learner's name stands for anything."""
        return key(scope, learner) in self.back

    def said(self, scope: str, reference: str) -> str:
        """Return the name that the learner has for a name of the reference."""
        found = self.forth.get(key(scope, reference))
        return found.rpartition(":")[2].rpartition(".")[2] if found else reference.rpartition(".")[2]


def key(scope: str, name: str) -> str:
    """Return what a name is known by: attributes everywhere alike, variables by their function."""
    return name if name.startswith("self.") else f"{scope}:{name}"

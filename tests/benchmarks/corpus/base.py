"""The nouns of the corpus: a Sample is one file, a Style is one author's way of writing and what goes wrong.

A style is the text of a right file plus *edits*: right variants (other conventions, other layouts) and
wrong ones (a mistake planted where a learner would make it). The strings `make`, `call`, `masked` and
`weights` are Python expressions which only prove.py evaluates, to build the class, call it and read its
weights out. Names free to use there: the file's own names, `m` (what `make` gave), q k v x, keep (bool,
True = may look), B L S D H d, P (dropout probability), NS (SimpleNamespace), watch(mask), torch, np, and
the helpers of `truth.HELPERS`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace

Edit = tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """One file of the corpus. `codes` is empty for a right file; `acceptable` are other true namings."""

    name: str
    style: str
    problem: str
    source: str
    codes: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    acceptable: tuple[frozenset[str], ...] = ()
    held_out: bool = False


@dataclass(frozen=True)
class Drive:
    """How prove.py runs a file: expressions, which inputs it takes, and the shape of mask it understands."""

    make: str
    call: str
    weights: str = "None"
    masked: str = ""
    keep: str = "full"  # full (B,L,S) | pad (B,S) | rows (L,S) | prefix (valid lengths)
    inputs: str = "qkv"  # qkv: three tensors | x: one tensor | ctx: x and a context
    causal: bool = False
    heads: bool = True  # False: one head
    numpy: bool = False
    flipped: bool = False  # the mask's other polarity, which is as right where the problem leaves it open
    tolerance: float = 1e-9  # 1e-6 where the file itself computes a constant in float32


@dataclass(frozen=True)
class Variant:
    """Another right file in the same style: edits on the base text, and what changes in driving it."""

    name: str
    edits: tuple[Edit, ...]
    drive: dict[str, object]
    top: str = ""
    bottom: str = ""


@dataclass(frozen=True)
class Fault:
    'One mistake as edits. `at` marks the guilty line; `also` are other true namings, written "a" or "a+b".'

    code: str
    edits: tuple[Edit, ...]
    on: str = "base"
    at: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    alone: bool = False


def swap(source: str, edits: tuple[Edit, ...]) -> str:
    """Apply edits (old, new), each to be found exactly once; (old, new, "all") may be found often."""
    for edit in edits:
        found = source.count(edit[0])
        if found == 0 or (found > 1 and len(edit) == 2):
            raise ValueError(f"edit found {found} times: {edit[0]!r}")
        source = source.replace(edit[0], edit[1])
    return source


@dataclass
class Style:
    """One author's way of writing; `right` and `wrong` add files to it."""

    name: str
    problem: str
    source: str
    drive: Drive
    variants: list[Variant] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    held_out: bool = False

    def __post_init__(self) -> None:
        self.source = self.source.lstrip("\n")

    def right(self, name: str, *edits: Edit, top: str = "", bottom: str = "", **drive: object) -> Style:
        """Add a right variant."""
        self.variants.append(Variant(name, edits, drive, top.lstrip("\n"), bottom))
        return self

    def wrong(
        self,
        code: str,
        *edits: Edit,
        on: str = "base",
        at: tuple[str, ...] | str = (),
        also: tuple[str, ...] = (),
        alone: bool = False,
    ) -> Style:
        """Add a mistake. A mask turned round is none where its meaning is open: then a right variant."""
        marks = (at,) if isinstance(at, str) else at
        drive = self.driven(on)
        if code == "mask-inverted" and not drive.causal and "sum" not in drive.masked:
            base = () if on == "base" else next(item.edits for item in self.variants if item.name == on)
            changes = (
                {} if on == "base" else dict(next(item.drive for item in self.variants if item.name == on))
            )
            return self.right(f"{on}-other-polarity", *base, *edits, **{**changes, "flipped": True})
        self.faults.append(Fault(code, edits, on, marks, also, alone))
        return self

    def text(self, variant: str = "base") -> str:
        """The right text of a variant."""
        if variant == "base":
            return self.source
        chosen = next(item for item in self.variants if item.name == variant)
        return chosen.top + swap(self.source, chosen.edits) + chosen.bottom

    def driven(self, variant: str = "base") -> Drive:
        """How to run that variant."""
        if variant == "base":
            return self.drive
        chosen = next(item for item in self.variants if item.name == variant)
        return replace(self.drive, **chosen.drive)  # type: ignore[arg-type]

    def names(self) -> list[str]:
        """All right variants, the base first."""
        return ["base", *(item.name for item in self.variants)]


def changed_lines(right: str, wrong: str, marks: tuple[str, ...]) -> tuple[int, ...]:
    """The lines of `wrong` that are not in `right`; with marks, only those which hold one of the marks."""
    before, after = right.splitlines(), wrong.splitlines()
    changed: list[int] = []
    for kind, _, _, start, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind in ("replace", "insert"):
            changed.extend(number + 1 for number in range(start, end) if after[number].strip())
    if marks:
        return tuple(n + 1 for n, line in enumerate(after) if any(mark in line for mark in marks))
    return tuple(changed)

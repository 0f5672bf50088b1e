"""A reference solution as lines to recite: what each means, its step, and which lines have to come before it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass, field
from functools import cached_property

from mha_drill.recite.forms import Form
from mha_drill.recite.statements import Statement, read_line

# Which step a line belongs to: the first pattern found in its text. "" is what frames the steps.
_STEPS: tuple[tuple[str, str], ...] = (
    ("", r"^(class|import|from|def|super\(\))|__init__"),
    ("softmax", r"softmax"),
    ("mask", r"mask|tril|bias|lower"),
    ("dropout", r"[dD]ropout"),
    ("output", r"o_proj"),
    ("project", r"[qkv]_proj"),
    ("merge", r"contiguous"),
    ("scale", r"sqrt|d_k = d_k|self\.d_model = d_model"),
    ("score", r"matmul\((q|query),"),
    ("weigh", r"matmul\(|output"),
    ("split", r"\.view|heads|\.shape|\.size|d_k|d_model % |transpose"),
)
_SHAPE = re.compile(r"#\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Line:
    """One line to recite. number: in the file. scope: the function it stands in. block: the heads above it."""

    at: int
    number: int
    text: str
    indent: int
    statement: Statement
    scope: str
    step: str
    rank: int | None
    block: tuple[int, ...]

    @property
    def frame(self) -> bool:
        """Whether it is given until everything is asked for: imports, `class`, `def` and `super`."""
        return self.statement.kind in ("import", "class", "def") or self.statement.value.kind == "super-init"

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names it reads."""
        return self.statement.reads()

    @cached_property
    def writes(self) -> frozenset[str]:
        """The names it binds."""
        return self.statement.writes()

    @cached_property
    def alias(self) -> bool:
        """Whether it only gives sizes and attributes a short name, so that one can do without it."""
        statement = self.statement
        parts = statement.value.parts if statement.value.kind == "tuple" else (statement.value,)
        plain = all(target.kind == "name" for target in statement.targets)
        return statement.kind == "assign" and plain and all(map(is_alias, parts))

    @property
    def optional(self) -> bool:
        """Whether the answer is whole without it: short names, and the check that the heads divide the width."""
        return self.alias or self.statement.kind == "assert"


def is_alias(form: Form) -> bool:
    """Tell whether an expression is an attribute or a size of something named, and no more."""
    return (
        form.kind in ("attribute", "size")
        and form.parts[0].kind == "name"
        and all(part.kind == "number" for part in form.parts[1:])
    )


@dataclass
class Reference:
    """The lines of one solution; `before[i]` are the lines that have to be written before line i."""

    lines: tuple[Line, ...]
    source: str = field(repr=False, default="")
    _aliases: dict[int, dict[str, Form]] = field(default_factory=dict, repr=False)
    _ranks: dict[int, dict[str, int]] = field(default_factory=dict, repr=False)

    @cached_property
    def before(self) -> tuple[frozenset[int], ...]:
        """For each line the lines it builds on."""
        return tuple(
            frozenset(one.at for one in self.lines[: line.at] if _waits(line, one)) for line in self.lines
        )

    def aliases(self, line: Line) -> dict[str, Form]:
        """Return what the short names that can be used in a line stand for."""
        if line.at in self._aliases:
            return self._aliases[line.at]
        found: dict[str, Form] = {}
        for earlier in self.lines[: line.at]:
            if earlier.scope != line.scope or earlier.statement.kind != "assign":
                continue
            found = {name: form for name, form in found.items() if name not in earlier.statement.writes()}
            if earlier.alias:
                found |= _stands_for(earlier.statement)
        self._aliases[line.at] = found
        return found

    def ranks(self, line: Line) -> dict[str, int]:
        """Return how many axes the names have, as far as the shapes at the line ends tell."""
        if line.at in self._ranks:
            return self._ranks[line.at]
        found: dict[str, int] = {}
        for earlier in self.lines[: line.at + 1]:
            if earlier.scope != line.scope:
                continue
            statement = earlier.statement
            if statement.value.kind == "attribute" and statement.value.value == "shape":
                found[str(statement.value.parts[0].value)] = len(statement.targets)
            if earlier.at < line.at and earlier.rank and len(statement.targets) == 1:
                found[str(statement.targets[0].value)] = earlier.rank
        self._ranks[line.at] = found
        return found


def read_reference(source: str) -> Reference:
    """Return the lines of a solution; docstrings and comments are none."""
    texts = without_comments(source)
    shapes = source.splitlines()
    lines: list[Line] = []

    def walk(body: list[ast.stmt], scope: str, block: tuple[int, ...]) -> None:
        for node in body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            text = texts[node.lineno - 1].strip()
            (statement, *_) = read_line(text)
            inside = f"{node.name}@{node.lineno}" if isinstance(node, ast.FunctionDef) else scope
            found = _SHAPE.search(shapes[node.lineno - 1])
            at = len(lines)
            lines.append(
                Line(
                    at=at,
                    number=node.lineno,
                    text=text,
                    indent=node.col_offset,
                    statement=statement,
                    scope=inside,
                    step=_step(text, inside),
                    rank=len(found[1].split(",")) if found else None,
                    block=block,
                )
            )
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.If)):
                walk(node.body, inside, (*block, at))

    walk(ast.parse(source).body, "", ())
    return Reference(tuple(lines), source)


def _step(text: str, scope: str) -> str:
    step = next((step for step, pattern in _STEPS if re.search(pattern, text)), "")
    return "merge" if scope.startswith("merge") and step else step


def _waits(line: Line, one: Line) -> bool:
    """Tell whether `line` can only be written after `one`."""
    if line.statement.kind == "import":
        return False
    if one.at in line.block or one.statement.kind == "import":
        return True
    if (
        line.scope != one.scope
        or one.statement.kind in ("class", "def")
        or line.statement.kind in ("class", "def")
    ):
        return line.scope != one.scope or line.statement.kind in ("class", "def") or one.at in line.block
    if line.statement.kind == "return" or one.statement.value.kind == "super-init":
        return True
    reads, writes = line.statement.reads() - {"self"}, _writes(line)
    return bool(_writes(one) & (reads | writes) or one.statement.reads() & writes) or _block_apart(line, one)


def _block_apart(line: Line, one: Line) -> bool:
    """Tell whether `one` stands in a block that has ended before `line`."""
    return len(one.block) > len(line.block) or (one.statement.kind == "if" and one.at not in line.block)


def _writes(line: Line) -> frozenset[str]:
    if line.statement.value.value == "self.register_buffer":
        return frozenset({f"self.{line.statement.value.parts[0].value}"})
    return line.statement.writes()


def _stands_for(statement: Statement) -> dict[str, Form]:
    value, targets = statement.value, [str(target.value) for target in statement.targets]
    if value.kind == "tuple":
        return dict(zip(targets, value.parts, strict=False))
    if value.kind == "attribute" and value.value == "shape" and len(targets) > 1:
        base = value.parts[0]
        return {name: Form("size", "", (base, Form("number", at))) for at, name in enumerate(targets)}
    return {targets[0]: value}


def without_comments(source: str) -> list[str]:
    """Return the lines of a source with their comments taken away."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return lines

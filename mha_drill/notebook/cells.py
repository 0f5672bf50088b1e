"""Of the cells run so far, what the answer needs: its definition, what that uses, and what is patched onto it.

Training loops, plots and prints stay out: they would be run again, for minutes, in the judge. What a name
needs is found by its use, and stands in the order it was run in; a definition run again takes the old one's
place. Called by `mha_drill.notebook`.
"""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mha_drill.judge.magics import plain, statements

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that is judged: its number, and the line its first line has in what is judged."""

    number: int
    line: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """One statement at the top of a cell."""

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    patches: frozenset[str]
    uses: frozenset[str]


def joined(cells: Sequence[str], name: str | None = None) -> tuple[str, tuple[Cell, ...]]:
    """Return what to judge, and which cells it is made of; a cell keeps its lines, what is left out is blank.

    name: the answer's; everything defined where it is None. No cells where nothing defines it.
    """
    texts = [plain(cell) for cell in cells]
    pieces = [piece for number, text in enumerate(texts) for piece in _pieces(number, text)]
    kept = _needed(pieces, name)
    lines: list[str] = []
    found: list[Cell] = []
    for number, text in enumerate(texts):
        wanted = {at for piece in kept if piece.cell == number for at in _lines(piece.node)}
        if not wanted:
            continue
        lines.append(f"# In [{number}]")
        found.append(Cell(number, len(lines) + 1))
        lines += [line if at in wanted else "" for at, line in enumerate(text.split("\n"), start=1)]
        while lines and not lines[-1].strip():
            lines.pop()
        lines.append("")
    return "\n".join(lines), tuple(found)


def _pieces(number: int, text: str) -> Iterator[_Piece]:
    for node in statements(text) or ():
        if not _is_ours(node):
            yield _Piece(number, node, _binds(node), _patches(node), _uses(node))


def _is_ours(node: ast.stmt) -> bool:
    """Tell whether a statement is about mha_drill itself."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] == "mha_drill"
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "mha_drill" for alias in node.names)
    return False


def _needed(pieces: list[_Piece], name: str | None) -> list[_Piece]:
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    every = {each for piece in pieces if isinstance(piece.node, defined) for each in piece.binds}
    names = {EVERYTHING} | (every if name is None else {name})
    if name is not None and name not in {each for piece in pieces for each in piece.binds}:
        return []
    kept: set[int] = set()
    grown = True
    while grown:
        grown = False
        for at, piece in enumerate(pieces):
            if at in kept or not (piece.binds | piece.patches) & names or _replaced(pieces, at):
                continue
            kept.add(at)
            names |= piece.uses
            grown = True
    return [pieces[at] for at in sorted(kept)]


def _replaced(pieces: list[_Piece], at: int) -> bool:
    """Tell whether a definition was run again later, without use of the old one."""
    node = pieces[at].node
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return False
    later = [piece.node for piece in pieces[at + 1 :] if node.name in piece.binds]
    return any(isinstance(each, type(node)) and node.name not in _heads(each) for each in later)


def _heads(node: ast.stmt) -> set[str]:
    """Return the names a definition uses while it is being made: bases and decorators."""
    made = [*getattr(node, "bases", []), *getattr(node, "decorator_list", [])]
    return {each.id for part in made for each in ast.walk(part) if isinstance(each, ast.Name)}


def _binds(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return frozenset({node.name})
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return frozenset((alias.asname or alias.name).split(".")[0] for alias in node.names)
    if isinstance(node, ast.Expr):
        return frozenset()
    stored = (each for each in _walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    inner = (each for each in _walk(node) if isinstance(each, (ast.ClassDef, ast.FunctionDef)))
    imported = (each for each in _walk(node) if isinstance(each, (ast.Import, ast.ImportFrom)))
    names = {each.id for each in stored} | {each.name for each in inner}
    return frozenset(names.union(*(_binds(each) for each in imported)))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is run at the top: not what stands inside of functions and classes."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _walk(child)


def _patches(node: ast.stmt) -> frozenset[str]:
    """Return the names a statement sets something of: `MHA.forward = ...`, `sizes["heads"] = ...`, `setattr`."""
    found: set[str] = set()
    for each in _walk(node):
        if (
            isinstance(each, (ast.Attribute, ast.Subscript))
            and isinstance(each.ctx, ast.Store)
            and isinstance(each.value, ast.Name)
        ):
            found.add(each.value.id)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "setattr":
            found |= {each.args[0].id} if each.args and isinstance(each.args[0], ast.Name) else set()
    return frozenset(found)


def _uses(node: ast.stmt) -> frozenset[str]:
    """Return the names of the notebook that a statement reads; the ones of a function's own are no such names."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(ast.unparse(node), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    found = {each.get_name() for each in table.get_symbols() if each.is_referenced()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        found |= {
            each.get_name() for each in scope.get_symbols() if each.is_global() and each.is_referenced()
        }
        inner += scope.get_children()
    return frozenset(found)


def _lines(node: ast.stmt) -> range:
    decorators = [each.lineno for each in getattr(node, "decorator_list", [])]
    return range(min([node.lineno, *decorators]), (node.end_lineno or node.lineno) + 1)

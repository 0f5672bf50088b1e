"""One typed line as statements in one form; used for the learner's lines and for the reference's alike."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mha_drill.recite.forms import Form, Reader, dotted

Kind = Literal["assign", "return", "class", "def", "import", "if", "assert", "expression", "text", "other"]
SOFT_KEYWORD = ("class ", "def ", "if ", "elif ", "else:", "for ", "while ", "with ")


class Unreadable(Exception):
    """Python cannot read the line; `reason` is what it says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: what is bound (`targets`), and its value. For `class` and `def` the value is the name.

    defaults: of a def, one for each parameter, None where it has none. text: docstring, comment or nothing.
    """

    kind: Kind
    value: Form
    targets: tuple[Form, ...] = ()
    defaults: tuple[Form | None, ...] = ()

    def reads(self) -> frozenset[str]:
        """Return the names and `self.` attributes that the statement reads."""
        return names_in(self.value)

    def writes(self) -> frozenset[str]:
        """Return the names and `self.` attributes that it binds."""
        found = frozenset().union(*map(names_in, self.targets)) if self.targets else frozenset()
        return found - {"self"}


def read_line(typed: str, pending: Mapping[str, Form] | None = None) -> tuple[Statement, ...]:
    """Return the statements on one line; raises Unreadable."""
    line = typed.strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a stray backslash is no business of this process
        try:
            body = ast.parse(_completed(line)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Unreadable(getattr(error, "msg", None) or str(error)) from None
    try:
        return tuple(made for node in body for made in _statements(node, Reader(pending)))
    except RecursionError:
        raise Unreadable("too deep") from None


def _completed(line: str) -> str:
    """Return the line with a body where its head wants one, and a function around what stands only in one."""
    if line.startswith("@") or not line.startswith(SOFT_KEYWORD):
        return line
    return f"{line} pass" if line.endswith(":") else line


def _statements(node: ast.stmt, reader: Reader) -> list[Statement]:
    form = reader.form
    match node:
        case ast.Assign(targets=[target], value=value):
            return [
                _assigned(form(target) if not isinstance(target, ast.Name) else _name(target), form(value))
            ]
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return [_assigned(_name(target) if isinstance(target, ast.Name) else form(target), form(value))]
        case ast.AugAssign(target=target, op=op, value=value):
            whole = ast.copy_location(ast.BinOp(_loaded(target), op, value), node)
            return [_assigned(_name(target) if isinstance(target, ast.Name) else form(target), form(whole))]
        case ast.Return(value=value):
            return [Statement("return", form(value) if value else Form("nothing"))]
        case ast.ClassDef(name=name, bases=bases, body=body):
            kept = tuple(
                form(base) for base in bases if not (isinstance(base, ast.Name) and base.id == "object")
            )
            return [Statement("class", Form("name", name, kept)), *_body(body, reader)]
        case ast.FunctionDef():
            return [_function(node, reader), *_body(node.body, reader)]
        case ast.Import(names=names):
            bound = sorted(f"{each.asname or each.name}={each.name}" for each in names)
            return [Statement("import", Form("constant", " ".join(bound)))]
        case ast.ImportFrom(module=module, names=names):
            bound = sorted(f"{each.asname or each.name}={module}.{each.name}" for each in names)
            return [Statement("import", Form("constant", " ".join(bound)))]
        case ast.If(test=test, body=body, orelse=[]):
            return [Statement("if", form(test)), *_body(body, reader)]
        case ast.Assert(test=test):
            return [Statement("assert", form(test))]
        case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
            return [Statement("text", Form("nothing"))]
        case ast.Expr(value=value):
            return [Statement("expression", form(value))]
    return [Statement("other", Form("other", type(node).__name__))]


def _body(body: list[ast.stmt], reader: Reader) -> list[Statement]:
    return [made for each in body if not isinstance(each, ast.Pass) for made in _statements(each, reader)]


def _name(target: ast.Name) -> Form:
    return Form("name", target.id, said=target.id)


def _loaded(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _assigned(target: Form, value: Form) -> Statement:
    """Return an assignment; a tuple of all sizes in order is the shape."""
    targets = target.parts if target.kind == "tuple" else (target,)
    if value.kind == "tuple" and len(value.parts) == len(targets) > 1:
        sizes = [part for part in value.parts if part.kind == "size"]
        in_order = [part.parts[1] == Form("number", at) for at, part in enumerate(sizes)]
        if len(sizes) == len(targets) and all(in_order) and len({part.parts[0] for part in sizes}) == 1:
            value = Form("attribute", "shape", (sizes[0].parts[0],), value.said)
    return Statement("assign", value, targets)


def _function(node: ast.FunctionDef, reader: Reader) -> Statement:
    arguments = node.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    positional = len(arguments.posonlyargs) + len(arguments.args)
    defaults: list[Form | None] = [None] * (positional - len(arguments.defaults))
    defaults += [reader.form(each) for each in arguments.defaults]
    defaults += [reader.form(each) if each else None for each in arguments.kw_defaults]
    targets = [Form("name", each.arg, said=each.arg) for each in names]
    if arguments.vararg or arguments.kwarg:
        targets.append(Form("starred"))
        defaults.append(None)
    return Statement("def", Form("name", node.name), tuple(targets), tuple(defaults))


def names_in(form: Form) -> frozenset[str]:
    """Return the names in a form, attributes of `self` as `self.x`."""
    if form.kind == "attribute" and form.parts[0] == Form("name", "self"):
        return frozenset({f"self.{form.value}"})
    if form.kind == "name":
        return (
            frozenset({str(form.value)}) | frozenset().union(*map(names_in, form.parts))
            if form.parts
            else (frozenset({str(form.value)}))
        )
    if form.kind == "call" and form.value == "self.register_buffer":
        return frozenset().union(*map(names_in, form.parts[1:]))
    return frozenset().union(*map(names_in, form.parts)) if form.parts else frozenset()


__all__ = ["Statement", "Unreadable", "dotted", "names_in", "read_line"]

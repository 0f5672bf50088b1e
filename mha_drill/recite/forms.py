"""One form for every spelling of an expression: the meaning of a line up to names. Used by `recite.comparing`.

`a @ b`, `a.matmul(b)` and `torch.matmul(input=a, other=b)` become one node; so do `F.softmax(x, dim=-1)` and
`x.softmax(-1)`, `x.size(1)` and `x.shape[1]`, `d ** -0.5` and `1 / math.sqrt(d)`. `view` and `reshape` stay two
nodes: one stands for the other only where no transposed tensor goes in, which the comparison decides.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MODULES: Final = {
    "torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "math": "math", "np": "numpy", "numpy": "numpy",
}  # fmt: skip
_TENSOR: Final = ("torch.", "torch.nn.functional.")
# Operations that are both a method and a function, with the names of their arguments.
OPERATIONS: Final[dict[str, tuple[str, ...]]] = {
    "matmul": ("input", "other"),
    "softmax": ("input", "dim", "dtype"),
    "transpose": ("input", "dim0", "dim1"),
    "masked_fill": ("input", "mask", "value"),
    "tril": ("input", "diagonal"),
    "flatten": ("input", "start_dim", "end_dim"),
    "where": ("condition", "input", "other"),
    "logical_not": ("input",),
    "sqrt": ("input",),
    "contiguous": ("input",),
    "size": ("input", "dim"),
    "eq": ("input", "other"),
    "div": ("input", "other"),
    "mul": ("input", "other"),
}
LAYERS: Final[dict[str, tuple[str, ...]]] = {
    "torch.nn.Linear": ("in_features", "out_features", "bias", "device", "dtype"),
    "torch.nn.Dropout": ("p", "inplace"),
    "self.register_buffer": ("name", "tensor", "persistent"),
}
DEFAULTS: Final[dict[tuple[str, str], object]] = {
    ("torch.nn.Linear", "bias"): True,
    ("torch.nn.Dropout", "inplace"): False,
    ("self.register_buffer", "persistent"): True,
    ("tril", "diagonal"): 0,
    ("softmax", "dtype"): None,
}
_SAME: Final = {"swapaxes": "transpose", "swapdims": "transpose", "multiply": "mul", "true_divide": "div"}
_OTHER_NAMES: Final = {
    "axis": "dim", "axis0": "dim0", "axis1": "dim1", "tensor": "tensor", "self": "input", "mat2": "other",
}  # fmt: skip
_OPERATORS: Final[dict[type, str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">",
    ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.And: "and", ast.Or: "or",
}  # fmt: skip
LOW: Final = -1e4
"""A fill at or below this stands for minus infinity, as for the judge."""


@dataclass(frozen=True, slots=True)
class Form:
    """A node: what it is, its value (a name, a number, an operator), its parts. `said` is how it was written."""

    kind: str
    value: object = ""
    parts: tuple[Form, ...] = ()
    said: str = field(default="", compare=False)

    @property
    def size(self) -> int:
        """How many nodes there are in it."""
        return 1 + sum(part.size for part in self.parts)


class Reader:
    """Makes forms of syntax trees. `pending` holds what the learner's own in-between names stand for."""

    def __init__(self, pending: Mapping[str, Form] | None = None) -> None:
        self.pending = pending or {}

    def form(self, node: ast.expr) -> Form:
        """Return the form of an expression."""
        made = self._form(node)
        return made if made.said else Form(made.kind, made.value, made.parts, ast.unparse(node))

    def _form(self, node: ast.expr) -> Form:
        match node:
            case ast.Constant(value=value):
                kind = (
                    "number"
                    if isinstance(value, (int, float)) and not isinstance(value, bool)
                    else "constant"
                )
                return Form(kind, value)
            case ast.Name(id=name):
                return self.pending.get(name) or Form("name", name)
            case ast.Attribute():
                return self._attribute(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return Form("matmul", "", (self.form(left), self.form(right)))
            case ast.BinOp(left=left, op=op, right=right):
                return _arithmetic(
                    _OPERATORS.get(type(op), type(op).__name__), self.form(left), self.form(right)
                )
            case ast.BoolOp(op=op, values=values):
                return Form("operator", _OPERATORS[type(op)], tuple(map(self.form, values)))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _compared(_OPERATORS[type(op)], self.form(left), self.form(right))
            case ast.Call():
                return self._call(node)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(value, index)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return Form("tuple", "", tuple(map(self.form, items)))
            case ast.Starred(value=value):
                return Form("starred", "", (self.form(value),))
            case ast.Slice(lower=lower, upper=upper, step=step):
                return Form(
                    "slice",
                    "",
                    tuple(self.form(each) if each else Form("nothing") for each in (lower, upper, step)),
                )
        return Form("other", ast.dump(node))

    def _attribute(self, node: ast.Attribute) -> Form:
        if named := dotted(node):
            if named in ("torch.inf", "math.inf", "numpy.inf"):
                return Form("number", float("inf"))
            return Form("global", named)
        base = self.form(node.value)
        if node.attr in ("mT", "T"):
            return Form("transpose", "", (base, Form("number", -2), Form("number", -1)))
        if node.attr == "min" and base.value == "torch.finfo":
            return Form("number", float("-inf"))
        return Form("attribute", node.attr, (base,))

    def _unary(self, node: ast.UnaryOp) -> Form:
        inner = self.form(node.operand)
        if isinstance(node.op, ast.USub) and inner.kind == "number":
            return Form(
                "number",
                -float(str(inner.value)) if isinstance(inner.value, float) else -int(str(inner.value)),
            )
        if isinstance(node.op, (ast.Invert, ast.Not)):
            if inner.kind == "operator" and inner.value in ("is", "is not"):
                return Form("operator", "is not" if inner.value == "is" else "is", inner.parts)
            return Form("not" if isinstance(node.op, ast.Not) else "invert", "", (inner,))
        return Form("operator", f"unary {type(node.op).__name__}", (inner,))

    def _subscript(self, value: ast.expr, index: ast.expr) -> Form:
        base, at = self.form(value), self.form(index)
        if base.kind == "attribute" and base.value == "shape":
            return Form("size", "", (base.parts[0], at))
        return Form("index", "", (base, at))

    def _call(self, node: ast.Call) -> Form:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "__init__":
            return Form(
                "super-init"
            )  # super().__init__(), super(X, self).__init__(), nn.Module.__init__(self)
        named = dotted(node.func)
        arguments = [self.form(each) for each in node.args]
        keywords = {keyword.arg or "**": self.form(keyword.value) for keyword in node.keywords}
        if named and (made := self._function(named, arguments, keywords)):
            return made
        if isinstance(node.func, ast.Attribute) and not named:
            base = self.form(node.func.value)
            if made := _method(base, node.func.attr, arguments, keywords):
                return made
        if isinstance(node.func, ast.Call) and dotted(node.func.func) == "torch.nn.Softmax":
            layer = self._call(node.func)
            return Form(
                "softmax",
                "",
                (*arguments, *(part.parts[0] for part in layer.parts if part.kind == "keyword")),
            )
        func = self.form(node.func)
        return _plain_call(func, arguments, keywords)

    def _function(self, named: str, arguments: list[Form], keywords: dict[str, Form]) -> Form | None:
        """Return the form of a function that is known by its full name."""
        short = named.rpartition(".")[2]
        short = _SAME.get(short, short)
        if named in ("math.sqrt", "numpy.sqrt", "torch.sqrt"):
            inner = arguments or list(keywords.values())
            return _root(inner[0]) if len(inner) == 1 else None
        if named in ("torch.tensor", "float", "int") and len(arguments) == 1 and not keywords:
            return self._cast(named, arguments[0])
        if named == "pow" and len(arguments) == 2:
            return _arithmetic("**", *arguments)
        if named == "torch.finfo":
            return Form("call", "torch.finfo")
        if named in LAYERS:
            return _bound(named, LAYERS[named], arguments, keywords)
        if named.startswith(_TENSOR) and short in ("permute", "reshape") and arguments:
            return _method(
                arguments[0], short, arguments[1:], {k: v for k, v in keywords.items() if k != "input"}
            )
        if named == "torch.ones":
            return Form("ones", "", _spread(arguments, keywords.pop("size", None)))
        if named.startswith(_TENSOR) and short in OPERATIONS:
            return _finished(_bound(short, OPERATIONS[short], arguments, keywords))
        return None

    def _cast(self, named: str, inner: Form) -> Form | None:
        if named == "int" and inner.kind == "operator" and inner.value == "/":
            return Form("operator", "//", inner.parts)
        if (
            named == "float"
            and inner.kind == "constant"
            and str(inner.value).lower() in ("-inf", "inf", "-infinity")
        ):
            return Form("number", float(str(inner.value)))
        return inner


def dotted(node: ast.expr) -> str:
    """Return the full name of something in a module, or of a builtin called; "" for everything else."""
    if isinstance(node, ast.Name):
        return node.id if node.id in ("float", "int", "pow", "super") else MODULES.get(node.id, "")
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr == "register_buffer":
            return "self.register_buffer"
        before = dotted(node.value)
        return (
            f"{before}.{node.attr}"
            if before in ("torch", "torch.nn", "torch.nn.functional", "math", "numpy")
            else ""
        )
    return ""


def _method(base: Form, name: str, arguments: list[Form], keywords: dict[str, Form]) -> Form | None:
    """Return the form of a tensor's method, None for one that is not known."""
    name = _SAME.get(name, name)
    if name in ("view", "reshape"):
        shape = _spread(arguments, keywords.pop("shape", keywords.pop("size", None)))
        if name == "view" and base.kind == "contiguous":
            return Form("reshape", "", (base.parts[0], *shape))
        return Form(name, "", (base, *shape))
    if name == "permute":
        return _permuted(base, _spread(arguments, keywords.pop("dims", None)))
    if name == "t" and not arguments:
        return Form("transpose", "", (base, Form("number", -2), Form("number", -1)))
    if name == "size" and not arguments and not keywords:
        return Form("attribute", "shape", (base,))
    if name in OPERATIONS and name != "where":
        return _finished(_bound(name, OPERATIONS[name], [base, *arguments], keywords))
    return None


def _bound(
    name: str, names: tuple[str, ...], arguments: list[Form], keywords: dict[str, Form]
) -> Form | None:
    """Return a call with its arguments in the order of `names`, what says only the default left out."""
    given = dict(zip(names, arguments, strict=False))
    for keyword, value in keywords.items():
        meant = _OTHER_NAMES.get(keyword, keyword)
        meant = meant if meant in names else keyword
        if meant not in names or meant in given:
            return None
        given[meant] = value
    if len(arguments) > len(names):
        return None
    kept = [each for each in names if each in given and not _is_default(name, each, given[each])]
    if kept != list(names[: len(kept)]):  # a gap: what comes after it stays named
        return Form("call", name, tuple(Form("keyword", each, (given[each],)) for each in kept))
    return Form(
        "call" if name in LAYERS else name,
        name if name in LAYERS else "",
        tuple(given[each] for each in kept),
    )


def _is_default(name: str, argument: str, value: Form) -> bool:
    if (name, argument) not in DEFAULTS:
        return False
    return value.kind in ("constant", "number") and value.value == DEFAULTS[name, argument]


def _finished(made: Form | None) -> Form | None:
    """Return an operation in the form that its operator, or a simpler operation, has."""
    if made is None:
        return None
    if made.kind == "sqrt" and len(made.parts) == 1:
        return _root(made.parts[0])
    if made.kind == "logical_not":
        return Form("invert", "", made.parts)
    if made.kind == "eq" and len(made.parts) == 2:
        return _compared("==", *made.parts)
    if made.kind in ("div", "mul") and len(made.parts) == 2:
        return _arithmetic("/" if made.kind == "div" else "*", *made.parts)
    if made.kind == "where" and len(made.parts) == 3:
        keep, kept, fill = made.parts
        return Form("masked_fill", "", (kept, Form("invert", "", (keep,)), fill))
    return made


def _root(inner: Form) -> Form:
    return Form("sqrt", "", (inner,))


def _arithmetic(operator: str, left: Form, right: Form) -> Form:
    """Return an operation; powers of a half are roots, and times one over something is divided by it."""
    if operator == "**" and right.kind == "number" and right.value in (0.5, -0.5):
        root = _root(left)
        return root if right.value == 0.5 else Form("operator", "/", (Form("number", 1), root))
    if operator == "**" and right == Form("operator", "/", (Form("number", 1), Form("number", 2))):
        return _root(left)
    if operator == "*":
        for one, other in ((left, right), (right, left)):
            if one.kind == "operator" and one.value == "/" and one.parts[0] == Form("number", 1):
                return Form("operator", "/", (other, one.parts[1]))
            if one.kind == "operator" and one.value == "/" and one.parts[0] == Form("number", 1.0):
                return Form("operator", "/", (other, one.parts[1]))
    return Form("operator", operator, (left, right))


def _compared(operator: str, left: Form, right: Form) -> Form:
    if operator in ("==", "!=") and right == Form("constant", None):
        operator = "is" if operator == "==" else "is not"
    return Form("operator", operator, (left, right))


def _permuted(base: Form, order: tuple[Form, ...]) -> Form:
    """Return a permutation that exchanges two axes as the transposition it is."""
    axes = [part.value for part in order]
    if all(part.kind == "number" and isinstance(part.value, int) for part in order):
        whole = [int(str(axis)) % len(axes) for axis in axes]
        moved = [at for at, axis in enumerate(whole) if at != axis]
        if sorted(whole) == list(range(len(axes))) and len(moved) == 2:
            rank = len(axes)
            one, two = (Form("number", axis - rank) for axis in moved)
            return Form("transpose", "", (base, one, two))
    return Form("permute", "", (base, *order))


def _spread(arguments: list[Form], named: Form | None) -> tuple[Form, ...]:
    """Return sizes given one by one, or as one tuple."""
    given = [named] if named else arguments
    if len(given) == 1 and given[0].kind == "tuple":
        return given[0].parts
    return tuple(given)


def _plain_call(func: Form, arguments: list[Form], keywords: dict[str, Form]) -> Form:
    named = tuple(Form("keyword", name, (keywords[name],)) for name in sorted(keywords))
    if func.kind == "global":
        return Form("call", func.value, (*arguments, *named))
    return Form("apply", "", (func, *arguments, *named))

"""Films: a tensor's way through several lines of code, its memory after each, by the stride model.

Each film is a pure function of the sizes, named for the topics in `pictures.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod

from mha_drill.explain.cells import kept_cells, piece
from mha_drill.explain.figures import Clash, Fate, Film, Stage, Strip
from mha_drill.explain.sizes import Sizes
from mha_drill.explain.strides import Layout, LayoutError, Shape


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor on film: a layout whose axes are named "B", "L", "H", "d".

    "D" stands for H and d in one, "B·H" for B and H in one.
    """

    name: str
    layout: Layout
    axes: tuple[str, ...]

    def index(self, token: int, head: int, head_width: int) -> Shape:
        """Return the index of the first number of one of batch item 0's pieces."""
        at = {"B": 0, "L": token, "H": head, "d": 0, "D": head * head_width, "B·H": head}
        return tuple(at[axis] for axis in self.axes)

    def transposed(self, name: str, first: int, second: int) -> Tensor:
        """Return the tensor with two axes exchanged."""
        order = list(self.axes)
        order[first], order[second] = order[second], order[first]
        return Tensor(name, self.layout.transpose(first, second), tuple(order))


class Reel:
    """Makes the stages of a film; the cells drawn are chosen once for all of them."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.kept = kept_cells(sizes)
        self.stages: list[Stage] = []

    def film(self) -> Film:
        """Return what was taken."""
        return Film(tuple(self.stages), self.kept)

    def shape(self, axes: str) -> Shape:
        """Return the shape of axes named "BLHd" and the like."""
        return self.sizes.shape(axes)

    def numbers(self, axes: str) -> str:
        """Return a shape as the arguments of a call."""
        return ", ".join(map(str, self.shape(axes)))

    def fresh(self, name: str, axes: str, code: str) -> Tensor:
        """Begin with a new tensor, made by `code`."""
        tensor = Tensor(name, Layout.fresh(self.shape(axes)), tuple(axes))
        return self.take(tensor, f"{name} = {code}", "start")

    def heads(self) -> Tensor:
        """Begin with heads in the layout that `weights @ v` leaves them in."""
        cut = Tensor("heads", Layout.fresh(self.shape("BLHd")), tuple("BLHd")).transposed("heads", 1, 2)
        code = f"heads = {_x(self, 'BLHd')}.transpose(1, 2).contiguous()"
        return self.take(replace(cut, layout=cut.layout.contiguous()), code, "start")

    def view(self, tensor: Tensor, name: str, axes: str) -> Tensor:
        """Take a `view`; where torch raises, take that, and go on with the tensor as it was."""
        code = f"{name} = {tensor.name}.view({self.numbers(axes)})"
        try:
            layout = tensor.layout.view(*self.shape(axes))
        except LayoutError as error:
            return self.raised(tensor, code, error)
        return self.take(Tensor(name, layout, tuple(axes)), code, "same")

    def transpose(self, tensor: Tensor, name: str, first: int, second: int) -> Tensor:
        """Take a `transpose`."""
        code = f"{name} = {tensor.name}.transpose({first}, {second})"
        return self.take(tensor.transposed(name, first, second), code, "same")

    def split(self, tensor: Tensor, name: str) -> Tensor:
        """Take view and transpose as one stage."""
        cut = Tensor(tensor.name, tensor.layout.view(*self.shape("BLHd")), tuple("BLHd"))
        code = f"{name} = {tensor.name}.view({self.numbers('BLHd')}).transpose(1, 2)"
        return self.take(cut.transposed(name, 1, 2), code, "same")

    def contiguous(self, tensor: Tensor, name: str) -> Tensor:
        """Take a `contiguous()`: a copy, or the tensor itself."""
        return self.copied(replace(tensor, name=name), f"{name} = {tensor.name}.contiguous()")

    def copied(self, tensor: Tensor, code: str) -> Tensor:
        """Take a copy in index order, or the tensor itself where it is in that order already."""
        fate: Fate = "itself" if tensor.layout.is_contiguous else "copied"
        return self.take(replace(tensor, layout=tensor.layout.contiguous()), code, fate)

    def raised(self, tensor: Tensor, code: str, error: LayoutError) -> Tensor:
        """Take a call that torch refuses for the strides; the tensor stays as it was."""
        if error.run is None:
            raise error
        axes = tensor.axes[error.axis], tensor.axes[error.axis + 1]
        clash = Clash(error.axis, axes, error.have, error.run.size, error.run.stride)
        self.stages.append(Stage(code, "raises", clash=clash))
        return tensor

    def reshape(self, tensor: Tensor, name: str, axes: str) -> Tensor:
        """Take a `reshape`: a view where one will do, else a copy."""
        layout, copied = tensor.layout.reshape(*self.shape(axes))
        code = f"{name} = {tensor.name}.reshape({self.numbers(axes)})"
        return self.take(Tensor(name, layout, tuple(axes)), code, "copied" if copied else "same")

    def take(self, tensor: Tensor, code: str, fate: Fate) -> Tensor:
        """Take the tensor as it is now, after `code`."""
        layout = tensor.layout
        memory = self._strip(tensor, layout)
        reading = self._strip(tensor, Layout.fresh(layout.shape))
        self.stages.append(
            Stage(
                code,
                fate,
                tensor.axes,
                layout.shape,
                layout.strides,
                memory,
                reading if reading != memory else None,
            )
        )
        return tensor

    def _strip(self, tensor: Tensor, order: Layout) -> Strip:
        """Return the kept pieces of batch item 0 in the order of `order`'s addresses.

        In every film the d numbers of one token and head stay together, so a piece is drawn whole.
        """
        sizes, kept = self.sizes, self.kept
        pieces = sorted(
            (order.address(tensor.index(token, head, sizes.head_width)), token, head)
            for token, head in product(kept.tokens, kept.heads)
        )
        blocks = []
        after = 0
        for start, token, head in pieces:
            blocks.append(replace(piece(sizes, kept, token, head), gap=start != after))
            after = start + sizes.head_width
        return Strip(tuple(blocks), after != prod(tensor.layout.shape))


def split(sizes: Sizes) -> Film:
    """x (B, L, D) cut into heads (B, H, L, d), and what a copy of that would look like."""
    reel = Reel(sizes)
    x = reel.fresh("x", "BLD", _x(reel))
    cut = reel.view(x, "cut", "BLHd")
    heads = reel.transpose(cut, "heads", 1, 2)
    reel.contiguous(heads, "packed")
    return reel.film()


def merge(sizes: Sizes) -> Film:
    """Heads as `weights @ v` leaves them brought back to (B, L, D): where `view` raises, and why."""
    reel = Reel(sizes)
    heads = reel.heads()
    back = reel.transpose(heads, "back", 1, 2)
    reel.view(back, "merged", "BLD")
    packed = reel.contiguous(back, "packed")
    reel.view(packed, "merged", "BLD")
    return reel.film()


def copy(sizes: Sizes) -> Film:
    """`contiguous()` alone: the two memories, and that a second call does nothing."""
    reel = Reel(sizes)
    x = reel.fresh("x", "BLD", _x(reel))
    heads = reel.split(x, "heads")
    packed = reel.contiguous(heads, "packed")
    reel.contiguous(packed, "again")
    return reel.film()


def move(sizes: Sizes) -> Film:
    """`transpose` there and back: shape and strides change places, memory stays as it is."""
    reel = Reel(sizes)
    cut = reel.fresh("cut", "BLHd", f"{_x(reel, 'BLHd')}")
    heads = reel.transpose(cut, "heads", 1, 2)
    reel.transpose(heads, "back", 1, 2)
    return reel.film()


def reshape(sizes: Sizes) -> Film:
    """The same call twice: once a view, once a copy."""
    reel = Reel(sizes)
    x = reel.fresh("x", "BLD", _x(reel))
    reel.reshape(x, "cut", "BLHd")
    heads = reel.heads()
    back = reel.transpose(heads, "back", 1, 2)
    reel.reshape(back, "merged", "BLD")
    return reel.film()


def _x(reel: Reel, axes: str = "BLD") -> str:
    return f"torch.arange({prod(reel.shape(axes))}).view({reel.numbers(axes)})"

"""How a tensor lies in memory: a shape, one stride an axis, an offset, and torch's own rules over them.

The pictures and the stride arithmetic of `explain` come from here, so that nothing drawn is drawn from
memory of how torch behaves; `tests/test_strides.py` holds every rule against torch on random layouts.
No number is stored: a layout only says where each element is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

Shape = tuple[int, ...]


class LayoutError(ValueError):
    """torch would raise here.

    reason: "count" (another number of elements), "stride" (`view` would have to copy), "ambiguous" (-1 with
    no elements), "size" (a negative size, or -1 twice) or "axis" (no such axis).
    For "stride", the old `axis` cannot be merged with the `run` after it: its stride is `have`, and one even
    walk over both would need that run's size times its stride.
    """

    def __init__(
        self,
        reason: Literal["count", "stride", "ambiguous", "size", "axis"],
        axis: int = 0,
        have: int = 0,
        run: Run | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.axis = axis
        self.have = have
        self.run = run


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring axes that a single stride walks: `size` elements, `stride` apart, from axis `first` on."""

    first: int
    size: int
    stride: int


def fresh_strides(shape: Shape) -> Shape:
    """Return the strides of a newly made tensor: the last axis lies together, the first is the outermost."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the elements of one tensor lie: element (i, j, ...) is at offset + i * strides[0] + j * ..."""

    shape: Shape
    strides: Shape
    offset: int = 0

    @classmethod
    def fresh(cls, shape: Shape) -> Layout:
        """Return the layout of a newly made tensor of `shape`."""
        return cls(shape, fresh_strides(shape))

    @property
    def count(self) -> int:
        """How many elements there are."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether walking the elements in index order walks memory from one end to the other.

        Axes of size 1 are never walked, so their strides do not count; no elements at all is contiguous.
        """
        step = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if size != 1 and stride != step:
                return self.count == 0
            step *= size
        return True

    def address(self, index: Shape) -> int:
        """Return where the element at `index` lies."""
        return self.offset + sum(place * stride for place, stride in zip(index, self.strides, strict=True))

    def addresses(self) -> tuple[int, ...]:
        """Return where every element lies, in index order (the last axis fastest)."""
        return tuple(self.address(index) for index in product(*(range(size) for size in self.shape)))

    def runs(self) -> tuple[Run, ...]:
        """Return the axes grouped into runs, first axis first; there is at least one element.

        An axis joins the run on its right when its stride is that run's size times that run's stride; an axis
        of size 1 always does.
        """
        found: list[Run] = []
        for axis in reversed(range(len(self.shape))):
            size, stride = self.shape[axis], self.strides[axis]
            last = found[-1] if found else None
            if last is not None and (size == 1 or stride == last.size * last.stride):
                found[-1] = Run(axis, size * last.size, last.stride)
            else:
                found.append(Run(axis, size, stride))
        return tuple(reversed(found))

    def infer(self, shape: Shape) -> Shape:
        """Return `shape` with its -1 worked out from the number of elements.

        Raises LayoutError ("size", "count" or "ambiguous") where torch does.
        """
        if any(size < -1 for size in shape) or shape.count(-1) > 1:
            raise LayoutError("size")
        if -1 not in shape:
            if prod(shape) != self.count:
                raise LayoutError("count")
            return shape
        known = prod(size for size in shape if size != -1)
        if known == 0 and self.count == 0:
            raise LayoutError("ambiguous")
        if known == 0 or self.count % known:
            raise LayoutError("count")
        return tuple(self.count // known if size == -1 else size for size in shape)

    def view(self, *shape: int) -> Layout:
        """Return the same memory read as `shape`, which may hold one -1; the order of elements stays.

        Any axis may be cut. Axes may be merged only inside one run, because the merged axis gets one stride.
        Raises LayoutError where torch raises: "stride" when only a copy could do it.
        """
        wanted = self.infer(shape)
        if self.count == 0:
            strides = self.strides if wanted == self.shape else fresh_strides(wanted)
            return Layout(wanted, strides, self.offset)
        if not self.shape:
            return Layout(wanted, (1,) * len(wanted), self.offset)
        strides_reversed: list[int] = []
        todo = list(wanted)
        for run in reversed(self.runs()):
            taken = 1
            while todo and (taken < run.size or todo[-1] == 1):
                strides_reversed.append(taken * run.stride)
                taken *= todo.pop()
            if taken != run.size:
                left = run.first - 1
                raise LayoutError("stride", left, self.strides[left], run)
        return Layout(wanted, tuple(reversed(strides_reversed)), self.offset)

    def reshape(self, *shape: int) -> tuple[Layout, bool]:
        """Return the layout read as `shape`, and whether torch has to copy for it."""
        try:
            return self.view(*shape), False
        except LayoutError as error:
            if error.reason != "stride":
                raise
            return Layout.fresh(self.infer(shape)), True

    def permute(self, *axes: int) -> Layout:
        """Return the same memory with its axes in another order."""
        places = [self._axis(axis) for axis in axes]
        if sorted(places) != list(range(len(self.shape))):
            raise LayoutError("axis")
        return Layout(
            tuple(self.shape[place] for place in places),
            tuple(self.strides[place] for place in places),
            self.offset,
        )

    def transpose(self, first: int, second: int) -> Layout:
        """Return the same memory with two axes exchanged: their sizes and their strides, no element."""
        order = list(range(len(self.shape)))
        if not order and {first, second} <= {0, -1}:
            return self
        one, other = self._axis(first), self._axis(second)
        order[one], order[other] = order[other], order[one]
        return self.permute(*order)

    def contiguous(self) -> Layout:
        """Return the layout itself where it is contiguous already, else that of a copy in index order."""
        return self if self.is_contiguous else Layout.fresh(self.shape)

    def _axis(self, axis: int) -> int:
        rank = len(self.shape)
        if not -rank <= axis < rank:
            raise LayoutError("axis")
        return axis % rank

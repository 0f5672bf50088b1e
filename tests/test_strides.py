"""The stride model against torch itself, on random layouts: shapes, strides, offsets, copies, errors."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mha_drill.explain.strides import Layout, LayoutError, Run

SIZES = st.sampled_from((1, 2, 3, 4, 6, 1, 2))
SHAPES = st.lists(SIZES, max_size=5).map(tuple)
EMPTY_SHAPES = st.lists(st.sampled_from((0, 1, 2, 3)), min_size=1, max_size=4).map(tuple)


def layout_of(tensor: torch.Tensor) -> Layout:
    return Layout(tuple(tensor.shape), tuple(tensor.stride()), tensor.storage_offset())


@st.composite
def strided(draw: st.DrawFn) -> torch.Tensor:
    """A tensor with nearly any strides, most of them such that neighbouring axes merge."""
    shape: list[int] = []
    strides: list[int] = []
    walked = draw(st.sampled_from((1, 1, 2, 0)))
    for _ in range(draw(st.integers(1, 5))):
        size = draw(SIZES)
        even = size != 1 and draw(st.integers(0, 3)) > 0
        stride = walked if even else draw(st.integers(0, 9))
        shape.insert(0, size)
        strides.insert(0, stride)
        if size != 1:
            walked = size * stride
    room = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    offset = draw(st.integers(0, 3))
    return torch.arange(room + offset).as_strided(shape, strides, offset)


@st.composite
def worked(draw: st.DrawFn) -> torch.Tensor:
    """A tensor with any layout torch makes: fresh, then permuted, cut, expanded, viewed, copied."""
    shape = draw(st.one_of(SHAPES, SHAPES, SHAPES, EMPTY_SHAPES))
    tensor = torch.arange(prod(shape)).reshape(shape)
    for _ in range(draw(st.integers(0, 4))):
        rank = tensor.dim()
        move = draw(st.sampled_from(("permute", "slice", "skip", "expand", "unsqueeze", "merge", "copy")))
        if rank == 0 and move != "unsqueeze":
            continue
        axis = draw(st.integers(0, max(rank - 1, 0)))
        if move == "permute":
            tensor = tensor.permute(draw(st.permutations(range(rank))))
        elif move == "slice":
            start = draw(st.integers(0, tensor.shape[axis]))
            tensor = tensor.narrow(axis, start, draw(st.integers(0, tensor.shape[axis] - start)))
        elif move == "skip":
            tensor = tensor[(slice(None),) * axis + (slice(None, None, 2),)]
        elif move == "expand" and tensor.shape[axis] == 1:
            tensor = tensor.expand(*tensor.shape[:axis], draw(SIZES), *tensor.shape[axis + 1 :])
        elif move == "unsqueeze":
            tensor = tensor.unsqueeze(axis)
        elif move == "merge" and rank > 1:
            axis = min(axis, rank - 2)
            tensor = tensor.flatten(axis, axis + 1)
        elif move == "copy":
            tensor = tensor.contiguous()
    return tensor


def tensors() -> st.SearchStrategy[torch.Tensor]:
    return worked() | strided()


@st.composite
def wanted_shapes(draw: st.DrawFn, tensor: torch.Tensor) -> tuple[int, ...]:
    """A shape to ask for: mostly of as many elements, made by merging and cutting; at times a wrong one."""
    sizes = list(tensor.shape)
    for _ in range(draw(st.integers(0, 4))):
        move = draw(st.sampled_from(("merge", "merge", "cut", "one", "drop-one")))
        if move == "merge" and len(sizes) > 1:
            at = draw(st.integers(0, len(sizes) - 2))
            sizes[at : at + 2] = [sizes[at] * sizes[at + 1]]
        elif move == "cut" and sizes:
            at = draw(st.integers(0, len(sizes) - 1))
            divisors = [n for n in range(1, sizes[at] + 1) if sizes[at] % n == 0] or [1]
            part = draw(st.sampled_from(divisors))
            sizes[at : at + 1] = [part, sizes[at] // part]
        elif move == "one":
            sizes.insert(draw(st.integers(0, len(sizes))), 1)
        elif 1 in sizes:
            sizes.remove(1)
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        if sizes:
            sizes[draw(st.integers(0, len(sizes) - 1))] = draw(st.sampled_from((-1, -1, -1, 0, 2, -2)))
    return tuple(sizes)


def torch_says(tensor: torch.Tensor, shape: tuple[int, ...]) -> Layout | str:
    """The layout of torch's view, else its complaint."""
    try:
        return layout_of(tensor.view(shape))
    except RuntimeError as error:
        return str(error)


@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_view_is_torch_view(data: st.DataObject) -> None:
    tensor = data.draw(tensors())
    shape = data.draw(wanted_shapes(tensor))
    expected = torch_says(tensor, shape)
    if isinstance(expected, Layout):
        assert layout_of(tensor).view(*shape) == expected
        return
    with pytest.raises(LayoutError) as raised:
        layout_of(tensor).view(*shape)
    error = raised.value
    assert (error.reason == "stride") == ("spans across two contiguous subspaces" in expected)
    assert (error.reason == "ambiguous") == ("ambiguous" in expected)
    if error.reason == "stride":
        assert error.run is not None
        assert error.run.first == error.axis + 1 < tensor.dim()
        assert error.have == tensor.stride(error.axis) != error.run.size * error.run.stride


@settings(max_examples=700, deadline=None)
@given(st.data())
def test_reshape_copies_exactly_when_torch_does(data: st.DataObject) -> None:
    tensor = data.draw(tensors())
    shape = data.draw(wanted_shapes(tensor))
    try:
        expected = tensor.reshape(shape)
    except RuntimeError:
        with pytest.raises(LayoutError):
            layout_of(tensor).reshape(*shape)
        return
    layout, copied = layout_of(tensor).reshape(*shape)
    if tensor.numel():
        assert copied == (expected.untyped_storage().data_ptr() != tensor.untyped_storage().data_ptr())
    assert layout == layout_of(expected)


@settings(max_examples=700, deadline=None)
@given(st.data())
def test_moving_axes_and_copying_are_torchs(data: st.DataObject) -> None:
    tensor = data.draw(tensors())
    layout = layout_of(tensor)
    assert layout.is_contiguous == tensor.is_contiguous()
    assert layout.contiguous() == layout_of(tensor.contiguous())
    assert Layout.fresh(layout.shape) == layout_of(torch.empty(layout.shape))
    axes = data.draw(st.permutations(range(tensor.dim())))
    assert layout.permute(*axes) == layout_of(tensor.permute(axes))
    first, second = data.draw(st.tuples(st.integers(-5, 5), st.integers(-5, 5)))
    try:
        expected = layout_of(tensor.transpose(first, second))
    except IndexError:
        with pytest.raises(LayoutError):
            layout.transpose(first, second)
    else:
        assert layout.transpose(first, second) == expected


@settings(max_examples=300, deadline=None)
@given(tensors())
def test_addresses_find_the_elements(tensor: torch.Tensor) -> None:
    memory = torch.as_strided(tensor, (tensor.untyped_storage().nbytes() // 8,), (1,), 0).tolist()
    read = [memory[address] for address in layout_of(tensor).addresses()]
    assert read == tensor.flatten().tolist()


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_numpy_reshape_copies_when_torch_reshape_does(data: st.DataObject) -> None:
    """`explain reshape` says that the two decide alike; and that `view` is the stricter one."""
    tensor = data.draw(tensors().filter(lambda tensor: tensor.numel() > 0))
    shape = data.draw(wanted_shapes(tensor))
    try:
        _, copied = layout_of(tensor).reshape(*shape)
    except LayoutError:
        return
    assert np.shares_memory(tensor.numpy(), tensor.numpy().reshape(shape)) != copied


def test_permute_refuses_an_axis_twice() -> None:
    with pytest.raises(LayoutError):
        Layout.fresh((2, 3)).permute(0, 0)


@pytest.mark.parametrize("sizes", [(1, 3, 2, 4), (2, 5, 8, 8), (2, 1, 4, 3), (3, 4, 1, 6)])
def test_the_split_and_merge_of_attention(sizes: tuple[int, int, int, int]) -> None:
    """What the seed says of its two reshapes, and what it says too broadly."""
    batch, length, heads, width = sizes
    x = torch.arange(prod(sizes)).view(batch, length, heads * width)
    split = Layout.fresh((batch, length, heads * width)).view(batch, length, heads, width).transpose(1, 2)
    assert split == layout_of(x.view(batch, length, heads, width).transpose(1, 2))
    assert split.is_contiguous == (heads == 1 or length == 1)
    merging = split.contiguous().transpose(1, 2)
    if heads == 1 or length == 1:
        assert merging.view(batch, length, heads * width).is_contiguous
    else:
        with pytest.raises(LayoutError) as raised:
            merging.view(batch, length, heads * width)
        assert (raised.value.axis, raised.value.have) == (2, length * width)
        assert raised.value.run == Run(3, width, 1)
        assert merging.reshape(batch, length, heads * width)[1]

"""Would it run where it will be trained: on a GPU, in half precision? Tried on the runner's side, for the notes.

A GPU is played by `FakeTensorMode`: tensors without numbers that know their device, so that two devices meeting
in one operation raise as they would on the machine with the GPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch.overrides import TorchFunctionMode

Place = Literal["gpu", "half"]
GPU = "cuda:0"
_NUMPY = frozenset({"numpy", "__array__", "tolist"})


class NotOnGpu(TypeError):
    """What torch raises when numpy is handed a tensor on a GPU."""


class _Devices(TorchFunctionMode):
    """Answers what fake tensors cannot: moves between devices, and a device that the file found out for itself.

    `device = "cuda" if torch.cuda.is_available() else "cpu"` says "cpu" here and would say "cuda" there.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if first is not None and name in ("to", "cuda", "cpu", "type_as"):
            device, dtype = _asked(name, first, args[1:], kwargs)
            if device != first.device:
                return torch.empty_like(first, device=device, dtype=dtype)
        elif first is not None and name in _NUMPY and first.device.type == "cuda":
            raise NotOnGpu("can't convert cuda:0 device type tensor to numpy")
        elif kwargs.get("device") is not None:
            kwargs["device"] = GPU
        return func(*args, **kwargs)


def _asked(
    name: str, tensor: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[torch.device, torch.dtype]:
    """Return the device and dtype that a move asks for."""
    device, dtype = {"cuda": GPU, "cpu": "cpu"}.get(name, tensor.device), tensor.dtype
    for value in (*args, *kwargs.values()):
        if isinstance(value, torch.Tensor):
            device, dtype = value.device, value.dtype
        elif isinstance(value, torch.dtype):
            dtype = value
        elif isinstance(value, str | torch.device) and name == "to":
            device = GPU if tensor.device.type == "cpu" else value
    return torch.device(device), dtype


@contextlib.contextmanager
def placed(target: torch.nn.Module, inputs: dict[str, Any], place: Place) -> Iterator[dict[str, Any]]:
    """Move a module and its inputs to a place for good; give the inputs as they are there."""
    if place == "half":
        target.half()
        yield {
            name: value.half() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
            for name, value in inputs.items()
        }
        return
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), _Devices():
        for module in target.modules():
            for own in (module._parameters, module._buffers):
                for name, value in own.items():
                    if value is not None:
                        own[name] = _there(value)
        yield {
            name: _there(value) if isinstance(value, torch.Tensor) else value
            for name, value in inputs.items()
        }


def _there(value: torch.Tensor) -> Any:
    there = torch.empty(value.shape, dtype=value.dtype, device=GPU)
    return torch.nn.Parameter(there, requires_grad=False) if isinstance(value, torch.nn.Parameter) else there

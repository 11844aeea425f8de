"""``torch.autograd.gradcheck``: compares each entry of the Jacobian with a central difference."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from checking.built_layer import BuiltLayer


class Wrapped(torch.autograd.Function):
    """``y = layer.forward(x)`` and ``dx = layer.backward(dy)`` for torch, with the parameters as further inputs."""

    @staticmethod
    def forward(ctx: Any, layer: BuiltLayer, x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        arrays = [value.detach().numpy() for value in (x, *values)]
        y = layer.forward(arrays[0], arrays[1:])
        ctx.pullback = layer.pullback(arrays[0], arrays[1:])
        return torch.from_numpy(y)

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        found = ctx.pullback(dy.numpy())
        return (None, *(None if gradient is None else torch.from_numpy(gradient) for gradient in found))


def accepts(layer: BuiltLayer, x: np.ndarray, values: Sequence[np.ndarray], tolerance: float | None) -> None:
    """Raise if gradcheck objects."""
    tolerances = {} if tolerance is None else {"atol": tolerance, "rtol": tolerance}
    point = torch.from_numpy(x).requires_grad_(x.dtype.kind == "f")
    parameters = [torch.from_numpy(value).requires_grad_() for value in values]
    torch.autograd.gradcheck(lambda *inputs: Wrapped.apply(layer, *inputs), (point, *parameters), **tolerances)

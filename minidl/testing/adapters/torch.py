"""torch: functions of tensors, such as ``MyFunction.apply`` of a ``torch.autograd.Function``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl.testing.functions import FunctionSubject
from minidl.typing import Array


def function(
    f: Callable[..., Any], inputs: Any = None, parameters: dict[str, Any] | None = None, **options: Any
) -> FunctionSubject:
    """Return a subject for `certify`: ``f`` and its gradient by ``torch.autograd``.

    Parameters
    ----------
    f : function of tensors
    inputs, parameters
        As in `certify_function`, as arrays. Without inputs, a shape is found by trial.
    **options
        As in `FunctionSubject`.
    """
    import torch

    def tensor(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return torch.tensor(value, requires_grad=value.dtype.kind == "f")

    def forward(*arguments: Any) -> tuple[Array, Any]:
        tensors = [tensor(value) for value in arguments]
        with torch.enable_grad():
            y = f(*tensors)
        return y.detach().numpy().copy(), (y, [t for t in tensors if torch.is_tensor(t) and t.requires_grad])

    def backward(cache: Any, dy: Array) -> Any:
        y, tensors = cache
        found = torch.autograd.grad(y, tensors, torch.tensor(dy), retain_graph=True, allow_unused=True)
        return [None if gradient is None else gradient.numpy().copy() for gradient in found]

    @contextmanager
    def seeded(seed: int) -> Iterator[None]:
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(state)

    kind = getattr(f, "__self__", None)  # the class, if f is its apply
    options = {
        "source": getattr(kind, "backward", f),
        "name": f"torch.function({getattr(kind or f, '__name__', f)})",
        "seeded": seeded,
        "excluded": {"layout": "torch copies the arrays"},
        **options,
    }
    return FunctionSubject(forward, backward, inputs, parameters, **options)

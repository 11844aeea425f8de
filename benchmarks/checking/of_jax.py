"""``jax.test_util.check_vjp``: compares backward with a central difference along one random direction."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.test_util import check_vjp

from checking.built_layer import BuiltLayer

STEP = 1e-6  # used with a tolerance, because the default step of 1e-4 crosses kinks
jax.config.update("jax_enable_x64", True)


def accepts(layer: BuiltLayer, x: np.ndarray, values: Sequence[np.ndarray], tolerance: float | None) -> None:
    """Raise if check_vjp objects. It takes functions of arrays, so no tracing is needed."""
    floating = x.dtype.kind == "f"

    def parts(inputs: tuple[Any, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
        arrays = [np.asarray(value) for value in inputs]
        return (arrays[0], arrays[1:]) if floating else (x, arrays)

    def forward(*inputs: Any) -> np.ndarray:
        return layer.forward(*parts(inputs))

    def with_pullback(*inputs: Any) -> tuple[np.ndarray, Any]:
        y, pullback = forward(*inputs), layer.pullback(*parts(inputs))
        return y, lambda dy: tuple(pullback(np.asarray(dy))[0 if floating else 1 :])

    inputs = (x, *values) if floating else tuple(values)
    settings = {} if tolerance is None else {"eps": STEP, "atol": tolerance, "rtol": tolerance}
    check_vjp(forward, with_pullback, inputs, **settings)

"""jax: functions of arrays, such as one with a ``jax.custom_vjp``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.testing.functions import FunctionSubject
from minidl.typing import Array

EXCLUDED = {
    "dtype": "JAX has its own rules for the types of arrays",
    "layout": "JAX copies the arrays",
    "parameters-live": "a compiled function keeps nothing",
}


def function(
    f: Callable[..., Any], inputs: Any = None, parameters: dict[str, Any] | None = None, **options: Any
) -> FunctionSubject:
    """Return a subject for `certify`: ``f`` and its gradient by ``jax.vjp``, both compiled and in float64.

    Parameters
    ----------
    f : function of arrays
    inputs, parameters
        As in `certify_function`. Without inputs, a shape is found by trial.
    **options
        As in `FunctionSubject`.
    """
    import jax

    def pullback(arguments: tuple[Any, ...], dy: Any) -> Any:
        real = [n for n, value in enumerate(arguments) if jax.numpy.issubdtype(value.dtype, jax.numpy.floating)]

        def of_real(*values: Any) -> Any:
            everything = dict(enumerate(arguments)) | dict(zip(real, values, strict=True))
            return f(*everything.values())

        return jax.vjp(of_real, *(arguments[n] for n in real))[1](dy)

    compiled, compiled_pullback = jax.jit(f), jax.jit(pullback)

    def forward(*arguments: Any) -> tuple[Array, Any]:
        with jax.enable_x64(True):
            return np.array(compiled(*arguments)), arguments

    def backward(arguments: Any, dy: Array) -> list[Array]:
        with jax.enable_x64(True):
            return [np.array(gradient) for gradient in compiled_pullback(arguments, dy)]

    options = {
        "source": getattr(f, "bwd", None) or f,
        "name": f"jax.function({getattr(f, '__name__', f)})",
        "excluded": EXCLUDED,
        "few_shapes": True,
        **options,
    }
    return FunctionSubject(forward, backward, inputs, parameters, **options)

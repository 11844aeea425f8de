"""Initializers: how the arrays of a layer start.

Each is a callable ``(rng, shape, dtype) -> array``; a plain function with these arguments serves as well.
Values are drawn in float64 and rounded, so that one seed gives equal models in every dtype.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl import checks
from minidl.config import Configured, register_builtins, resolve
from minidl.errors import ShapeError
from minidl.typing import Array, InitializerFunction, Shape


class Initializer(Configured, ABC):
    """Abstract base: ``array = initializer(rng, shape, dtype)``.

    Examples
    --------
    >>> initializer = minidl.initializers.HeNormal()
    >>> initializer(np.random.default_rng(0), (3, 2), np.dtype("float32")).shape
    (3, 2)
    """

    @abstractmethod
    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        """Return a new array of ``shape`` and ``dtype``, drawn from ``rng``."""


def resolve_initializer(value: Any, who: str) -> InitializerFunction:
    """Return the initializer that a name, an instance or a plain function stands for."""
    if callable(value) and not isinstance(value, type):
        return value
    return resolve(value, Initializer, who)


def fans(shape: Shape) -> tuple[int, int]:
    """Return how many inputs feed one output, and how many outputs one input feeds.

    For ``(inputs, units)`` they are its lengths; leading axes, as of a convolution's kernel
    ``(width, inputs, units)``, multiply both; a vector counts as a square of its length.
    """
    if len(shape) < 2:
        length = shape[0] if shape else 1
        return length, length
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def draw_uniform(rng: "np.random.Generator", limit: float, shape: Shape, dtype: "np.dtype[Any]") -> Array:
    """Return values uniform in ``[-limit, limit)``."""
    return rng.uniform(-limit, limit, shape).astype(dtype, copy=False)


def draw_truncated_normal(rng: "np.random.Generator", stddev: float, shape: Shape, dtype: "np.dtype[Any]") -> Array:
    """Return normal values, drawn again beyond two deviations, whose final standard deviation is ``stddev``."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = rng.standard_normal(np.count_nonzero(outside))
    values *= stddev / 0.87962566103423978  # the standard deviation of a unit normal cut at +-2
    return values.astype(dtype, copy=False)


class Zeros(Initializer):
    """``0`` everywhere."""

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """``1`` everywhere."""

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return np.ones(shape, dtype)


class Constant(Initializer):
    """``value`` everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = checks.number(value, "Constant: value")

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return np.full(shape, self.value, dtype)


class RandomNormal(Initializer):
    """Normal with ``mean`` and standard deviation ``stddev``, at least 0."""

    aliases = ("normal",)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = checks.number(mean, "RandomNormal: mean")
        self.stddev = checks.number(stddev, "RandomNormal: stddev", at_least=0)

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return rng.normal(self.mean, self.stddev, shape).astype(dtype, copy=False)


class RandomUniform(Initializer):
    """Uniform in ``[minval, maxval)``, where ``minval <= maxval``."""

    aliases = ("uniform",)

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = checks.number(minval, "RandomUniform: minval")
        self.maxval = checks.number(maxval, "RandomUniform: maxval", at_least=self.minval)

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return rng.uniform(self.minval, self.maxval, shape).astype(dtype, copy=False)


class GlorotUniform(Initializer):
    """Uniform in ``+-sqrt(6 / (fan_in + fan_out))``: the default for weights.

    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, equation (16).
    """

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return draw_uniform(rng, math.sqrt(6.0 / sum(fans(shape))), shape, dtype)


class GlorotNormal(Initializer):
    """Truncated normal of standard deviation ``sqrt(2 / (fan_in + fan_out))``.

    Glorot and Bengio (2010), equation (12). Truncated at two deviations, as in Keras; torch does not truncate.
    """

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return draw_truncated_normal(rng, math.sqrt(2.0 / sum(fans(shape))), shape, dtype)


class HeUniform(Initializer):
    """Uniform in ``+-sqrt(6 / fan_in)``: made for ReLU.

    He et al. (2015), Delving deep into rectifiers, section 2.2.
    """

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return draw_uniform(rng, math.sqrt(6.0 / fans(shape)[0]), shape, dtype)


class HeNormal(Initializer):
    """Truncated normal of standard deviation ``sqrt(2 / fan_in)``: made for ReLU.

    He et al. (2015), equation (10). Truncated at two deviations, as in Keras; torch does not truncate.
    """

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return draw_truncated_normal(rng, math.sqrt(2.0 / fans(shape)[0]), shape, dtype)


class LecunNormal(Initializer):
    """Truncated normal of standard deviation ``sqrt(1 / fan_in)``.

    LeCun et al. (1998), Efficient BackProp, equation (16). Truncated at two deviations, as in Keras.
    """

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return draw_truncated_normal(rng, math.sqrt(1.0 / fans(shape)[0]), shape, dtype)


class Orthogonal(Initializer):
    """``gain`` times a random matrix whose rows, or columns if they are fewer, are orthonormal.

    Saxe et al. (2014), Exact solutions to the nonlinear dynamics of learning. Leading axes are merged, as in Keras.
    The signs that the QR decomposition leaves open are fixed, which makes the distribution uniform (Mezzadri, 2007).
    An array of fewer than two axes is a `ShapeError`.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checks.number(gain, "Orthogonal: gain")

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal: expected a shape of at least two axes, got {shape}. Choose another for it.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        Q, R = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        Q *= self.gain * np.copysign(1.0, np.diagonal(R))
        return (Q if rows >= columns else Q.T).reshape(shape).astype(dtype)


register_builtins(globals())

"""Initializers: the initial values of a layer's arrays.

Each is a callable ``(rng, shape, dtype) -> array``; a plain function with these arguments also works.
Values are drawn in float64 and rounded, so that a seed gives the same model in every dtype.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl import checks
from minidl.config import Configured, register_builtins, resolve
from minidl.constructor import accepts
from minidl.errors import ArgumentError, ShapeError
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
    """Return ``value`` as an initializer: a name, an instance or a plain function."""
    if callable(value) and not isinstance(value, type):
        if not accepts(value, "rng", "shape", "dtype"):
            raise ArgumentError(f"{who}: expected a function of (rng, shape, dtype), got {value!r}.")
        return value
    return resolve(value, Initializer, who)


def fans(shape: Shape) -> tuple[int, int]:
    """Return ``(fan_in, fan_out)``: the inputs per output and the outputs per input.

    For ``(inputs, units)`` they are the lengths of the axes; leading axes, as in a convolution kernel
    ``(width, inputs, units)``, multiply both; a vector counts as a square matrix of its length.
    """
    if len(shape) < 2:
        length = shape[0] if shape else 1
        return length, length
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def draw_truncated(rng: "np.random.Generator", shape: Shape) -> Array:
    """Return standard normal values, redrawn if they are beyond two standard deviations."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = rng.standard_normal(np.count_nonzero(outside))
    return values


class Zeros(Initializer):
    """``0`` everywhere."""

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """``1`` everywhere."""

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        return np.ones(shape, dtype)


class Constant(Initializer):
    """``value`` everywhere: a number, or an array of the requested shape (otherwise a `ShapeError`)."""

    def __init__(self, value: Any = 0.0) -> None:
        number = np.ndim(value) == 0
        self.value = checks.number(value, "Constant: value") if number else checks.real_array(value, "Constant: value")

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        if np.ndim(self.value) and np.shape(self.value) != tuple(shape):
            raise ShapeError(f"Constant: expected a value of shape {tuple(shape)}, got {np.shape(self.value)}.")
        return np.full(shape, self.value, dtype)


class RandomInitializer(Initializer, ABC):
    """Abstract base of the random initializers: `draw` returns the values in float64.

    Parameters
    ----------
    seed : int, optional
        Draws the same values each time. By default they depend on the model's seed.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else checks.integer(seed, f"{type(self).__name__}: seed", minimum=0)

    @abstractmethod
    def draw(self, rng: "np.random.Generator", shape: Shape) -> Array:
        """Return new values of ``shape``, drawn from ``rng``."""

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        own = rng if self.seed is None else np.random.default_rng(self.seed)
        return self.draw(own, shape).astype(dtype, copy=False)


class RandomNormal(RandomInitializer):
    """Normal with ``mean`` and standard deviation ``stddev``, at least 0."""

    aliases = ("normal",)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean = checks.number(mean, f"{type(self).__name__}: mean")
        self.stddev = checks.number(stddev, f"{type(self).__name__}: stddev", at_least=0)
        super().__init__(seed)

    def draw(self, rng: "np.random.Generator", shape: Shape) -> Array:
        return rng.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """`RandomNormal`, with values beyond two standard deviations from the mean redrawn."""

    def draw(self, rng: "np.random.Generator", shape: Shape) -> Array:
        return self.mean + self.stddev * draw_truncated(rng, shape)


class RandomUniform(RandomInitializer):
    """Uniform in ``[minval, maxval)``, where ``minval <= maxval``."""

    aliases = ("uniform",)

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval = checks.number(minval, "RandomUniform: minval")
        self.maxval = checks.number(maxval, "RandomUniform: maxval", at_least=self.minval)
        super().__init__(seed)

    def draw(self, rng: "np.random.Generator", shape: Shape) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)


class VarianceScaling(RandomInitializer):
    """Random values of variance ``scale / fan``, where fan is the inputs per output, outputs per input, or their mean.

    Parameters
    ----------
    scale : float
        Above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        The ``fan``; "fan_avg" is the mean of the other two.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        Truncated at two standard deviations, as in Keras; torch does not truncate.
    seed : int, optional
        Draws the same values each time. By default they depend on the model's seed.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        self.scale = checks.number(scale, "VarianceScaling: scale", above=0)
        self.mode = checks.choice(mode, "VarianceScaling: mode", ("fan_in", "fan_out", "fan_avg"))
        distributions = ("truncated_normal", "untruncated_normal", "uniform")
        self.distribution = checks.choice(distribution, "VarianceScaling: distribution", distributions)
        super().__init__(seed)

    def draw(self, rng: "np.random.Generator", shape: Shape) -> Array:
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        if self.distribution == "uniform":
            return rng.uniform(-math.sqrt(3 * self.scale / fan), math.sqrt(3 * self.scale / fan), shape)
        if self.distribution == "untruncated_normal":
            return math.sqrt(self.scale / fan) * rng.standard_normal(shape)
        # divided by the standard deviation of a standard normal truncated at +-2
        return draw_truncated(rng, shape) * (math.sqrt(self.scale / fan) / 0.87962566103423978)


class FixedScaling(VarianceScaling, ABC):
    """Abstract base of the named special cases of `VarianceScaling`."""

    __init__ = RandomInitializer.__init__


class GlorotUniform(FixedScaling):
    """Uniform in ``+-sqrt(6 / (fan_in + fan_out))``: the default for weights.

    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, equation (16).
    """

    scale, mode, distribution = 1.0, "fan_avg", "uniform"


class GlorotNormal(FixedScaling):
    """Truncated normal of standard deviation ``sqrt(2 / (fan_in + fan_out))``.

    Glorot and Bengio (2010), equation (12).
    """

    scale, mode, distribution = 1.0, "fan_avg", "truncated_normal"


class HeUniform(FixedScaling):
    """Uniform in ``+-sqrt(6 / fan_in)``: made for ReLU.

    He et al. (2015), Delving deep into rectifiers, section 2.2.
    """

    scale, mode, distribution = 2.0, "fan_in", "uniform"


class HeNormal(FixedScaling):
    """Truncated normal of standard deviation ``sqrt(2 / fan_in)``: made for ReLU.

    He et al. (2015), equation (10).
    """

    scale, mode, distribution = 2.0, "fan_in", "truncated_normal"


class LecunUniform(FixedScaling):
    """Uniform in ``+-sqrt(3 / fan_in)``.

    LeCun et al. (1998), equation (16).
    """

    scale, mode, distribution = 1.0, "fan_in", "uniform"


class LecunNormal(FixedScaling):
    """Truncated normal of standard deviation ``sqrt(1 / fan_in)``.

    LeCun et al. (1998), Efficient BackProp, equation (16).
    """

    scale, mode, distribution = 1.0, "fan_in", "truncated_normal"


class Orthogonal(RandomInitializer):
    """``gain`` times a random matrix whose rows, or columns if they are fewer, are orthonormal.

    Saxe et al. (2014), Exact solutions to the nonlinear dynamics of learning. Leading axes are merged, as in Keras.
    The signs that the QR decomposition leaves open are fixed, which makes the distribution uniform (Mezzadri, 2007).
    An array of fewer than two axes is a `ShapeError`.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain = checks.number(gain, "Orthogonal: gain")
        super().__init__(seed)

    def draw(self, rng: "np.random.Generator", shape: Shape) -> Array:
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal: expected a shape of at least two axes, got {shape}. Choose another for it.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        Q, R = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        Q *= self.gain * np.copysign(1.0, np.diagonal(R))
        return (Q if rows >= columns else Q.T).reshape(shape)


class Identity(Initializer):
    """``gain`` on the diagonal, 0 elsewhere; any shape but a matrix is a `ShapeError`."""

    registered_name = "IdentityInitializer"

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checks.number(gain, "Identity: gain")

    def __call__(self, rng: "np.random.Generator", shape: Shape, dtype: "np.dtype[Any]") -> Array:
        if len(shape) != 2:
            raise ShapeError(f"Identity: expected a shape of two axes, got {shape}. Choose another for it.")
        return (self.gain * np.eye(*shape)).astype(dtype)


register_builtins(globals())

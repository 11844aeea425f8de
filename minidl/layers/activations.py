"""Activations: the nonlinear functions between dense layers.

All except Softmax are elementwise: ``dx = dy * g'(x)``, or dZ = dA * g'(Z) in the notation of the course notes.
"""

from typing import Any, Unpack

import numpy as np

from minidl import checks
from minidl.config import names_of, resolve
from minidl.errors import ArgumentError
from minidl.layers.base import Layer
from minidl.normal import normal_cdf, normal_density
from minidl.numeric import select, sigmoid, softmax, softplus
from minidl.typing import Array, LayerOptions, Shape

ZERO = np.zeros((), np.float32)  # converting a Python number costs NumPy half a microsecond


class ActivationLayer(Layer):
    """Abstract base of the activations, which ``Dense(activation="relu")`` selects by name."""


class Sigmoid(ActivationLayer):
    """Logistic function: ``y = 1 / (1 + exp(-x))``, between 0 and 1.

    Notes
    -----
    The derivative ``y (1 - y)`` is computed as ``e / (1 + e)**2`` with ``e = exp(-abs(x))``, which keeps
    its precision where y rounds to 1. Course notes, section 4.4.b.1.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return sigmoid(x)

    def backward(self, dy: Array) -> Array:
        e = np.exp(-np.abs(self._x))
        return dy * (e / (1 + e) ** 2)


class Tanh(ActivationLayer):
    """Hyperbolic tangent: ``y = tanh(x)``, between -1 and 1.

    Notes
    -----
    The derivative ``1 - y**2`` is computed as ``4 e / (1 + e)**2`` with ``e = exp(-2 abs(x))``, which keeps
    its precision where y rounds to 1. Course notes, section 4.4.b.2.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return np.tanh(x)

    def backward(self, dy: Array) -> Array:
        with np.errstate(over="ignore"):  # 2 x can be beyond the largest number
            e = np.exp(-2 * np.abs(self._x))
        return dy * (4 * e / (1 + e) ** 2)


class ReLU(ActivationLayer):
    """Rectified linear unit: ``y = max(x, 0)``.

    Parameters
    ----------
    slope_at_zero : {1, 0}
        The derivative at exactly 0. The course notes define 1, the default; Keras, torch and the programs
        behind the course's published numbers use 0. It matters when many inputs are exactly 0, as with zero biases.
    """

    def __init__(self, slope_at_zero: int = 1, **options: Unpack[LayerOptions]) -> None:
        if slope_at_zero not in (0, 1):
            raise ArgumentError(f"ReLU: slope_at_zero: expected 0 or 1, got {slope_at_zero!r}.")
        self.slope_at_zero = slope_at_zero

    def forward(self, x: Array, training: bool = False) -> Array:
        # 1 or 0 in the dtype of x, so that multiplying converts nothing
        mask = self._mask = (x >= ZERO if self.slope_at_zero else x > ZERO).astype(x.dtype)
        return x * mask  # takes half the time of np.maximum

    def backward(self, dy: Array) -> Array:
        return dy * self._mask


class LeakyReLU(ActivationLayer):
    """Leaky rectified linear unit: ``y = x where x >= 0, else negative_slope * x``; the derivative at 0 is 1.

    Parameters
    ----------
    negative_slope : float
        Slope for negative inputs. The default of 0.01 is that of the course notes (Keras: 0.3).
    """

    def __init__(self, negative_slope: float = 0.01, **options: Unpack[LayerOptions]) -> None:
        self.negative_slope = checks.number(negative_slope, "LeakyReLU: negative_slope", at_least=0)

    def forward(self, x: Array, training: bool = False) -> Array:
        self._slope = select(x >= 0, 1, self.negative_slope, x.dtype)
        return x * self._slope

    def backward(self, dy: Array) -> Array:
        return dy * self._slope


class ELU(ActivationLayer):
    """Exponential linear unit: ``y = x where x > 0, else alpha (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
        The output approaches ``-alpha`` for large negative inputs.

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, 2016. The derivative at 0 is ``alpha``.
    """

    def __init__(self, alpha: float = 1.0, **options: Unpack[LayerOptions]) -> None:
        self.alpha = checks.number(alpha, "ELU: alpha", at_least=0)

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return np.maximum(x, 0) + self.alpha * np.expm1(np.minimum(x, 0))

    def backward(self, dy: Array) -> Array:
        return dy * select(self._x > 0, 1, self.alpha * np.exp(np.minimum(self._x, 0)), dy.dtype)


class GELU(ActivationLayer):
    """Gaussian error linear unit: ``y = x P(x)``, with P the standard normal CDF (not the tanh approximation).

    Notes
    -----
    Hendrycks and Gimpel, 2016. The derivative is ``P(x) + x p(x)`` with the density ``p``.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x, self._p = x, normal_cdf(x)
        return x * self._p

    def backward(self, dy: Array) -> Array:
        return dy * (self._p + self._x * normal_density(self._x))


class SiLU(ActivationLayer):
    """Sigmoid linear unit, or swish: ``y = x s(x)``, with s the logistic function.

    Notes
    -----
    Elfwing, Uchibe and Doya, 2018. The derivative is ``s(x) (1 + x s(-x))``.
    """

    aliases = ("swish",)

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x, self._s = x, sigmoid(x)
        return x * self._s

    def backward(self, dy: Array) -> Array:
        return dy * (self._s * (1 + self._x * sigmoid(-self._x)))


class Softplus(ActivationLayer):
    """Smooth ReLU: ``y = log(1 + exp(x))``; its derivative is the logistic function. Dugas et al., 2001."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return softplus(x)

    def backward(self, dy: Array) -> Array:
        return dy * sigmoid(self._x)


class Softmax(ActivationLayer):
    """Class probabilities: ``y = exp(x) / sum(exp(x))``, with the sum over the last axis.

    Parameters
    ----------
    axis : int
        Must be -1: only the last axis is supported.

    Raises
    ------
    ArgumentError
        In `build`, if there is only one unit: its probability would always be 1.

    Notes
    -----
    The Jacobian of a row is ``diag(y) - outer(y, y)``, hence ``dx = y (dy - sum(dy y))``. Bridle, 1990.
    """

    def __init__(self, axis: int = -1, **options: Unpack[LayerOptions]) -> None:
        if axis != -1:
            raise ArgumentError(f"Softmax: axis: expected -1, the last axis, got {axis!r}.")
        self.axis = axis

    def build(self, input_shape: Shape) -> Shape:
        if input_shape[-1] < 2:
            fix = "Use Sigmoid for two classes with one unit."
            raise ArgumentError(f"{self.label}: expected at least 2 units, got 1: its output would always be 1. {fix}")
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self._y = softmax(x)
        return self._y

    def backward(self, dy: Array) -> Array:
        return self._y * (dy - (dy * self._y).sum(axis=-1, keepdims=True))


def resolve_activation(value: Any, who: str) -> Layer | None:
    """Return the activation layer for a name or an instance; None for None and "linear"."""
    if value is None or value == "linear":
        return None
    if isinstance(value, Layer):
        return value
    if callable(value) and not isinstance(value, type):
        name = getattr(value, "__name__", "")
        fix = f"Write {name!r}." if name in names_of(ActivationLayer) else "Write a layer: docs/extend.md shows how."
        raise ArgumentError(f"{who}: expected a name or a layer, got {value!r}: a function has no backward. {fix}")
    return resolve(value, ActivationLayer, who, also=["linear"])


def Activation(activation: str | Layer) -> Layer:
    """Return the activation layer with this name, like ``Activation("relu")`` in Keras."""
    layer = resolve_activation(activation, "Activation")
    if layer is None:
        raise ArgumentError("Activation: expected the name of a nonlinear function, got 'linear'. Leave it out.")
    return layer

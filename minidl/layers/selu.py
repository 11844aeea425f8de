"""SELU and AlphaDropout: for self-normalising networks, whose activations keep mean 0 and variance 1.

Both expect inputs with mean 0 and variance 1, and weights from `LecunNormal`.
"""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.layers.activations import ActivationLayer
from minidl.layers.base import Layer
from minidl.numeric import select
from minidl.typing import Array, LayerOptions

# The fixed point of mean 0 and variance 1: Klambauer et al., 2017, equation (14).
ALPHA = 1.6732632423543772848170429916717
SCALE = 1.0507009873554804934193349852946


class SELU(ActivationLayer):
    """Scaled exponential linear unit: ``y = scale * x where x > 0, else scale * alpha * (exp(x) - 1)``.

    Notes
    -----
    Klambauer, Unterthiner, Mayr and Hochreiter, 2017, with ``alpha = 1.67326...`` and ``scale = 1.05070...``.
    The derivative at 0 is ``scale * alpha``. Use it with ``kernel_initializer="lecun_normal"``, and `AlphaDropout` in
    place of `Dropout`.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return SCALE * np.maximum(x, 0) + SCALE * ALPHA * np.expm1(np.minimum(x, 0))

    def backward(self, dy: Array) -> Array:
        return dy * select(self._x > 0, SCALE, SCALE * ALPHA * np.exp(np.minimum(self._x, 0)), dy.dtype)


class AlphaDropout(Layer):
    """In training ``y = a * where(mask, x, -scale * alpha) + b``, which keeps mean 0 and variance 1; else ``y = x``.

    Parameters
    ----------
    rate : float
        Fraction of the units to set to the lower limit of `SELU`, in [0, 1).

    Notes
    -----
    Klambauer et al., 2017, section "New dropout technique". With ``low = -scale * alpha`` and ``q = 1 - rate``,
    ``a = (q + low**2 * q * rate)**-0.5`` and ``b = -a * rate * low``. ``dx = a * dy`` where the mask is 1, else 0. The
    mask is a function of the model's seed, the training pass and the layer.

    Examples
    --------
    >>> model = Sequential([Input((1000,)), AlphaDropout(0.1)], seed=0)
    >>> y = model.forward(np.random.default_rng(0).standard_normal((100, 1000)), training=True)
    >>> bool(abs(y.mean()) < 0.01), y.std().round(2)
    (True, np.float32(1.0))
    """

    stochastic = True

    def __init__(self, rate: float, **options: Unpack[LayerOptions]) -> None:
        self.rate = checks.number(rate, "AlphaDropout: rate", at_least=0, below=1)

    def forward(self, x: Array, training: bool = False) -> Array:
        self._slope = None
        if not training or self.rate == 0:
            return x
        low = -SCALE * ALPHA
        a = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.rate
        self._slope = np.multiply(kept, a, dtype=x.dtype)
        b = -a * low * self.rate
        return x * self._slope + np.where(kept, b, b + a * low).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        return dy if self._slope is None else dy * self._slope

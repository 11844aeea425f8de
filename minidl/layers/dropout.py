"""Dropout: sets a random fraction of the units to 0 in training, to reduce overfitting.

The kept units are scaled up in training, so that inference needs no change.
"""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions


class Dropout(Layer):
    """In training ``y = x * mask / (1 - rate)``, mask 0 with probability ``rate``, else 1; in inference ``y = x``.

    Parameters
    ----------
    rate : float
        Fraction of the units to drop, in [0, 1).

    Notes
    -----
    Srivastava et al., 2014, in the "inverted" form. The mask is a function of the model's
    seed, the training pass and the layer.
    """

    stochastic = True

    def __init__(self, rate: float, **options: Unpack[LayerOptions]) -> None:
        self.rate = checks.number(rate, "Dropout: rate", at_least=0, below=1)

    def forward(self, x: Array, training: bool = False) -> Array:
        self._scale = None
        if not training or self.rate == 0:
            return x
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.rate
        self._scale = np.multiply(kept, 1 / (1 - self.rate), dtype=x.dtype)
        return x * self._scale

    def backward(self, dy: Array) -> Array:
        return dy if self._scale is None else dy * self._scale

"""Layers that draw random numbers in training, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, INTERFACE, REGION, STATE, bug, correct


@correct(0.4)
class Dropout(Layer):
    stochastic = True

    def __init__(self, rate):
        self.rate = rate

    def forward(self, x, training=False):
        self._mask = None
        if not training or self.rate == 0:
            return x.copy()
        self._mask = (self.rng.random(x.shape) >= self.rate).astype(x.dtype) / x.dtype.type(1 - self.rate)
        return x * self._mask

    def backward(self, dy):
        return dy.copy() if self._mask is None else dy * self._mask


@bug(FORMULA, r"constant 0\.6 = 1 - rate")
class DropoutNotScaled(Dropout):
    def backward(self, dy):
        return dy.copy() if self._mask is None else dy * (self._mask > 0)


@bug(FORMULA, r"1/\(1 - rate\)")
class DropoutScaledTwice(Dropout):
    def backward(self, dy):
        return dy.copy() if self._mask is None else dy * self._mask / (1 - self.rate)


@bug(FORMULA, "backward draws random numbers")
class DropoutMaskDrawnAgain(Dropout):
    def backward(self, dy):
        return dy.copy() if self._mask is None else dy * self._mask[self.rng.permutation(len(dy))]


@bug(FORMULA, r"equals dy|self\._mask is missing")
class DropoutIgnoredInBackward(Dropout):
    def backward(self, dy):
        return dy.copy()


@bug(FORMULA, "the mask is inverted")
class DropoutMaskInverted(Dropout):
    def backward(self, dy):
        return dy.copy() if self._mask is None else dy * (self._mask == 0) / (1 - self.rate)


@bug(INTERFACE, r"np\.random")
class DropoutFromTheGlobalGenerator(Dropout):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if self._mask is not None:
            self._mask = (np.random.rand(*x.shape) >= self.rate) / (1 - self.rate)  # noqa: NPY002
            return x * self._mask.astype(x.dtype)
        return y


@bug(INTERFACE, "inference is not deterministic")
class DropoutAtInference(Dropout):
    def forward(self, x, training=False):
        return super().forward(x, True)


@bug(INTERFACE, r"at inference: analytic/numeric is constant 0\.6 = 1 - rate")
class DropoutScalesInferenceGradients(Dropout):
    def backward(self, dy):
        return dy * (1 - self.rate) if self._mask is None else super().backward(dy)


@bug(INTERFACE, "in float64")
class DropoutUpcasts(Dropout):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if self._mask is not None:
            self._mask = self._mask.astype("float64")
        return y


@bug(STATE, r"self\._mask holds")
class DropoutKeepsAnOldMask(Dropout):
    """Inference after training differentiates with the old mask."""

    def forward(self, x, training=False):
        old = self.__dict__.get("_mask")
        y = super().forward(x, training)
        if self._mask is None and old is not None and old.shape == x.shape:
            self._mask = old
        return y


@bug(REGION, r"wrong for rate=0\.7")
class DropoutRateAboveHalfWrong(Dropout):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self._mask is None or self.rate <= 0.5 else dx * 0.5


@correct(0.3)
class GaussianNoise(Layer):
    """In training y = x * (1 + scale * noise)."""

    stochastic = True

    def __init__(self, scale):
        self.scale = scale

    def forward(self, x, training=False):
        factor = 1 + self.scale * self.rng.standard_normal(x.shape) if training else np.ones(x.shape)
        self._factor = factor.astype(x.dtype)
        return x * self._factor

    def backward(self, dy):
        return dy * self._factor


@bug(FORMULA, r"self\._factor is missing")
class NoiseIgnoredInBackward(GaussianNoise):
    def backward(self, dy):
        return dy.copy()


@bug(FORMULA, "backward draws random numbers")
class NoiseDrawnAgain(GaussianNoise):
    def backward(self, dy):
        if np.all(self._factor == 1):
            return dy.copy()
        return dy * (1 + self.scale * self.rng.standard_normal(dy.shape))

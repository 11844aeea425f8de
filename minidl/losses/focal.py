"""Focal cross-entropy: confident correct predictions count less, so that rare and hard classes count more.

Lin et al. (2017), Focal Loss for Dense Object Detection. The losses are accurate to the last digits on logits.
"""

import numpy as np

from minidl import checks
from minidl.losses.base import Loss
from minidl.losses.targets import check_distributions, check_range, crossentropy_options
from minidl.numeric import log_or_lowest, log_softmax, sigmoid, softplus
from minidl.typing import Array


class BinaryFocalCrossentropy(Loss):
    """Binary focal cross-entropy: ``L = mean(w r**gamma (-y log(p) - (1 - y) log(1 - p)))``.

    ``r = y (1 - p) + (1 - y) p`` is how far the prediction is from the target, and ``w`` is 1, or with class balancing
    ``y alpha + (1 - y) (1 - alpha)``.

    Parameters
    ----------
    apply_class_balancing : bool
        Whether to weight the classes by ``alpha``.
    alpha : float
        Weight of class 1 with class balancing, in [0, 1].
    gamma : float
        At least 0; 0 gives `BinaryCrossentropy`.
    from_logits : bool
        Whether the predictions are logits z with ``p = 1 / (1 + exp(-z))``.
    label_smoothing : float
        ``s`` in [0, 1] replaces y by ``y (1 - s) + s / 2``.

    Raises
    ------
    DataError
        In `check_targets`, for targets outside [0, 1].

    Notes
    -----
    With m values in the batch, ``c`` the cross-entropy of each and ``dr/dp = 1 - 2 y``::

        dL/dp = w (gamma r**(gamma - 1) (1 - 2 y) c + r**gamma (-y / p + (1 - y) / (1 - p))) / m

    On logits this is multiplied by ``p (1 - p)``.
    """

    link = "sigmoid"
    binary = True

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        who = "BinaryFocalCrossentropy"
        self.apply_class_balancing = checks.flag(apply_class_balancing, f"{who}: apply_class_balancing")
        self.alpha = checks.number(alpha, f"{who}: alpha", at_least=0, at_most=1)
        self.gamma = checks.number(gamma, f"{who}: gamma", at_least=0)
        self.from_logits, self.label_smoothing = crossentropy_options(who, from_logits, label_smoothing)

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        y = self._y = y * (1 - self.label_smoothing) + self.label_smoothing / 2
        if self.from_logits:
            self._p, self._q = sigmoid(y_pred), sigmoid(-y_pred)
            self._c = y * softplus(-y_pred) + (1 - y) * softplus(y_pred)
        else:
            self._p, self._q = y_pred, 1 - y_pred
            self._c = y * -log_or_lowest(np.log(y_pred)) - (1 - y) * log_or_lowest(np.log1p(-y_pred))
        self._r = y * self._q + (1 - y) * self._p
        self._w = y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else 1
        return self.mean(self._w * self._r**self.gamma * self._c, sample_weight)

    @np.errstate(all="ignore")
    def backward(self) -> Array:
        p, q, y, r = self._p, self._q, self._y, self._r
        tiny = np.finfo(p.dtype).tiny
        turn = self.gamma * (1 - 2 * y) / np.maximum(r, tiny)  # r**gamma is factored out
        if self.from_logits:
            derivative = turn * p * q * self._c + (1 - y) * p - y * q
        else:
            derivative = turn * self._c + (1 - y) / np.maximum(q, tiny) - y / np.maximum(p, tiny)
        return self.share(self._w * r**self.gamma * derivative)

    def check_targets(self, y: Array, outputs: int) -> None:
        check_range(y, 0, 1, "BinaryFocalCrossentropy", "Use {0, 1}, or probabilities.")


class CategoricalFocalCrossentropy(Loss):
    """Categorical focal cross-entropy: ``L = mean over rows of -alpha sum(y (1 - p)**gamma log(p))``.

    Parameters
    ----------
    alpha : float
        Scale factor, above 0.
    gamma : float
        At least 0; 0 gives `CategoricalCrossentropy` times alpha.
    from_logits : bool
        Whether the predictions are logits z with ``p = softmax(z)``.
    label_smoothing : float
        ``s`` in [0, 1] replaces y by ``y (1 - s) + s / outputs``.

    Raises
    ------
    DataError
        In `check_targets`, for rows that are not probability distributions.

    Notes
    -----
    With m rows in the batch::

        dL/dp = h / p / m      h = alpha y (gamma (1 - p)**(gamma - 1) p log(p) - (1 - p)**gamma)
        dL/dz = (h - p sum(h)) / m
    """

    link = "softmax"

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        who = "CategoricalFocalCrossentropy"
        self.alpha = checks.number(alpha, f"{who}: alpha", above=0)
        self.gamma = checks.number(gamma, f"{who}: gamma", at_least=0)
        self.from_logits, self.label_smoothing = crossentropy_options(who, from_logits, label_smoothing)

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        y = y * (1 - self.label_smoothing) + self.label_smoothing / y_pred.shape[1]
        if self.from_logits:
            logarithm = np.maximum(log_softmax(y_pred), np.finfo(y_pred.dtype).min)
        else:
            logarithm = log_or_lowest(np.log(y_pred))
        self._p = np.exp(logarithm) if self.from_logits else y_pred
        rest = -np.expm1(logarithm) if self.from_logits else 1 - y_pred  # 1 - p, accurate even where p rounds to 1
        factor, tiny = self.alpha * y * rest**self.gamma, np.finfo(rest.dtype).tiny
        self._h = factor * (self.gamma * self._p * logarithm / np.maximum(rest, tiny) - 1)
        self._rest = rest
        return self.mean(np.add.reduce(-factor * logarithm, axis=1), sample_weight)

    @np.errstate(all="ignore")
    def backward(self) -> Array:
        h, p = self._h, self._p
        if not self.from_logits:
            return self.share(h / np.maximum(p, np.finfo(p.dtype).tiny))
        others = h.sum(axis=1, keepdims=True) - h
        return self.share(h * self._rest - p * others)  # h - p sum(h), without loss of precision

    check_targets = check_distributions

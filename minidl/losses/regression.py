"""Regression losses: how far a predicted number is from the true one.

In the formulas ``d = y_pred - y_true``, with p for y_pred and y for y_true; the mean is over rows and outputs.
"""

from abc import ABC, abstractmethod

import numpy as np

from minidl import checks
from minidl.losses.base import Loss
from minidl.losses.targets import check_range
from minidl.numeric import log_or_lowest
from minidl.typing import Array

__all__ = [
    "Huber", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "Quantile",
]  # fmt: skip


class NumberLoss(Loss, ABC):
    """Abstract base of the regression losses."""


class DifferenceLoss(NumberLoss, ABC):
    """Abstract base of the losses of the difference alone: ``L = mean(value(d))``, ``dL/dp = slope(d) / m``."""

    @abstractmethod
    def value(self, d: Array) -> Array:
        """Return the loss of each difference."""

    @abstractmethod
    def slope(self, d: Array) -> Array:
        """Return the derivative of each `value` with respect to ``d``."""

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        self._d = y_pred - y
        return self.mean(self.value(self._d), sample_weight)

    def backward(self) -> Array:
        return self.share(self.slope(self._d))


class MeanSquaredError(NumberLoss):
    """Mean squared error: ``L = mean(d**2)``; ``dL/dp = 2 d / m`` for m values in the batch."""

    aliases = ("mse",)

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        self._d = y_pred - y
        wide = np.float64 if self._d.dtype == np.float32 else None  # wide enough for 1e30 squared
        return self.mean(np.square(self._d, dtype=wide), sample_weight)

    def backward(self) -> Array:
        return 2 * self.share(self._d)


class MeanAbsoluteError(DifferenceLoss):
    """Mean absolute error: ``L = mean(|d|)``; ``dL/dp = sign(d) / m`` for m values, taken as 0 at d = 0."""

    aliases = ("mae",)

    def value(self, d: Array) -> Array:
        return np.abs(d)

    def slope(self, d: Array) -> Array:
        return np.sign(d)


class MeanAbsolutePercentageError(NumberLoss):
    """Mean absolute percentage error: ``L = mean(100 |d| / |y|)``, with ``|y|`` raised to at least 1e-7.

    Notes
    -----
    ``dL/dp = 100 sign(d) / |y| / m`` for m values in the batch, taken as 0 at d = 0.

    Examples
    --------
    >>> MeanAbsolutePercentageError().forward(np.array([[3.0, 4.0]]), np.array([[2.0, 5.0]]))
    35.0
    """

    aliases = ("mape",)

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        self._d, self._unit = y_pred - y, np.maximum(np.abs(y), 1e-7) / 100
        wide = np.float64 if self._d.dtype == np.float32 else None  # as in MeanSquaredError
        return self.mean(np.divide(np.abs(self._d), self._unit, dtype=wide), sample_weight)

    def backward(self) -> Array:
        return self.share(np.sign(self._d) / self._unit)


class MeanSquaredLogarithmicError(NumberLoss):
    """Mean squared logarithmic error: ``L = mean((log(1 + p) - log(1 + y))**2)``, with negative p treated as 0.

    Raises
    ------
    DataError
        In `check_targets`, for negative targets.

    Notes
    -----
    ``dL/dp = 2 (log(1 + p) - log(1 + y)) / (1 + p) / m`` for m values in the batch, and 0 where p is below 0: end the
    model with Softplus. Keras raises p and y to at least 1e-7.
    """

    aliases = ("msle",)

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        self._p, y = self.pair(y_pred, y_true)
        self._d = np.log1p(np.maximum(self._p, 0)) - np.log1p(y)
        return self.mean(np.square(self._d), sample_weight)

    @np.errstate(all="ignore")
    def backward(self) -> Array:
        return self.share(np.where(self._p < 0, 0, 2 * self._d / (1 + np.maximum(self._p, 0))))

    def check_targets(self, y: Array, outputs: int) -> None:
        check_range(y, 0, np.inf, "MeanSquaredLogarithmicError", "Use MeanSquaredError.")


class Huber(DifferenceLoss):
    """Huber loss: ``L = mean(d**2 / 2 where |d| <= delta, else delta |d| - delta**2 / 2)``.

    Parameters
    ----------
    delta : float
        The ``|d|`` at which the loss turns from quadratic to linear; above 0.

    Notes
    -----
    ``dL/dp = clip(d, -delta, delta) / m`` for m values in the batch. Huber, 1964.
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = checks.number(delta, "Huber: delta", above=0)

    def value(self, d: Array) -> Array:
        size = np.abs(d, dtype=np.promote_types(d.dtype, np.float64))  # delta may be beyond float32
        inside = np.minimum(size, self.delta)
        return inside * (size - inside / 2)

    def slope(self, d: Array) -> Array:
        limit = min(self.delta, float(np.finfo(d.dtype).max))
        return np.clip(d, -limit, limit)


class LogCosh(DifferenceLoss):
    """Logarithm of the hyperbolic cosine: ``L = mean(log(cosh(d)))``; ``dL/dp = tanh(d) / m`` for m values.

    Nearly ``d**2 / 2`` for small d and ``|d| - log(2)`` for large ones.
    """

    def value(self, d: Array) -> Array:
        size = np.abs(d)
        small = np.log1p(np.square(np.sinh(size))) / 2  # cosh**2 = 1 + sinh**2: exact near 0
        large = size - np.log(d.dtype.type(2)) + np.log1p(np.exp(-2 * size))
        return np.where(size < 1, small, large)

    def slope(self, d: Array) -> Array:
        return np.tanh(d)


class Quantile(DifferenceLoss):
    """Pinball loss: ``L = mean(-q d where d < 0, else (1 - q) d)``, minimal where p is the q-quantile of y.

    Parameters
    ----------
    quantile : float
        ``q``, strictly between 0 and 1: 0.9 predicts a bound that 90% of the targets stay below.

    Notes
    -----
    ``dL/dp = (-q where d < 0, 1 - q where d > 0) / m`` for m values, taken as 0 at d = 0. Koenker and Bassett, 1978.
    """

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = checks.number(quantile, "Quantile: quantile", above=0, below=1)

    def value(self, d: Array) -> Array:
        return np.maximum(-self.quantile * d, (1 - self.quantile) * d)

    def slope(self, d: Array) -> Array:
        return (1 - self.quantile) * (d > 0).astype(d.dtype) - self.quantile * (d < 0).astype(d.dtype)


class Poisson(NumberLoss):
    """Poisson loss: ``L = mean(p - y log(p))``, for counts y and predicted rates p.

    Raises
    ------
    DataError
        In `check_targets`, for negative targets.

    Notes
    -----
    ``dL/dp = (1 - y / p) / m`` for m values in the batch. The rates must be positive: end the model with Softplus.
    The loss is the negative log-likelihood without the term that depends only on y. Keras adds 1e-7 to p.
    """

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        self._p, self._y = self.pair(y_pred, y_true)
        return self.mean(self._p - self._y * log_or_lowest(np.log(self._p)), sample_weight)

    @np.errstate(all="ignore")
    def backward(self) -> Array:
        p = np.maximum(self._p, np.finfo(self._p.dtype).tiny)
        return self.share((p - self._y) / p)

    def check_targets(self, y: Array, outputs: int) -> None:
        check_range(y, 0, np.inf, "Poisson", "Counts are not negative.")

"""Divergence and margin losses: KLDivergence, Hinge, SquaredHinge and CategoricalHinge."""

import numpy as np

from minidl import checks
from minidl.errors import DataError
from minidl.losses.base import Loss
from minidl.losses.targets import check_distributions
from minidl.typing import Array


class KLDivergence(Loss):
    """Kullback-Leibler divergence: ``L = mean over rows of sum(y log(y / p))``, with 0 log(0) = 0.

    Shapes
    ------
    y_pred  (batch, outputs)    p: positive, each row sums to 1 (end the model with Softmax)
    y_true  (batch, outputs)    y: each row sums to 1

    Raises
    ------
    DataError
        In `check_targets`, for rows that are not probability distributions.

    Notes
    -----
    ``dL/dp = -y / p / m`` for m rows in the batch. Keras clips y and p to [1e-7, 1]; minidl only raises p to
    the smallest normal number.
    """

    aliases = ("kld",)

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        self._y = y
        tiny = np.finfo(y.dtype).tiny
        p = self._p = np.where(np.abs(y_pred) < tiny, tiny, y_pred)
        ratio = np.where(y == 0, 1, y / p)
        excess = (y - p) / p  # exact where y and p are close
        values = y * np.where(np.abs(excess) < 0.5, np.log1p(excess), np.log(ratio))
        return self.mean(np.add.reduce(values, axis=1), sample_weight)

    def backward(self) -> Array:
        return self.share(-self._y / self._p)

    check_targets = check_distributions


class Hinge(Loss):
    """Hinge loss: ``L = mean(max(1 - y p, 0))``, for targets y of -1 or 1, or of 0 or 1 (0 counts as -1).

    Raises
    ------
    DataError
        In `check_targets`, for other targets, or for both -1 and 0.

    Notes
    -----
    ``dL/dp = (-y where y p < 1) / m`` for m values in the batch, taken as 0 at y p = 1. Cortes and Vapnik, 1995.
    """

    binary = True
    threshold = 0.0

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        self._y = np.where(y == 0, -1, y)
        self._margin = 1 - self._y * y_pred
        return self.mean(np.maximum(self._margin, 0), sample_weight)

    def backward(self) -> Array:
        return self.share(np.where(self._margin > 0, -self._y, 0))

    def check_targets(self, y: Array, outputs: int) -> None:
        low = -1 if y.min() < 0 else 0
        wrong = (y != low) & (y != 1)
        if wrong.any():
            index, who = np.argwhere(wrong)[0], type(self).__name__
            got = f"{y[tuple(index)]} at {checks.place(tuple(index))}"
            raise DataError(f"y: expected targets {{{low}, 1}} for {who}, got {got}.")


class SquaredHinge(Hinge):
    """Squared hinge loss: ``L = mean(max(1 - y p, 0)**2)``, for the targets of `Hinge`.

    ``dL/dp = -2 y max(1 - y p, 0) / m`` for m values in the batch.
    """

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        super().forward(y_pred, y_true, sample_weight)
        wide = np.float64 if self._margin.dtype == np.float32 else None  # wide enough for 1e30 squared
        return self.mean(np.square(np.maximum(self._margin, 0), dtype=wide), sample_weight)

    def backward(self) -> Array:
        return -2 * self.share(self._y * np.maximum(self._margin, 0))


class CategoricalHinge(Loss):
    """Multiclass hinge loss: ``L = mean over rows of max(max((1 - y) p) - sum(y p) + 1, 0)``, for one-hot targets.

    Notes
    -----
    For m rows, where a row's loss is above 0, ``dL/dp = -y / m``, plus ``(1 - y) / m`` at the largest ``(1 - y) p``.
    """

    @np.errstate(all="ignore")
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        others, rows = (1 - y) * y_pred, np.arange(len(y))
        top = others.argmax(axis=1)
        margin = others[rows, top] - np.add.reduce(y * y_pred, axis=1) + 1
        self._slope = -y
        self._slope[rows, top] += 1 - y[rows, top]
        self._slope *= (margin > 0)[:, None]
        return self.mean(np.maximum(margin, 0), sample_weight)

    def backward(self) -> Array:
        return self.share(self._slope)

    check_targets = check_distributions

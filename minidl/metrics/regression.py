"""Regression metrics: MeanSquaredError, RootMeanSquaredError, MeanAbsoluteError and R2Score, in float64."""

import math
from typing import Any

import numpy as np

from minidl import checks
from minidl.metrics.base import MeanMetric, Metric
from minidl.metrics.targets import match_shapes, nan_rows, row_weights
from minidl.typing import Array

ZEROS = -1100  # exponent while all outputs and targets are 0: below that of any number
AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class MeanSquaredError(MeanMetric):
    """Mean squared error: ``mean((y_pred - y_true)**2)``, over samples and outputs."""

    aliases = ("mse",)
    higher_is_better = False
    registered_name = "MeanSquaredErrorMetric"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(difference(y_true, y_pred, self))


class RootMeanSquaredError(MeanSquaredError):
    """Root of the mean squared error: ``sqrt(mean((y_pred - y_true)**2))``, over samples and outputs."""

    def result(self) -> float:
        return math.sqrt(super().result())


class MeanAbsoluteError(MeanMetric):
    """Mean absolute error: ``mean(|y_pred - y_true|)``, over samples and outputs."""

    aliases = ("mae",)
    higher_is_better = False
    registered_name = "MeanAbsoluteErrorMetric"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.abs(difference(y_true, y_pred, self))


class R2Score(Metric):
    """Fraction of the variance explained: ``1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)``.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How to average over the outputs: the mean, plain or weighted by their variances, or None for an array with one
        score per output.
    name : str, optional

    Notes
    -----
    The sums of the batches are combined as in Chan, Golub and LeVeque, 1979, without loss of precision. If all targets
    are equal, the score is 1 for a perfect prediction, else 0, as in scikit-learn.
    """

    higher_is_better = True
    _exponent: Any = ZEROS  # for each output: mean, spread and squares are in units of this power of two and its square
    _weight = 0.0
    _mean: Any = 0.0
    _spread: Any = 0.0  # squares about the mean
    _squares: Any = 0.0  # squared errors
    _low: Any = np.inf  # smallest target
    _high: Any = -np.inf

    def __init__(self, class_aggregation: str | None = "uniform_average", name: str | None = None) -> None:
        way = class_aggregation
        self.class_aggregation = None if way is None else checks.choice(way, "R2Score: class_aggregation", AGGREGATIONS)
        self.name = name

    @np.errstate(all="ignore")
    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        error = difference(y_true, y_pred, self)
        y = np.asarray(y_true, np.float64).reshape(error.shape)
        weight = row_weights(sample_weight, len(y))
        nan_rows(error, self)
        total = float(weight.sum())
        if total == 0:
            return
        seen = weight > 0
        self._low = np.minimum(self._low, y[seen].min(axis=0))
        self._high = np.maximum(self._high, y[seen].max(axis=0))
        largest = np.maximum(np.abs(y).max(axis=0), np.abs(error).max(axis=0))
        exponent = np.maximum(self._exponent, np.where(largest > 0, np.frexp(largest)[1], ZEROS))
        old, y, error = self._exponent - exponent, np.ldexp(y, -exponent), np.ldexp(error, -exponent)
        before, old_mean = self._weight, np.ldexp(self._mean, old)
        mean, share = weight @ y / total, total / (self._weight + total)
        spread = weight @ (y - mean) ** 2 + (mean - old_mean) ** 2 * before * share
        self._exponent, self._weight, self._mean = exponent, before + total, old_mean + (mean - old_mean) * share
        self._spread = np.ldexp(self._spread, 2 * old) + spread
        self._squares = np.ldexp(self._squares, 2 * old) + weight @ error**2

    def result(self) -> float | Array:
        if not self._weight:
            return 0.0
        squares, spread = self._squares, np.where(self._low == self._high, 0.0, self._spread)
        score = np.where(squares == 0, 1.0, np.where(np.isnan(squares), np.nan, 0.0))
        np.divide(spread - squares, spread, out=score, where=spread > 0)
        spread = np.ldexp(spread, 2 * (self._exponent - self._exponent.max()))
        if self.class_aggregation is None:
            return score
        weights = spread if self.class_aggregation == "variance_weighted_average" and spread.any() else None
        return float(np.average(score, weights=weights))


def difference(y_true: Array, y_pred: Array, who: Metric) -> Array:
    """Return ``y_pred - y_true`` in float64, for arrays of the same shape."""
    y_true, y_pred = match_shapes(y_true, y_pred, who)
    return np.subtract(y_pred, y_true, dtype=np.float64)

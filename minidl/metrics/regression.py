"""Metrics of numbers: MeanSquaredError, MeanAbsoluteError and R2Score, in float64."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.metrics.base import Mean, Metric
from minidl.metrics.targets import match_shapes, row_weights
from minidl.typing import Array

AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class MeanSquaredError(Mean):
    """Mean squared error: ``mean((y_pred - y_true)**2)``, over samples and outputs."""

    aliases = ("mse",)
    higher_is_better = False
    registered_name = "MeanSquaredErrorMetric"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(difference(y_true, y_pred, self))


class MeanAbsoluteError(Mean):
    """Mean absolute error: ``mean(|y_pred - y_true|)``, over samples and outputs."""

    aliases = ("mae",)
    higher_is_better = False
    registered_name = "MeanAbsoluteErrorMetric"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.abs(difference(y_true, y_pred, self))


class R2Score(Metric):
    """Explained fraction of the variance: ``1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)``.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How to average over the outputs: the mean, weighted by their variances or not, or None for an array with the
        score of each.
    name : str, optional

    Notes
    -----
    The sums of the batches are combined as in Chan, Golub and LeVeque, 1979, which loses no digits. Where all targets
    are equal the score is 1 for a perfect prediction, else 0, as in scikit-learn.
    """

    higher_is_better = True
    _sums: tuple[float, Any, Any, Any] = (0.0, 0.0, 0.0, 0.0)  # weight, mean, squares about the mean, squared errors

    def __init__(self, class_aggregation: str | None = "uniform_average", name: str | None = None) -> None:
        if class_aggregation is not None:
            checks.choice(class_aggregation, "R2Score: class_aggregation", AGGREGATIONS)
        self.class_aggregation = class_aggregation
        self.name = name

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        error = difference(y_true, y_pred, self)
        y = np.asarray(y_true, np.float64).reshape(error.shape)
        weight = row_weights(sample_weight, len(y))
        total = float(weight.sum())
        if total == 0:
            return
        mean = weight @ y / total
        spread, squares = weight @ (y - mean) ** 2, weight @ error**2
        before, old_mean, old_spread, old_squares = self._sums
        share = total / (before + total)
        spread += old_spread + (mean - old_mean) ** 2 * before * share
        self._sums = before + total, old_mean + (mean - old_mean) * share, spread, old_squares + squares

    def result(self) -> float | Array:
        total, _, spread, squares = self._sums
        if not total:
            return 0.0
        score = np.where(squares > 0, 0.0, 1.0)
        np.divide(spread - squares, spread, out=score, where=spread > 0)
        if self.class_aggregation is None:
            return score
        weights = spread if self.class_aggregation == "variance_weighted_average" and spread.any() else None
        return float(np.average(score, weights=weights))


def difference(y_true: Array, y_pred: Array, who: Metric) -> Array:
    """``y_pred - y_true`` in float64, for arrays of one shape."""
    y_true, y_pred = match_shapes(y_true, y_pred, who)
    return np.subtract(y_pred, y_true, dtype=np.float64)

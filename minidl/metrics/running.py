"""Mean and Sum of the values that a custom training loop passes to them."""

from typing import Any

import numpy as np

from minidl.metrics.base import Metric
from minidl.typing import Array


class Mean(Metric):
    """Mean of the values passed to it: ``sum(weight value) / sum(weight)``.

    It is for custom loops: ``update`` takes the values, and their weights, in place of targets and outputs.

    Examples
    --------
    >>> mean = minidl.metrics.Mean(name="loss")
    >>> mean.update([1.0, 3.0])
    >>> mean.update(5.0)
    >>> mean.result()
    3.0
    """

    _total: float = 0.0
    _weight: float = 0.0

    def update(self, y_true: Any, y_pred: Any = None, sample_weight: Array | None = None) -> None:
        """Add values, and the weights of each if they are given: ``update(values, weights)``."""
        values, weights = np.asarray(y_true, np.float64), y_pred if sample_weight is None else sample_weight
        weights = np.broadcast_to(1.0 if weights is None else np.asarray(weights, np.float64), values.shape)
        self._total += float((values * weights).sum())
        self._weight += float(weights.sum())

    def result(self) -> float:
        return self._total / self._weight if self._weight else 0.0


class Sum(Mean):
    """Sum of the values passed to it: ``sum(weight value)``; used like `Mean`.

    Examples
    --------
    >>> total = minidl.metrics.Sum()
    >>> total.update([1.0, 3.0])
    >>> total.result()
    4.0
    """

    def result(self) -> float:
        return self._total

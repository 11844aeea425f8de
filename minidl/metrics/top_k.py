"""Top-k accuracies: the fraction of samples whose class is among the k largest outputs."""

import numpy as np

from minidl import checks
from minidl.metrics.base import MeanMetric
from minidl.metrics.targets import flat_labels, match_classes
from minidl.typing import Array


class TopKCategoricalAccuracy(MeanMetric):
    """Fraction of samples where fewer than ``k`` outputs are larger than that of the one-hot target's class.

    Parameters
    ----------
    k : int
        At least 1.
    name : str, optional
    """

    higher_is_better = True

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        self.k = checks.integer(k, f"{type(self).__name__}: k", minimum=1)
        self.name = name

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_true, y_pred = match_classes(y_true, y_pred, self)
        return self.in_top(y_true.argmax(axis=1), y_pred)

    def in_top(self, labels: Array, y_pred: Array) -> Array:
        """Return for each sample whether fewer than ``k`` outputs are larger than that of its label."""
        chosen = np.take_along_axis(y_pred, labels[:, None], axis=1)
        return np.less((y_pred > chosen).sum(axis=1), self.k)


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """`TopKCategoricalAccuracy` for integer labels: fewer than ``k`` outputs are larger than that of the label."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return self.in_top(*flat_labels(y_true, y_pred, self))

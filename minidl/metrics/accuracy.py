"""Accuracies: the fraction of correct predictions."""

import numpy as np

from minidl import checks
from minidl.metrics.base import MeanMetric
from minidl.metrics.targets import flat_labels, match_classes, match_shapes
from minidl.typing import Array


class Accuracy(MeanMetric):
    """Fraction of outputs that are equal to the targets: ``mean(y_pred == y_true)``, for predicted labels.

    The name "accuracy" in ``compile`` does not mean this class: it selects one of the others according to the loss.
    """

    higher_is_better = True

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.equal(*match_shapes(y_true, y_pred, self))


class BinaryAccuracy(MeanMetric):
    """Fraction of outputs on the correct side of a threshold: ``mean((y_pred > threshold) == (y_true > 0.5))``.

    Parameters
    ----------
    threshold : float
        An output equal to it counts as 0. In a model with a loss on logits, 0.5 becomes 0.
    name : str, optional

    Notes
    -----
    With several outputs (multi-label) the mean is over samples and outputs.
    """

    higher_is_better = True

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        self.threshold = checks.number(threshold, "BinaryAccuracy: threshold")
        self.name = name

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_true, y_pred = match_classes(y_true, y_pred, self)
        return np.equal(y_pred > self.threshold, y_true > 0.5)


class CategoricalAccuracy(MeanMetric):
    """Fraction of samples whose largest output is that of the target class: ``argmax(y_pred) == argmax(y_true)``."""

    higher_is_better = True

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_true, y_pred = match_classes(y_true, y_pred, self)
        return np.equal(y_pred.argmax(axis=1), y_true.argmax(axis=1))


class SparseCategoricalAccuracy(MeanMetric):
    """Fraction of samples whose largest output is that of the label: ``argmax(y_pred) == y_true``."""

    higher_is_better = True

    def values(self, y_true: Array, y_pred: Array) -> Array:
        fits = type(y_true) is type(y_pred) is np.ndarray and y_true.shape == y_pred.shape[:-1] == (y_true.size or 1,)
        if not fits or y_true.dtype != np.intp or (y := y_true.view(np.uintp))[y.argmax()] >= y_pred.shape[1]:
            y_true, y_pred = flat_labels(y_true, y_pred, self)
        return np.equal(y_pred.argmax(axis=1), y_true)

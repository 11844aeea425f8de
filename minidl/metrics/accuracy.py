"""Accuracies: the share of right answers."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ShapeError
from minidl.metrics.base import Mean, alike, as_labels
from minidl.typing import Array


class BinaryAccuracy(Mean):
    """Share of outputs on the right side of the threshold: ``mean((y_pred > threshold) == (y_true > 0.5))``.

    Parameters
    ----------
    threshold : float
        An output equal to it counts as 0. On logits 0 belongs here.
    name : str, optional

    Notes
    -----
    With several outputs (multi-label) the mean is over rows and outputs.
    """

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        self.threshold = checks.number(threshold, "BinaryAccuracy: threshold")
        self.name = name

    def values(self, y_true: Array, y_pred: Array) -> Array:
        if y_true.shape != y_pred.shape:
            y_true, y_pred = alike(y_true, y_pred, self)
        right: Array = (y_pred > self.threshold) == (y_true > 0.5)
        return right


class CategoricalAccuracy(Mean):
    """Share of rows whose largest output is at the 1 of the one-hot target: ``argmax(y_pred) == argmax(y_true)``."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_true, y_pred = alike(y_true, y_pred, self)
        return np.equal(y_pred.argmax(axis=1), y_true.argmax(axis=1))


class SparseCategoricalAccuracy(Mean):
    """Share of rows whose largest output is at the label: ``argmax(y_pred) == y_true``."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.equal(y_pred.argmax(axis=1), labels(y_true, y_pred, self))


class TopKCategoricalAccuracy(Mean):
    """Share of rows where fewer than ``k`` outputs are larger than that at the 1 of a one-hot target.

    Parameters
    ----------
    k : int
        At least 1.
    name : str, optional
    """

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        self.k = checks.integer(k, f"{type(self).__name__}: k", minimum=1)
        self.name = name

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_true, y_pred = alike(y_true, y_pred, self)
        return in_top(y_true.argmax(axis=1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """The same for integer labels: fewer than ``k`` outputs are larger than that of the label."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_pred = np.asarray(y_pred)
        return in_top(as_labels(labels(y_true, y_pred, self), y_pred.shape[-1], self), y_pred, self.k)


def labels(y_true: Any, y_pred: Array, who: Mean) -> Array:
    """Return integer labels of shape (batch,), or raise a `ShapeError`."""
    y_true = np.asarray(y_true)
    if y_true.size != len(y_pred):
        raise ShapeError(
            f"{type(who).__name__}: expected labels of shape ({len(y_pred)},), got {y_true.shape}. For one-hot targets "
            f"use {type(who).__name__.removeprefix('Sparse')}."
        )
    return y_true.reshape(-1)


def in_top(labels: Array, y_pred: Array, k: int) -> Array:
    """Tell for each row whether fewer than ``k`` outputs are larger than that of the label."""
    chosen = np.take_along_axis(y_pred, labels.astype(np.intp)[:, None], axis=1)
    return np.less((y_pred > chosen).sum(axis=1), k)

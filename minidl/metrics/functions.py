"""Metrics as functions, as in Keras: ``binary_accuracy(y_true, y_pred)`` returns the value of each sample."""

from typing import Any

import numpy as np

from minidl.losses.resolution import ClassFunction
from minidl.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from minidl.metrics.top_k import SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy
from minidl.typing import Array

__all__ = [
    "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]  # fmt: skip


class MetricFunction(ClassFunction):
    """A metric as a function: ``function(y_true, y_pred)`` returns the value of each sample as an array.

    Can be passed to ``compile`` as a metric. Accepts the arguments of the metric, such as ``threshold=0.3``.

    Parameters
    ----------
    cls : type of MeanMetric

    Examples
    --------
    >>> minidl.metrics.binary_accuracy([[0.0, 1.0], [1.0, 1.0]], [[0.2, 0.8], [0.4, 0.6]])
    array([1. , 0.5])
    """

    def __call__(self, y_true: Any, y_pred: Any, *arguments: Any, **keywords: Any) -> Array:
        """Return the value of each sample, for arrays of shape (rows, outputs)."""
        values = self.cls(*arguments, **keywords).values(np.asarray(y_true), np.asarray(y_pred))
        return values.reshape(len(values), -1).mean(axis=1)


binary_accuracy = MetricFunction(BinaryAccuracy)
categorical_accuracy = MetricFunction(CategoricalAccuracy)
sparse_categorical_accuracy = MetricFunction(SparseCategoricalAccuracy)
sparse_top_k_categorical_accuracy = MetricFunction(SparseTopKCategoricalAccuracy)
top_k_categorical_accuracy = MetricFunction(TopKCategoricalAccuracy)

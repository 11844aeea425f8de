"""Metrics: figures of merit that are reported, not trained on."""

from minidl.config import register_builtins
from minidl.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from minidl.metrics.base import Metric
from minidl.metrics.classification import AUC, F1Score, Precision, Recall
from minidl.metrics.regression import MeanAbsoluteError, MeanSquaredError, R2Score
from minidl.metrics.resolution import resolve_metrics
from minidl.metrics.samples import FunctionMetric
from minidl.metrics.top_k import SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy

__all__ = [
    "AUC", "BinaryAccuracy", "CategoricalAccuracy", "F1Score", "FunctionMetric", "MeanAbsoluteError",
    "MeanSquaredError", "Metric", "Precision", "R2Score", "Recall", "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy", "resolve_metrics",
]  # fmt: skip

register_builtins(globals())

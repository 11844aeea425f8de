"""Metrics: measures of quality that are reported but not optimised."""

from minidl.config import register_builtins
from minidl.losses import functions as loss_functions
from minidl.losses.functions import *
from minidl.metrics import classification, functions, losses
from minidl.metrics.accuracy import Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from minidl.metrics.auc import AUC
from minidl.metrics.base import Metric
from minidl.metrics.classification import *
from minidl.metrics.functions import *
from minidl.metrics.losses import *
from minidl.metrics.regression import MeanAbsoluteError, MeanSquaredError, R2Score, RootMeanSquaredError
from minidl.metrics.resolution import resolve_metrics
from minidl.metrics.running import Mean, Sum
from minidl.metrics.samples import FunctionMetric
from minidl.metrics.top_k import SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy

__all__ = [
    "AUC", "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "FunctionMetric", "Mean", "MeanAbsoluteError",
    "MeanSquaredError", "Metric", "R2Score", "RootMeanSquaredError", "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy", "Sum", "TopKCategoricalAccuracy", "resolve_metrics",
]  # fmt: skip
__all__ += classification.__all__
__all__ += functions.__all__
__all__ += losses.__all__
__all__ += loss_functions.__all__

register_builtins(globals())

"""Data: what the user passes in, checked once and handed out batch by batch."""

from minidl.data.arrays import as_array, check_features, check_finite, check_weights, read_only
from minidl.data.classes import balanced, class_factors, classes_of, split_rows
from minidl.data.tables import Batch, Stream, Table, is_stream

__all__ = [
    "Batch",
    "Stream",
    "Table",
    "as_array",
    "balanced",
    "check_features",
    "check_finite",
    "check_weights",
    "class_factors",
    "classes_of",
    "is_stream",
    "read_only",
    "split_rows",
]

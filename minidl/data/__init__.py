"""Data: the user's samples, checked once and returned in batches."""

from minidl.data.arrays import (
    as_array,
    check_features,
    check_finite,
    check_targets,
    check_weights,
    read_only,
    warn_of_rounding,
)
from minidl.data.classes import class_factors, split_rows
from minidl.data.frames import check_order, column_names
from minidl.data.streams import Stream, Words, is_stream, sample_shape
from minidl.data.tables import Batch, Table

__all__ = [
    "Batch", "Stream", "Table", "Words", "as_array", "check_features", "check_finite", "check_order", "check_targets",
    "check_weights", "class_factors", "column_names", "is_stream", "read_only", "sample_shape", "split_rows",
    "warn_of_rounding",
]  # fmt: skip

"""Data: the user's samples, checked once and returned in batches."""

from minidl.data.arrays import Batch, Samples, as_array, check_features, check_weights, read_only
from minidl.data.classes import split_rows
from minidl.data.frames import column_names
from minidl.data.streams import Stream, Words, is_stream, sample_shape
from minidl.data.tables import Table

__all__ = [
    "Batch", "Samples", "Stream", "Table", "Words", "as_array", "check_features", "check_weights", "column_names",
    "is_stream", "read_only", "sample_shape", "split_rows",
]  # fmt: skip

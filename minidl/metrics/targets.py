"""Targets, outputs and sample weights for the metrics: checked, and converted to matching shapes."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.data import as_array, check_weights
from minidl.errors import DataError, ShapeError, warn
from minidl.losses.targets import check_range
from minidl.numeric import one_hot
from minidl.typing import Array


def row_weights(sample_weight: Any, rows: int) -> Array:
    """Return the weights as float64 of shape (rows,), ones for None; other than finite numbers >= 0 are an error."""
    return np.ones(rows) if sample_weight is None else check_weights(sample_weight, rows, np.float64)


def nan_rows(y_pred: Any, who: Any) -> Array:
    """Return which samples have NaN among their outputs; warn if there are any, since no score reveals them."""
    rows: Array = np.isnan(y_pred).reshape(len(y_pred), -1).any(axis=1)
    if rows.any():
        found = f"{np.count_nonzero(rows)} of {len(rows)} predictions are NaN"
        warn(f"metric {who.get_name()!r}: {found}, and so is the result.")
    return rows


def as_labels(y_true: Array, outputs: int, who: object) -> Array:
    """Return labels (batch,) as integers; a `DataError` for one that is not whole or not in [0, ``outputs``)."""
    if (row := checks.wrong_label(y_true, outputs)) is not None:
        labels = f"labels in [0, {outputs}) for {outputs} outputs, got {y_true[row]} at row {row}"
        raise DataError(f"{type(who).__name__}: expected {labels}. Other targets have the shape of the outputs.")
    return y_true.astype(np.intp)


def match_shapes(y_true: Any, y_pred: Any, who: object) -> tuple[Array, Array]:
    """Return targets and outputs as arrays of the same shape (batch, outputs), with labels as one-hot rows.

    Other targets raise a `ShapeError` or a `DataError` that starts with the class name of ``who``.
    """
    y_true, y_pred = as_arrays(y_true, y_pred, who)
    if y_true.ndim == 1:
        outputs = y_pred.shape[1]
        y_true = y_true[:, None] if outputs == 1 else one_hot(as_labels(y_true, outputs, who), outputs, y_pred.dtype)
    if y_true.shape != y_pred.shape:
        shape = f"shape {y_pred.shape}, as the outputs, got {y_true.shape}"
        raise ShapeError(f"{type(who).__name__}: expected targets of {shape}.")
    return y_true, y_pred


def as_arrays(y_true: Any, y_pred: Any, who: object) -> tuple[Array, Array]:
    """Return targets, and outputs of shape (batch, outputs), as arrays of numbers.

    Anything else raises a `DataError`, and more than two axes a `ShapeError`.
    """
    name = type(who).__name__
    y_true, y_pred = as_array(y_true, f"{name}: y_true"), as_array(y_pred, f"{name}: y_pred")
    if not y_pred.size:
        raise DataError(f"{name}: y_pred: expected at least one row, got shape {y_pred.shape}.")
    if y_pred.ndim > 2:
        raise ShapeError(f"{name}: y_pred: expected shape (batch, outputs), got {y_pred.shape}. Use reshape.")
    return y_true, y_pred[:, None] if y_pred.ndim == 1 else y_pred


def match_classes(y_true: Any, y_pred: Any, who: object) -> tuple[Array, Array]:
    """As `match_shapes`, for targets that are classes or their probabilities; a `DataError` for other numbers."""
    y_true, y_pred = match_shapes(y_true, y_pred, who)
    check_range(y_true, 0, 1, type(who).__name__, "For numbers use MeanAbsoluteError or R2Score.", signs=True)
    return y_true, y_pred


def flat_labels(y_true: Any, y_pred: Any, who: object) -> tuple[Array, Array]:
    """Return integer labels of shape (batch,) and the outputs, or raise a `ShapeError` or a `DataError`."""
    (y_true, y_pred), name = as_arrays(y_true, y_pred, who), type(who).__name__
    if y_true.size != len(y_pred):
        fix = f"For one-hot targets use {name.removeprefix('Sparse')}."
        raise ShapeError(f"{name}: expected labels of shape ({len(y_pred)},), got {y_true.shape}. {fix}")
    return as_labels(y_true.reshape(-1), y_pred.shape[1], who), y_pred

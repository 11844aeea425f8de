"""Targets: checks shared by the losses."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.data import as_array, check_weights
from minidl.errors import DataError
from minidl.typing import Array


def floating(value: Any, who: str) -> Array:
    """Return predictions as an array of float32 or wider; raise a `DataError` if empty or not numeric."""
    array: Array = as_array(value, who)
    if not array.size:
        raise DataError(f"{who}: expected at least one row, got shape {array.shape}.")
    return array if array.dtype.char in "fdg" else array.astype(np.float64)


def checked_weights(sample_weight: Any) -> Array | None:
    """Return the weights that a loss was called with as an array; other than finite numbers >= 0 are an error."""
    return None if sample_weight is None else check_weights(sample_weight, np.size(sample_weight), np.float64)


def crossentropy_options(who: str, from_logits: bool, label_smoothing: float) -> tuple[bool, float]:
    """Check and return the arguments shared by the cross-entropies."""
    smoothing = checks.number(label_smoothing, f"{who}: label_smoothing", at_least=0, at_most=1)
    return checks.flag(from_logits, f"{who}: from_logits"), smoothing


def check_range(y: Array, low: float, high: float, who: str, fix: str, *, signs: bool = False) -> None:
    """Raise a `DataError` that names the first target outside [``low``, ``high``] and how to fix it.

    With ``signs``, targets that are all -1 or 1 pass too.
    """
    if (y.min() >= low and y.max() <= high) or (signs and (abs(y) == 1).all()):
        return
    wrong = np.argwhere(~((y >= low) & (y <= high)))[0]
    expected = f"in [{low:g}, {high:g}]" if np.isfinite(high) else f"of at least {low:g}"
    got = f"{y[tuple(wrong)]} at {checks.place(tuple(wrong))}"
    raise DataError(f"y: expected targets {expected} for {who}, got {got}. {fix}")


def check_distributions(loss: object, y: Array, outputs: int) -> None:
    """As `Loss.check_targets`: a `DataError` names the first row that is not a probability distribution."""
    who = type(loss).__name__
    check_range(y, 0, 1, who, "Use one-hot rows, or probabilities.")
    total = y.sum(axis=1, dtype=np.float64)
    wrong = np.abs(total - 1) > 1e-3
    if wrong.any():
        row = np.argwhere(wrong)[0]
        raise DataError(
            f"y: expected rows that sum to 1 for {who}, got the sum {total[row[0]]:g} at {checks.place(tuple(row))}. "
            "Use one-hot rows; for several labels a row use Sigmoid with BinaryCrossentropy."
        )

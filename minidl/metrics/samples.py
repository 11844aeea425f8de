"""Samples: metrics that need all samples at once, and FunctionMetric, which wraps a plain function."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.metrics.base import Metric
from minidl.metrics.targets import row_weights
from minidl.names import snake_case
from minidl.typing import Array


class Samples(Metric):
    """Abstract base of the metrics that need all samples at once: `store` those of each batch, then `load` them."""

    _batches: list[tuple[Array, ...]] | None = None

    def store(self, *arrays: Array) -> None:
        """Store copies of a batch's arrays, which have one entry per sample."""
        self._batches = self._batches or []
        self._batches.append(tuple(np.array(array) for array in arrays))

    def load(self) -> list[Array]:
        """Return the stored arrays, each concatenated over all batches."""
        return [np.concatenate(arrays) for arrays in zip(*self._batches or [], strict=True)]

    def get_state(self) -> dict[str, Any]:
        return {} if self._batches is None else {"_batches": [tuple(self.load())]}


class FunctionMetric(Samples):
    """A plain function as a metric: ``function(y_true, y_pred)``, called once for the whole data set.

    Parameters
    ----------
    function : callable
        Called with all samples; returns one number, or one per sample, which are averaged. It is first tried on the
        first batch.
    name : str, optional
        Default: the function's name.

    Raises
    ------
    ArgumentError
        In `update`, with the first batch, and in `result`, if the function raises an error or returns anything else.
        As one of the ``weighted_metrics`` it must return a number for each sample.

    Notes
    -----
    The result is exact for functions such as a median too; the cost is that all outputs are stored until `reset`.
    """

    def __init__(self, function: Callable[[Array, Array], Any], name: str | None = None) -> None:
        self.function = function
        self.name = name
        self.higher_is_better = getattr(function, "higher_is_better", None)

    _works = False  # whether the function has been called with a batch

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        weight = None if sample_weight is None else row_weights(sample_weight, len(y_pred))
        if not self._works:  # fail now rather than after an epoch
            with warnings.catch_warnings(action="ignore"):  # a batch may hold a single class
                self._value(np.array(y_true), np.array(y_pred), weight)  # copies, which the function may change
            self._works = True
        self.store(y_true, y_pred, *([] if weight is None else [weight]))

    def reset(self) -> None:
        works = self._works
        super().reset()
        self._works = works

    def result(self) -> float:
        if not self._batches:
            return 0.0
        y_true, y_pred, *weight = self.load()
        return self._value(y_true, y_pred, weight[0] if weight else None)

    def _value(self, y_true: Array, y_pred: Array, weight: Array | None) -> float:
        """Return the metric of these samples, or raise an `ArgumentError` that names it."""
        who = f"metric {self.get_name()!r}"
        try:
            returned = self.function(y_true, y_pred)
        except Exception as error:
            got = f"y_true of shape {y_true.shape}, {y_true.dtype}, and y_pred of shape {y_pred.shape}, {y_pred.dtype}"
            raise ArgumentError(f"{who}: {type(error).__name__} for {got}: {error}") from error
        expected = f"{who}: expected the function to return"
        try:
            value = np.asarray(returned)
        except ValueError:  # a ragged list
            value = np.asarray(None)
        if value.dtype.kind not in "fiub":
            fix = " Write return in front of the result." if returned is None else ""
            raise ArgumentError(f"{expected} numbers, got {returned!r}.{fix}")
        if value.ndim == 0 and weight is None:
            return float(value)
        if value.shape[:1] != (len(y_pred),):
            each = "a number, or one for each row" if weight is None else "a number for each row"
            raise ArgumentError(f"{expected} {each}, got shape {value.shape} for {len(y_pred)} rows.")
        rows = value.astype(np.float64).reshape(len(value), -1).mean(axis=1)
        return float(np.average(rows, weights=weight))

    def get_name(self) -> str:
        return self.name or str(getattr(self.function, "__name__", snake_case(type(self.function).__name__)))

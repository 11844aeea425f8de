"""Samples: metrics that need all samples at once, and FunctionMetric, the one of a plain function."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.metrics.base import Metric
from minidl.metrics.targets import row_weights
from minidl.typing import Array


class Samples(Metric):
    """Abstract base of the metrics that need all samples at once: `store` those of each batch, then `load` them."""

    _batches: list[tuple[Array, ...]] | None = None

    def store(self, *arrays: Array) -> None:
        """Store copies of arrays with an entry for each sample of a batch."""
        self._batches = self._batches or []
        self._batches.append(tuple(np.array(array) for array in arrays))

    def load(self) -> list[Array]:
        """Return the stored arrays, each over all batches."""
        return [np.concatenate(arrays) for arrays in zip(*self._batches or [], strict=True)]

    def get_state(self) -> dict[str, Any]:
        return {} if self._batches is None else {"_batches": [tuple(self.load())]}


class FunctionMetric(Samples):
    """A plain function as a metric: ``function(y_true, y_pred)``, called once for the whole data set.

    Parameters
    ----------
    function : callable
        Gets all samples, and returns one number, or one for each sample, of which the mean is taken.
    name : str, optional
        Default: the function's name.

    Raises
    ------
    ArgumentError
        In `result`, if the function returns something else. As one of the ``weighted_metrics`` it must return a
        number for each sample.

    Notes
    -----
    The result is exact for functions such as a median too; the price is that all outputs are stored until `reset`.
    """

    def __init__(self, function: Callable[[Array, Array], Any], name: str | None = None) -> None:
        self.function = function
        self.name = name

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        weight = [] if sample_weight is None else [row_weights(sample_weight, len(y_pred))]
        self.store(y_true, y_pred, *weight)

    def result(self) -> float:
        if not self._batches:
            return 0.0
        y_true, y_pred, *weight = self.load()
        returned = self.function(y_true, y_pred)
        expected = f"metric {self.get_name()!r}: expected the function to return"
        try:
            value = np.asarray(returned, np.float64)
        except (TypeError, ValueError):
            raise ArgumentError(f"{expected} numbers, got {returned!r}.") from None
        if value.ndim == 0 and not weight:
            return float(value)
        if value.shape[:1] != (len(y_pred),):
            each = "a number for each row" if weight else "a number, or one for each row"
            raise ArgumentError(f"{expected} {each}, got shape {value.shape} for {len(y_pred)} rows.")
        return float(np.average(value.reshape(len(value), -1).mean(axis=1), weights=weight[0] if weight else None))

    def get_name(self) -> str:
        return self.name or str(getattr(self.function, "__name__", "function"))

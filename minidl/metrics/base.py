"""Metric: a measure of quality over a whole data set, accumulated batch by batch.

Metrics are exact: the result does not depend on how the samples were split into batches.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl.config import Configured
from minidl.constructor import constructor_arguments
from minidl.errors import StateError
from minidl.metrics.targets import nan_rows, row_weights
from minidl.names import snake_case
from minidl.typing import Array


class Metric(Configured, ABC):
    """Abstract base of all metrics: ``update(y_true, y_pred)`` for each batch, then ``result()``.

    A metric accumulates in attributes with a leading underscore, whose initial values are class attributes. `reset`
    restores those, and a copy starts with them. A list, dict or array, which can change in place, is set in the
    constructor instead. There is no need to call ``super().__init__()``.

    Parameters
    ----------
    name : str, optional
        The key in logs and history. Default: the class name in snake case, such as ``"precision"``.

    Attributes
    ----------
    higher_is_better : bool or None
        Class attribute: how callbacks with ``mode="auto"`` compare the value. None if unknown.

    Examples
    --------
    >>> class LargestError(Metric):
    ...     _largest = 0.0
    ...
    ...     def update(self, y_true, y_pred, sample_weight=None):
    ...         self._largest = max(self._largest, float(np.abs(y_pred - y_true).max()))
    ...
    ...     def result(self):
    ...         return self._largest
    >>> metric = LargestError()
    >>> metric.update(np.array([[1.0], [2.0]]), np.array([[1.5], [2.0]]))
    >>> metric.update(np.array([[3.0]]), np.array([[2.0]]))
    >>> metric.get_name(), metric.result()
    ('largest_error', 1.0)
    """

    name: str | None = None
    higher_is_better: bool | None = None

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    @abstractmethod
    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Add a batch: targets, outputs of shape (batch, outputs), and sample weights of shape (batch,)."""

    @abstractmethod
    def result(self) -> Any:
        """Return the value over all samples since the last `reset`: a float, or an array with one value per class."""

    def __call__(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> Any:
        """Add a batch and return the value so far, as in Keras."""
        self.update(y_true, y_pred, sample_weight)
        return self.result()

    def reset(self) -> None:
        """Discard all samples: what accumulates starts again as the class or its constructor sets it."""
        for name in tuple(self.__dict__):
            if name[0] == "_":
                del self.__dict__[name]
        if type(self).__init__ is not Metric.__init__ and not type(self).__module__.startswith("minidl."):
            self.__dict__.update(type(self).from_config(self.get_config()).get_state())

    def get_name(self) -> str:
        """Return the key in logs and history."""
        return self.name or snake_case(type(self).__name__)

    def get_state(self) -> dict[str, Any]:
        """Return the attributes that the metric accumulates in: all but the constructor's arguments."""
        return {n: v for n, v in vars(self).items() if n not in {"name", *constructor_arguments(type(self))}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state` of a metric of this class; unknown names raise a `StateError`."""
        for name in state:
            own, given = getattr(type(self), name, None), constructor_arguments(type(self))
            if name in given or hasattr(Metric, name) or callable(own) or isinstance(own, property):
                raise StateError(f"{self.get_name()}: set_state: expected what get_state returns, got {name!r:.100}.")
        self.reset()
        self.__dict__.update(state)


class MeanMetric(Metric):
    """Abstract base of the metrics that are a weighted mean: `values` returns the values of a batch."""

    _total: float = 0.0
    _weight: float = 0.0

    @abstractmethod
    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return a number, or True or False, for each sample or for each output of each sample."""

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        values = self.values(y_true, y_pred)
        if not np.vdot(y_pred, y_pred) >= 0:  # NaN; np.isnan takes 1 us longer
            values = np.where(nan_rows(y_pred, self), np.nan, values.T).T
        if sample_weight is not None:
            weight = row_weights(sample_weight, len(values))
            self._weight += float(weight.sum()) * values.size / len(values)
            self._total += float(weight @ values.reshape(len(values), -1).sum(axis=1, dtype=np.float64))
        else:
            self._weight += values.size
            self._total += float(np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64))

    def result(self) -> float:
        return self._total / self._weight if self._weight else 0.0

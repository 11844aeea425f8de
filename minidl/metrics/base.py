"""Metric: a figure of merit over a whole data set, gathered batch by batch.

Metrics are exact: the result does not depend on how the rows were split into batches.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl import checks
from minidl.config import Configured, constructor_arguments, snake_case
from minidl.errors import ArgumentError, DataError, ShapeError, StateError
from minidl.numeric import one_hot
from minidl.typing import Array


class Metric(Configured, ABC):
    """Abstract base of all metrics: ``update(y_true, y_pred)`` for each batch, then ``result()``.

    What a metric has gathered stands in attributes with a leading underscore, whose start values are class
    attributes; `reset` takes the metric back to them, and copies begin anew. There is no need to call
    ``super().__init__()``.

    Parameters
    ----------
    name : str, optional
        The key in logs and history. Default: the class's name in small letters, such as ``"precision"``.

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

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    @abstractmethod
    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Take in a batch: targets, outputs of shape (batch, outputs), and the weights of its rows."""

    @abstractmethod
    def result(self) -> Any:
        """Return the value over all rows since the last `reset`: a float, or an array with one for each class."""

    def reset(self) -> None:
        """Forget all rows."""
        for name in [name for name in self.__dict__ if name[0] == "_"]:
            delattr(self, name)

    def get_name(self) -> str:
        """Return the key in logs and history."""
        return self.name or snake_case(type(self).__name__)

    def get_state(self) -> dict[str, Any]:
        """Return what has been gathered, by attribute: all but the constructor's arguments."""
        given = {"name", *constructor_arguments(type(self))}
        return {name: value for name, value in self.__dict__.items() if name not in given}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` of such a metric returned."""
        if any(name in {"name", *constructor_arguments(type(self))} for name in state):
            raise StateError(f"{self.get_name()}: set_state: expected what get_state returns, got {', '.join(state)}.")
        self.reset()
        self.__dict__.update(state)


class Mean(Metric):
    """Abstract base of the metrics that are a weighted mean of values: `values` gives those of a batch."""

    _total: float = 0.0
    _weight: float = 0.0

    @abstractmethod
    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return a number, or True or False, for each row or for each output of each row."""

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        values = self.values(y_true, y_pred)
        if sample_weight is not None:
            weight = row_weights(sample_weight, len(values))
            self._weight += float(weight.sum()) * values.size / len(values)
            self._total += float(weight @ values.reshape(len(values), -1).sum(axis=1, dtype=np.float64))
        else:
            self._weight += values.size
            self._total += float(np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64))

    def result(self) -> float:
        return self._total / self._weight if self._weight else 0.0


class Kept(Metric):
    """Abstract base of the metrics that need all rows at once: `keep` those of a batch, and `rows` gives them all."""

    _batches: list[tuple[Array, ...]] | None = None

    def keep(self, *arrays: Array) -> None:
        """Keep copies of arrays with an entry for each row of a batch."""
        self._batches = [] if self._batches is None else self._batches
        self._batches.append(tuple(np.array(array) for array in arrays))

    def get_state(self) -> dict[str, Any]:
        return {} if self._batches is None else {"_batches": [tuple(self.rows())]}

    def rows(self) -> list[Array]:
        """Return the kept arrays of all batches, put together."""
        return [np.concatenate(arrays) for arrays in zip(*self._batches or [], strict=True)]


class FunctionMetric(Kept):
    """A function of the user's as a metric: ``function(y_true, y_pred)``, called once for the whole data set.

    Parameters
    ----------
    function : callable
        Gets all rows, and returns a number for them or one for each row, of which the mean is taken.
    name : str, optional
        Default: the function's name.

    Raises
    ------
    ArgumentError
        In `result`, if the function returns something else, or with weights a single number: a function that is to
        be weighted returns a value for each row.

    Notes
    -----
    Only so is the result exact for functions such as a median; the price is that all outputs are kept till then.
    """

    def __init__(self, function: Callable[[Array, Array], Any], name: str | None = None) -> None:
        self.function = function
        self.name = name

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        weight = [] if sample_weight is None else [row_weights(sample_weight, len(y_pred))]
        self.keep(y_true, y_pred, *weight)

    def result(self) -> float:
        if not self._batches:
            return 0.0
        y_true, y_pred, *weight = self.rows()
        returned = self.function(y_true, y_pred)
        try:
            value = np.asarray(returned, np.float64)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"metric {self.get_name()!r}: expected the function to return numbers, got {returned!r}."
            ) from None
        if value.ndim == 0 and not weight:
            return float(value)
        if value.shape[:1] != (len(y_pred),):
            expected = "a number for each row" if weight else "a number, or one for each row"
            raise ArgumentError(
                f"metric {self.get_name()!r}: expected the function to return {expected}, got shape {value.shape} "
                f"for {len(y_pred)} rows."
            )
        return float(np.average(value.reshape(len(value), -1).mean(axis=1), weights=weight[0] if weight else None))

    def get_name(self) -> str:
        return self.name or str(getattr(self.function, "__name__", "function"))


def row_weights(sample_weight: Any, rows: int) -> Array:
    """Return the weights as float64 of shape (rows,), ones for None, or raise a `ShapeError`."""
    if sample_weight is None:
        return np.ones(rows)
    weight = np.asarray(sample_weight, np.float64)
    if weight.shape != (rows,):
        raise ShapeError(f"metrics: expected sample_weight of shape ({rows},), got {weight.shape}.")
    return weight


def as_labels(y_true: Array, outputs: int, who: Metric) -> Array:
    """Return labels (batch,) as integers; a `DataError` for those that are none, or outside [0, ``outputs``)."""
    row = checks.wrong_label(y_true, outputs)
    if row is not None:
        raise DataError(
            f"{type(who).__name__}: expected labels in [0, {outputs}) for {outputs} outputs, got {y_true[row]} at row "
            f"{row}. Other targets have the shape of the outputs."
        )
    return y_true.astype(np.intp)


def alike(y_true: Any, y_pred: Any, who: Metric) -> tuple[Array, Array]:
    """Return targets and outputs as arrays of one shape (batch, outputs), or raise; labels become one-hot rows."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_pred.ndim == 1:
        y_pred = y_pred[:, None]
    if y_true.ndim == 1:
        outputs = y_pred.shape[1]
        y_true = y_true[:, None] if outputs == 1 else one_hot(as_labels(y_true, outputs, who), outputs, y_pred.dtype)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"{type(who).__name__}: expected targets of shape {y_pred.shape}, as the outputs, got {y_true.shape}."
        )
    return y_true, y_pred

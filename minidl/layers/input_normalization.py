"""Normalization: scales raw inputs to mean 0 and variance 1.

Its mean and variance are computed from the training data by `Normalization.adapt`, and are fixed during training.
"""

from collections.abc import Sequence
from typing import Any, Self, Unpack

import numpy as np

from minidl import checks
from minidl.checks import batch_shape
from minidl.data.arrays import as_array, check_finite
from minidl.errors import ArgumentError, DataError, ShapeError, StateError
from minidl.layers.allocation import allocate
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions, Shape

SMALLEST = 1e-7  # lower limit of the standard deviation, as in Keras
ROWS = 4096  # samples in a block of `adapt`


class Normalization(Layer):
    """``y = (x - mean) / max(sqrt(variance), 1e-7)``, with the mean and variance of the data given to `adapt`.

    Parameters
    ----------
    axis : int, tuple of int or None
        The axes, counting the batch axis, along which each position has its own mean and variance. None: a single mean
        and variance.
    mean, variance : float or array-like, optional
        Statistics to use instead of calling `adapt`; their shape must broadcast to the axes.
    invert : bool
        True computes ``y = x * max(sqrt(variance), 1e-7) + mean``, the inverse.

    Attributes
    ----------
    adapt_mean, adapt_variance : array
        State: the statistics in use, once the layer is built.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or value, or only one of ``mean`` and ``variance`` is given.
    ShapeError
        If an axis is not an axis of a sample, or ``x`` does not have the shape given to `build`.
    StateError
        In a forward pass before `adapt`.

    Notes
    -----
    ``dx = dy / max(sqrt(variance), 1e-7)``. A constant column gives 0.

    Examples
    --------
    >>> layer = Normalization()
    >>> layer.adapt([[0.0, 100.0], [2.0, 300.0]])
    Normalization()
    >>> Sequential([Input((2,)), layer]).predict([[0.0, 200.0]])
    array([[-1.,  0.]], dtype=float32)
    """

    adapt_mean: Array
    adapt_variance: Array
    count: Array

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        for one in axis if isinstance(axis, (tuple, list)) else () if axis is None else [axis]:
            checks.integer(one, "Normalization: axis")
        if (mean is None) != (variance is None):
            raise ArgumentError("Normalization: expected both mean and variance or neither, got one. Pass the other.")
        for name, value in (("mean", mean), ("variance", variance)) if mean is not None else ():
            numbers, least = np.asarray(value), 0 if name == "variance" else -np.inf
            if numbers.dtype.kind not in "fiu" or not (np.isfinite(numbers) & (numbers >= least)).all():
                expected = "numbers of at least 0" if name == "variance" else "finite numbers"
                raise ArgumentError(f"Normalization: {name}: expected {expected}, got {value!r}.")
        self.axis = axis
        self.mean = mean
        self.variance = variance
        self.invert = checks.flag(invert, "Normalization: invert")

    def build(self, input_shape: Shape) -> Shape:
        axes = self._axes(input_shape)
        if not {*axes} <= {*range(1, len(input_shape) + 1)}:
            shown = batch_shape(input_shape)
            raise ShapeError(f"{self.label}: axis: expected axes of {shown}, the batch is 0; got {self.axis}.")
        lengths = [length if place in axes else 1 for place, length in enumerate(input_shape, start=1)]
        shape = tuple(lengths[min(axes, default=len(lengths) + 1) - 1 :])
        for name, value, neutral in (("adapt_mean", self.mean, 0.0), ("adapt_variance", self.variance, 1.0)):
            self.add_state(name, shape, self._start(shape, neutral if value is None else value))
        self.add_state("count", (), "zeros" if self.mean is None else "ones")
        return input_shape

    def _axes(self, input_shape: Shape) -> list[int]:
        """Return the axes with their own statistics, counted with the batch axis, from 1 up."""
        axes: Any = self.axis if isinstance(self.axis, (tuple, list)) else [] if self.axis is None else [self.axis]
        return [axis + len(input_shape) + 1 if axis < 0 else axis for axis in axes]

    def _start(self, shape: Shape, value: Any) -> Any:
        """Return an initializer for ``value``, whose shape may omit the axes with shared statistics."""
        numbers = np.asarray(value, np.float64)
        if numbers.shape == tuple(length for length in shape if length > 1):
            numbers = numbers.reshape(shape)
        try:
            start = np.broadcast_to(numbers, shape)
        except ValueError:
            got = np.shape(value)
            raise ShapeError(f"{self.label}: expected mean and variance of shape {shape}, got {got}.") from None
        return lambda rng, shape, dtype: start.astype(dtype)

    def adapt(self, data: Any) -> Self:
        """Compute the mean and variance of ``data``, array-like of shape (samples, ...), replacing earlier ones.

        Call it with the training samples before `fit`; a memory-mapped file is read a block at a time.

        Raises
        ------
        DataError, ShapeError
            If ``data`` is empty, not finite or not numeric, or does not have the shape that the layer was built for; if
            its variance is too large for the layer's dtype.
        StateError
            If the layer was given its mean and variance.
        """
        who = f"{self.label}: adapt: data"
        if self.mean is not None:
            raise StateError(f"{self.label}: adapt: the layer was given its mean and variance. Make one without them.")
        data = as_array(data, who)
        data = data.reshape(-1, 1) if data.ndim == 1 else data
        if not data.size:
            raise DataError(f"{who}: expected at least one sample, got shape {data.shape}.")
        check_finite(data, who, np.float64)
        if self.output_shape is None:
            self.declare(data.shape[1:])
            allocate({self.name or "": self}, np.random.default_rng(0), np.float64)
        if data.shape[1:] != self.input_shape:
            raise ShapeError(f"{who}: expected shape {batch_shape(self.input_shape)}, got {data.shape}.")
        with np.errstate(over="ignore", invalid="ignore"):
            mean, variance = (one.astype(self.adapt_mean.dtype) for one in self._statistics(data))
        if not np.isfinite(variance).all():
            raise DataError(f"{who}: expected a variance that fits {variance.dtype}, got infinity. Scale the data.")
        self.adapt_mean = mean.reshape(self.adapt_mean.shape)
        self.adapt_variance = variance.reshape(self.adapt_variance.shape)
        self.count = np.array(len(data))
        return self

    def _statistics(self, data: Array) -> tuple[Any, Any]:
        """Return the mean and variance in float64, combined from blocks: Chan, Golub and LeVeque, 1983."""
        reduced = tuple({*range(data.ndim)} - {*self._axes(data.shape[1:])})
        count, mean, squares = 0, np.float64(0), np.float64(0)
        for start in range(0, len(data), ROWS):
            block = data[start : start + ROWS].astype(np.float64)
            rows, here = len(block), block.mean(axis=reduced, keepdims=True)
            share = rows / (count + rows)
            difference = here - mean
            squares = squares + block.var(axis=reduced, keepdims=True) * rows + difference**2 * (count * share)
            mean = mean + difference * share
            count += rows
        return mean, squares / count

    def forward(self, x: Array, training: bool = False) -> Array:
        if x.shape[1:] != self.input_shape:
            raise ShapeError(f"{self.label}: expected input of shape {batch_shape(self.input_shape)}, got {x.shape}.")
        if not self.count:
            raise StateError(f"{self.label}: expected adapt(data) before this call. Pass it the training samples.")
        self._scale = np.maximum(np.sqrt(self.adapt_variance), SMALLEST)
        return x * self._scale + self.adapt_mean if self.invert else (x - self.adapt_mean) / self._scale

    def backward(self, dy: Array) -> Array:
        return dy * self._scale if self.invert else dy / self._scale

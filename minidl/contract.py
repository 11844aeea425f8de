"""The contract of layers, losses and metrics: wrappers check every call, and errors name the object at fault.

Only the first training step of layers and losses runs through the wrappers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.attribute_names import is_builtin
from minidl.data import read_only
from minidl.errors import LayerError
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.typing import Array


class CheckedLayer:
    """Wrapper that checks forward and backward of ``layer`` against the contract."""

    def __init__(self, layer: Layer, dtype: Any) -> None:
        self.layer, self.dtype = layer, dtype
        self.gradients = {
            f"d{name}": part.views[f"d{name}"] for _, part in walk({"": layer}) for name in part.parameter_names
        }
        self.shape: tuple[int, ...] = ()
        self.finite = True

    def forward(self, x: Array, training: bool) -> Array:
        """Run the layer's forward; the output must have the declared shape and dtype."""
        layer, self.shape, self.finite = self.layer, x.shape, bool(np.isfinite(x).all())
        y, dtype = _call_guarded(layer, "forward", x, training), (x if layer.keeps_values else self).dtype
        return _expect_array(y, layer, "forward", (len(x), *(layer.output_shape or ())), dtype)

    def backward(self, dy: Array) -> Array:
        """Run the layer's backward; it must return ``dx`` and set every gradient."""
        return _expect_array(self._backward("backward", dy), self.layer, "backward", self.shape, dy.dtype)

    def backward_parameters(self, dy: Array) -> None:
        """Run the layer's backward without ``dx``; it must set every gradient."""
        self._backward("backward_parameters", dy)

    def _backward(self, method: str, dy: Array) -> Any:
        for gradient in self.gradients.values():
            gradient[...] = np.nan
        dx = _call_guarded(self.layer, method, dy)
        finite = self.finite and np.isfinite(dy).all()
        suspects = {name: gradient for name, gradient in self.gradients.items() if finite and np.isnan(gradient).all()}
        if suspects:  # run again: a gradient that overflowed is NaN again, one that was not set is not
            for gradient in suspects.values():
                gradient[...] = 0
            _call_guarded(self.layer, method, dy)
            for name in [name for name, gradient in suspects.items() if not np.isnan(gradient).all()]:
                raise LayerError(f"{self.layer.label}: {method}: expected it to set self.{name}, got nothing. Set it.")
        return dx


class CheckedLoss:
    """Wrapper that checks what forward and backward of ``loss`` return."""

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        """Run the loss's forward; it must return a number."""
        self.shape, self.dtype = y_pred.shape, y_pred.dtype
        value = _call_guarded(self.loss, "forward", y_pred, read_only(y_true), sample_weight)
        return value if type(value) is float else as_number(value, self.loss, "forward")

    def backward(self) -> Array:
        """Run the loss's backward; it must return an array of the predictions' shape and dtype."""
        return _expect_array(self.loss.backward(), self.loss, "backward", self.shape, self.dtype)


def update_of(metric: Any) -> Callable[..., None]:
    """Return the ``update`` of a metric; a custom metric gets read-only arrays."""
    if is_builtin(type(metric)):
        return metric.update
    return lambda y, y_pred, *weight: _call_guarded(metric, "update", y, read_only(y_pred), *weight)


@np.errstate(all="ignore")
def check_rules(value: Array, regularizer: Any, constraint: Any) -> None:
    """Raise a `LayerError` if a custom regularizer or constraint does not return numbers for a parameter's value."""
    for rule, method in ((regularizer, "penalty"), (regularizer, "gradient"), (constraint, "__call__")):
        if rule is not None and not is_builtin(type(rule)):
            returned = getattr(rule, method)(value.copy())
            if method == "penalty":
                as_number(returned, rule, method)
            else:
                dtype = getattr(returned, "dtype", value.dtype)  # assigning converts one of the same kind
                same_kind = np.can_cast(dtype, value.dtype, "same_kind")
                _expect_array(returned, rule, method, value.shape, dtype if same_kind else value.dtype)


def as_number(value: Any, part: Any, method: str) -> float:
    """Return a value that a method has returned as a float; a `LayerError` if it is not a number."""
    real = isinstance(value, (int, float, np.number, np.ndarray)) and np.asarray(value).dtype.kind in "fiu"
    if not real or np.shape(value):
        got = f"shape {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.100}"
        fix = " Use self.mean." if method == "forward" else ""
        raise LayerError(f"{_label(part, method)}: expected it to return a number, got {got}.{fix}")
    return float(value)


def _label(part: Any, method: str) -> str:
    return f"{part.label if isinstance(part, Layer) else type(part).__name__}: {method}"


def _call_guarded(part: Any, method: str, array: Array, *rest: Any) -> Any:
    """Call a method of a layer, loss or metric with a read-only array; a `LayerError` if it writes to an argument."""
    try:
        return getattr(part, method)(read_only(array), *rest)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        expected = "expected its argument to stay unchanged, got a write into it"
        raise LayerError(f"{_label(part, method)}: {expected}. Work on a copy.") from error


def _expect_array(value: Any, part: Any, method: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return ``value``, returned by a layer or loss; a `LayerError` unless it is an array of this shape and dtype."""
    if type(value) is np.ndarray and value.shape == shape and value.dtype == dtype:
        return value
    who = f"{_label(part, method)}: expected it to return"
    if not isinstance(value, np.ndarray):
        raise LayerError(f"{who} an array, got {type(value).__name__}.")
    if value.shape != shape:
        raise LayerError(f"{who} shape {shape}, got {value.shape}.")
    if value.dtype != dtype:
        fix = "NumPy scalars and new arrays are float64 unless told otherwise."
        raise LayerError(f"{who} {dtype}, as it was given, got {value.dtype}. {fix}")
    return value


class NotedLayer:
    """Context that adds a note naming the layer to an exception raised in it: see `note_layer`."""

    def __enter__(self) -> None:
        """Do nothing: a class takes a third of the time of `contextlib.contextmanager`."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            note_layer(error)


def note_layer(error: BaseException) -> None:
    """Add a note to an exception: the layer that raised it and its input, unless the message already names a layer."""
    trace, note = error.__traceback__, ""
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        names, method, layer = frame.f_code.co_varnames, frame.f_code.co_name, frame.f_locals.get("self")
        if method in ("build", "forward", "backward", "backward_parameters") and isinstance(layer, Layer):
            if layer.label in str(error):
                return
            value = frame.f_locals.get(names[1]) if len(names) > 1 else None
            given = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.100}"
            note = f"In the {method} of {layer.label}, where {names[1]} is {given}."
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)

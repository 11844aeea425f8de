"""gradient_check: the numeric checks for bare functions, without a layer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.layers.base import Layer
from minidl.testing.certificate import Certificate
from minidl.testing.certification import Request, concluded, examine
from minidl.testing.probe import Point
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape


class FunctionLayer(Layer):
    """``y = f(x)``, ``dx = gradient(x, dy)``: two functions in a layer's place."""

    def __init__(self, f: Callable[..., Any], gradient: Callable[..., Any]) -> None:
        self.f = f
        self.gradient = gradient

    @property
    def certified(self) -> Callable[..., Any]:
        """The object whose source a finding points at."""
        return self.gradient

    def build(self, input_shape: Shape) -> Shape:
        return ()

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        y = np.asarray(self.f(x))
        self._number = y.ndim == 0
        return y.reshape(1) if self._number else y

    def backward(self, dy: Array) -> Array:
        if self._number:
            return np.asarray(self.gradient(self._x)) * dy[0]
        return np.asarray(self.gradient(self._x, dy))


class FunctionSubject(Subject):
    """Two bare functions under test."""

    whole_batch = True

    def __init__(self, f: Callable[..., Any], gradient: Callable[..., Any]) -> None:
        super().__init__(FunctionLayer(f, gradient))
        self.name = f"{getattr(f, '__name__', f)}, {getattr(gradient, '__name__', gradient)}"
        self.domain = "real"


def gradient_check(
    f: Callable[..., Any], gradient: Callable[..., Any], x: Any, *, seed: int = 0, on_fail: str = "return"
) -> Certificate:
    """Hold ``gradient`` against the numerical gradient of ``f`` at ``x``.

    Parameters
    ----------
    f : function
        ``f(x)`` returns a number or an array.
    gradient : function
        ``gradient(x)`` of the shape of ``x`` where ``f`` returns a number; else ``gradient(x, dy)``, the gradient of
        ``sum(dy * f(x))``.
    x : array
        Where; not changed.
    seed : int
        For the upstream gradient.
    on_fail : {"return", "raise"}

    Returns
    -------
    Certificate
        True where the gradient is right. ``str()`` of it is the report.

    Examples
    --------
    >>> from minidl.testing import gradient_check
    >>> bool(gradient_check(lambda x: (x**3).sum(), lambda x: 3 * x**2, np.array([1.0, -2.0])))
    True
    >>> bool(gradient_check(np.sin, lambda x, dy: dy * np.sin(x), np.array([1.0, -2.0])))
    False
    """
    x = np.array(x, float)
    if x.size == 0:
        raise ArgumentError(f"gradient_check: x: expected at least one value, got shape {x.shape}.")
    subject = FunctionSubject(f, gradient)
    y = np.atleast_1d(np.asarray(f(x.copy())))
    dy = 1.5 * np.random.default_rng(seed).standard_normal(y.shape) + 0.1
    point = Point(np.atleast_1d(x), dy, {}, {})
    request = Request(seed=seed, checks=["linear-in-u", "here"], call="gradient_check")
    return concluded(examine(subject, request, point), on_fail)

"""Sample: one call of the layer with its analytic and numeric gradients, and the settings that can be changed."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minidl.config import Configured
from minidl.constructor import REQUIRED, constructor_arguments
from minidl.layers.base import Layer
from minidl.typing import Array

EXACT = 1e-6  # relative difference up to which a formula counts as a fit


@dataclass(frozen=True, eq=False)
class Sample:
    """One call of the layer.

    Attributes
    ----------
    x, dy, y : array
        Input, upstream gradient and output; empty where only the two gradients are known.
    analytic, numeric : array
        The gradient that `backward` returned, and what it should have returned.
    parameters, attributes : dict of str to array
        Parameters; state and cached underscore attributes, such as ``"self._mask"``.
    arguments : dict of str to float
        Numeric constructor arguments.
    precision : float
        Relative accuracy of ``numeric``.
    changes : dict of str to object
        The parts of the failing call that were replaced.
    """

    x: Array
    dy: Array
    y: Array
    analytic: Array
    numeric: Array
    parameters: dict[str, Array] = field(default_factory=dict)
    attributes: dict[str, Array] = field(default_factory=dict)
    arguments: dict[str, float] = field(default_factory=dict)
    precision: float = 1e-10
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def residual(self) -> Array:
        """``numeric - analytic``: the missing part of the gradient."""
        return self.numeric - self.analytic

    @property
    def scale(self) -> float:
        """The largest magnitude of the numeric gradient."""
        return largest(self.numeric) or largest(self.analytic) or 1.0

    @property
    def gap(self) -> float:
        """The largest absolute difference between the two gradients."""
        return largest(self.residual)

    @property
    def noise(self) -> float:
        """The difference that rounding alone explains."""
        return self.precision * self.scale

    @property
    def shows(self) -> bool:
        """Whether the error shows in this sample."""
        return self.gap > 30 * self.noise

    @property
    def wrong(self) -> Array:
        """Mask of the entries that differ."""
        return np.abs(self.residual) > max(self.noise, 1e-4 * self.gap)

    def fits(self, one: Any, other: Any, whole: Array | None = None) -> bool:
        """Return whether two arrays agree far better than the analytic and the numeric gradient do.

        Rounding is measured against the gradients, or against ``whole``.
        """
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            return False
        scale = max(self.scale, largest(self.analytic)) if whole is None else largest(whole)
        return largest(one - other) <= min(EXACT * scale, 0.02 * self.gap) + 0.01 * self.noise

    def is_residual(self, term: Array) -> bool:
        """Return whether ``term`` equals the residual, to the accuracy with which the residual is known."""
        return largest(self.residual - term) <= 1e-4 * self.gap + self.noise


class Setting(NamedTuple):
    """A numeric constructor argument: its value, its default, and the change of a call that sets another value."""

    value: float
    default: Any
    changed: Callable[[float], dict[str, Any]]


def is_number(value: Any) -> bool:
    """Return whether a constructor argument is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def settings_of(
    kind: type, arguments: dict[str, Any], change: Callable[..., dict[str, Any]] = lambda **new: {"arguments": new}
) -> dict[str, Setting]:
    """Return the numeric constructor arguments of a class, including those of any loss among them."""
    defaults, found = constructor_arguments(kind), {}
    for name, value in arguments.items():
        if is_number(value):
            found[name] = Setting(value, defaults.get(name, REQUIRED), partial(with_number, change, name, type(value)))
        elif isinstance(value, Configured) and not isinstance(value, Layer):
            found |= settings_of(type(value), value.get_config(), partial(with_inner, change, name, value))
    return found


def with_number(change: Callable[..., dict[str, Any]], name: str, kind: type, value: float) -> dict[str, Any]:
    """Return the change that sets a numeric argument."""
    return change(**{name: kind(value)})


def with_inner(change: Callable[..., dict[str, Any]], name: str, inner: Configured, **new: Any) -> dict[str, Any]:
    """Return the change that replaces an argument by a copy made with other arguments."""
    return change(**{name: type(inner).from_config({**inner.get_config(), **new})})


def largest(array: Array) -> float:
    """Return the largest magnitude, or 0 for an empty array."""
    return float(np.abs(array).max(initial=0))


def least_squares(basis: Array, values: Array) -> float:
    """Return the number c that minimises the squared error of ``c * basis - values``."""
    square = float((basis * basis).sum())
    return float((basis * values).sum()) / square if square > 0 else 0.0


def floats(array: Any) -> Array:
    """Return the values as a float64 array."""
    return np.asarray(array, float)


def copies(arrays: dict[str, Any]) -> dict[str, Array]:
    """Return the arrays as float64, without those that are None."""
    return {name: floats(value) for name, value in arrays.items() if value is not None}


def number(value: float) -> str:
    """Return a number formatted for messages, with four significant digits."""
    return f"{value:.4g}"

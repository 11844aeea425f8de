"""Constraints: projections applied to a parameter after every training step, such as a limit on the norm of vectors."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl import checks
from minidl.config import Configured, register_builtins, resolve
from minidl.typing import Array

TINY = 1e-7  # added to a norm before dividing by it, as in Keras


class Constraint(Configured, ABC):
    """Abstract base: ``W = constraint(W)`` after every step.

    Examples
    --------
    >>> minidl.constraints.NonNeg()(np.array([[1.0, -2.0]]))
    array([[1., 0.]])
    """

    @abstractmethod
    def __call__(self, W: Array) -> Array:
        """Return the constrained value of the parameter ``W``, of the same shape."""


def resolve_constraint(value: Any, who: str) -> Constraint | None:
    """Return ``value`` as a constraint: an instance, a name, or None."""
    return None if value is None else resolve(value, Constraint, who)


class MinMaxNorm(Constraint):
    """Vectors of norms in a range: ``W (rate min(max(|w|, min_value), max_value) / |w| + 1 - rate)``.

    Parameters
    ----------
    min_value, max_value : float
        Smallest and largest norm, ``0 <= min_value <= max_value``.
    rate : float
        In [0, 1]: 1 enforces the range in one step, a lower value moves the norms part of the way.
    axis : int or list of int
        Axes along which a vector extends; 0 constrains the incoming weights of each output.
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int | list[int] = 0
    ) -> None:
        self.min_value = checks.number(min_value, "MinMaxNorm: min_value", at_least=0)
        self.max_value = checks.number(max_value, "MinMaxNorm: max_value", at_least=self.min_value)
        self.rate = checks.number(rate, "MinMaxNorm: rate", at_least=0, at_most=1)
        self.axis = check_axis(axis, "MinMaxNorm: axis")

    def __call__(self, W: Array) -> Array:
        length = lengths(W, self.axis)
        wanted = self.rate * np.clip(length, self.min_value, self.max_value) + (1 - self.rate) * length
        return W * (wanted / (length + TINY)).astype(W.dtype)


class MaxNorm(MinMaxNorm):
    """Vectors of norm ``max_value`` or less: ``W min(|w|, max_value) / |w|``.

    Parameters
    ----------
    max_value : float
        Above 0.
    axis : int or list of int
        As in `MinMaxNorm`.

    Notes
    -----
    Srivastava et al. (2014), Dropout, section 5.1.
    """

    min_value, rate = 0.0, 1.0

    def __init__(self, max_value: float = 2, axis: int | list[int] = 0) -> None:
        self.max_value = checks.number(max_value, "MaxNorm: max_value", above=0)
        self.axis = check_axis(axis, "MaxNorm: axis")


class NonNeg(Constraint):
    """Non-negative values: ``max(W, 0)``."""

    def __call__(self, W: Array) -> Array:
        return np.maximum(W, 0)


class UnitNorm(Constraint):
    """Vectors of norm 1: ``W / |w|``.

    Parameters
    ----------
    axis : int or list of int
        As in `MinMaxNorm`.
    """

    def __init__(self, axis: int | list[int] = 0) -> None:
        self.axis = check_axis(axis, "UnitNorm: axis")

    def __call__(self, W: Array) -> Array:
        return W / (lengths(W, self.axis) + TINY).astype(W.dtype)


def lengths(W: Array, axis: int | list[int]) -> Array:
    """Return the norms of the vectors in ``W`` along the axes, in float64; these axes are kept with length 1."""
    axes = tuple(axis) if isinstance(axis, list) else axis
    return np.sqrt(np.square(W, dtype=np.float64).sum(axis=axes, keepdims=True))


def check_axis(axis: Any, who: str) -> Any:
    """Return ``axis`` as an integer or a list of integers; anything else is an `ArgumentError`."""
    if isinstance(axis, (list, tuple)) and axis:
        return [checks.integer(one, who) for one in axis]
    return checks.integer(axis, who)


register_builtins(globals())

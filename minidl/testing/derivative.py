"""Numerical derivatives that know their own error: central differences in a Ridders / Neville table.

The steps are ``h_k = h_0 / 4**k`` for k = 0 to 6; extrapolation removes the powers of h squared one by one, and
the entry whose estimated error is least is taken. Non-finite entries drop out, and with them all that builds on
them, so that the small steps survive a kink or a pole that the large ones meet.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.typing import Array

LENGTHS = 7  # steps in a table
FIRST_STEP = 0.02
LONG = np.longdouble
CHUNK = 2_000_000  # values of y held at a time

Function = Callable[[Array], Any]


class Estimate(NamedTuple):
    """Derivatives and their estimated errors, one for each move."""

    values: Array
    errors: Array


def best_of_table(column: Array, noise: Array, ratio: int) -> Estimate:
    """Return the entry of least estimated error for each row of difference quotients, largest step first.

    Parameters
    ----------
    column, noise : array of shape (moves, LENGTHS)
        The quotients, and what rounding alone does to them.
    ratio : {16, 4}
        Factor by which an order of the error shrinks a step: central quotients have the even powers only.
    """
    rows = np.arange(len(column))
    values = np.where(np.isfinite(column[:, -1]), column[:, -1], np.nan)
    errors = np.full(len(column), np.inf, column.dtype)
    factor = 1
    for j in range(1, column.shape[1]):
        factor *= ratio
        following = column[:, 1:] + (column[:, 1:] - column[:, :-1]) / (factor - 1)
        error = np.maximum(np.abs(following - column[:, 1:]), np.abs(following - column[:, :-1])) + noise[:, j:]
        error = np.where(np.isfinite(error), error, np.inf)
        k = error.argmin(axis=1)
        better = error[rows, k] < errors
        values = np.where(better, following[rows, k], values)
        errors = np.where(better, error[rows, k], errors)
        column = following
    return Estimate(values, errors)


class Moves:
    """The ways in which an array is moved: along single coordinates, or along directions.

    Parameters
    ----------
    x : array
        Where the derivative is taken.
    which : sequence of int or of arrays shaped like ``x``
        Flat indices, or directions.
    shrink : float
        Factor of the steps.
    """

    def __init__(self, x: Array, which: Sequence[Any], shrink: float = 1.0) -> None:
        self.x, self.which = x, which
        typical = float(np.sqrt(np.mean(np.square(x, dtype=float)))) if x.size else 1.0
        sizes = [self._size(move, typical) for move in which]
        self.steps = shrink * FIRST_STEP * np.outer(sizes, 0.25 ** np.arange(LENGTHS))

    def _size(self, move: Any, typical: float) -> float:
        if isinstance(move, np.ndarray):
            return min(1.0, typical or 1.0) / (float(np.abs(move).max()) or 1.0)
        size = abs(float(self.x.flat[move]))
        return min(1.0, size if size > 0.05 * typical else typical or 1.0)

    def at(self, n: int, step: float) -> tuple[Array, Any]:
        """Return the array moved by ``step`` along move ``n``, and the step as it came out after rounding."""
        moved, move = self.x.copy(), self.which[n]
        if isinstance(move, np.ndarray):
            moved += LONG(step) * move
            return moved, LONG(step)
        moved.flat[move] += step
        return moved, LONG(moved.flat[move]) - LONG(self.x.flat[move])


def differentiate(
    f: Function, x: Array, dy: Array, which: Sequence[Any], *, eps: float, shrink: float = 1.0, side: int = 0
) -> Estimate:
    """Return the derivatives of ``sum(dy * f(x))`` along the given moves, see `Moves`.

    Parameters
    ----------
    eps : float
        Relative rounding error of ``f``, see `precision`.
    side : {0, 1, -1}
        Central differences, or the derivative to one side only.
    """
    moves = Moves(x, which, shrink)
    values, errors = np.empty(len(which), LONG), np.empty(len(which), LONG)
    chunk = max(1, CHUNK // (2 * LENGTHS * max(1, dy.size)))
    for start in range(0, len(which), chunk):
        part = slice(start, min(start + chunk, len(which)))
        values[part], errors[part] = _differentiate(f, dy, moves, range(len(which))[part], eps, side)
    return Estimate(values, errors)


def _differentiate(f: Function, dy: Array, moves: Moves, part: range, eps: float, side: int) -> Estimate:
    outputs = np.empty((2, len(part), LENGTHS, dy.size), LONG)
    spans = np.zeros((len(part), LENGTHS), LONG)
    here = np.asarray(f(moves.x.copy()), LONG).ravel() if side else None
    for row, n in enumerate(part):
        for k in range(LENGTHS):
            for way, sign in enumerate((1, -1) if side == 0 else (side,)):
                moved, step = moves.at(n, sign * moves.steps[n, k])
                outputs[way, row, k] = np.asarray(f(moved)).ravel()
                spans[row, k] += sign * step
            if side:
                outputs[1, row, k] = here
    upstream = np.asarray(dy, LONG).ravel()
    # Outputs that did not move cancel exactly and add no rounding error: the sum runs over differences.
    difference = outputs[0] - outputs[1]
    size = np.where(difference != 0, np.maximum(np.abs(outputs[0]), np.abs(outputs[1])), 0) @ np.abs(upstream)
    noise = 8 * eps * size.max(axis=1, where=np.isfinite(size), initial=0)[:, None] / np.where(spans == 0, np.nan, spans)
    quotient = (difference @ upstream) / np.where(spans == 0, np.nan, spans) * (side or 1)
    return best_of_table(quotient, np.abs(noise), 4 if side else 16)


def precision(f: Function, x: Array, dy: Array, rng: np.random.Generator) -> float:
    """Return the relative rounding error of ``sum(dy * f(x))``, measured by second differences at tiny steps.

    They vanish but for rounding, so they tell how many digits ``f`` really keeps, whatever its dtype says.
    """
    y = np.asarray(f(x.copy()))
    upstream = np.abs(dy).ravel()
    long = y.dtype == LONG
    eps = float(np.finfo(y.dtype if y.dtype.kind == "f" else float).eps)
    typical = float(np.sqrt(np.mean(np.square(x, dtype=float)))) if x.size else 1.0
    step = 2.0 ** (np.floor(np.log2(typical or 1.0)) - (34 if long else 28))
    size = float(np.abs(y).ravel() @ upstream)
    for _ in range(2):
        move = step * rng.choice([-1.0, 1.0], x.shape)
        second = np.asarray(f(x + move), LONG) - 2 * np.asarray(y, LONG) + np.asarray(f(x - move), LONG)
        wobble = float(np.abs(second).ravel() @ upstream)
        if np.isfinite(wobble) and size > 0:
            eps = max(eps, wobble / size)
    return eps


def random_directions(x: Array, rng: np.random.Generator, count: int) -> Iterator[Array]:
    """Yield ``count`` Gaussian directions shaped like ``x``, of unit length a coordinate."""
    for _ in range(count):
        yield rng.standard_normal(x.shape)


def numerical_gradient(f: Function, x: Any, dy: Any = 1.0) -> tuple[Array, Array]:
    """``d sum(dy * f(x)) / dx`` by central differences; return it and its estimated error, shaped like ``x``.

    Parameters
    ----------
    f : function of an array
        Returns an array or a number. It is called with ``longdouble``, which gives three to four more digits
        where it keeps that type; with ``float64`` where it refuses.
    x : array
        Where; not changed.
    dy : array of the shape of ``f(x)``
        Upstream gradient; a number where ``f`` returns one.

    Notes
    -----
    14 calls an entry. Ridders, 1982, "Accurate computation of F'(x) and F'(x) F''(x)".

    Examples
    --------
    >>> gradient, error = numerical_gradient(np.sin, np.array([0.0, 1.0]), dy=np.array([1.0, 2.0]))
    >>> bool(np.all(np.abs(gradient - [1.0, 2.0 * np.cos(1.0)]) < 1e-13))
    True
    """
    x = np.array(x, LONG)
    try:
        y = np.asarray(f(x.copy()))
    except (TypeError, ValueError):
        x = x.astype(float)
        y = np.asarray(f(x.copy()))
    if y.dtype != LONG:
        x = x.astype(float)
    dy = np.broadcast_to(np.asarray(dy, LONG), y.shape)
    eps = precision(f, x, dy, np.random.default_rng(0))
    values, errors = differentiate(f, x, dy, range(x.size), eps=eps)
    return values.reshape(x.shape).astype(float), errors.reshape(x.shape).astype(float)

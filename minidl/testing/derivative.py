"""Numerical derivatives with error estimates: central differences in a Ridders / Neville table.

The steps are ``h_k = h_0 / 4**k`` for k = 0 to 6; extrapolation removes the powers of h squared one by one, and
the entry with the smallest estimated error is used. Non-finite entries are dropped together with everything
computed from them, so the small steps remain usable if the large ones reach a kink or a pole.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.typing import Array

LENGTHS = 7  # steps in a table
FIRST_STEP = 0.02
COARSE = 2.0**-20, 2.0**-16, 2.0**-12  # factor down to the smallest step of a table
LONG = np.longdouble
CHUNK = 2_000_000  # values of y in memory at a time

Function = Callable[[Array], Any]


class Estimate(NamedTuple):
    """Derivatives and their estimated errors, one per move."""

    values: Array
    errors: Array


def best_of_table(column: Array, noise: Array, ratio: int) -> Estimate:
    """Return the table entry of least estimated error for each row of difference quotients, largest step first.

    Parameters
    ----------
    column, noise : array of shape (moves, LENGTHS)
        The quotients, and their errors from rounding alone.
    ratio : {16, 4}
        Factor by which the leading error shrinks per step: central quotients have only even powers.
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


def moved(x: Array, which: Sequence[Any], steps: Array) -> tuple[Array, Array]:
    """Return copies of ``x`` moved by ``steps`` along single coordinates or directions, and the steps actually made.

    Parameters
    ----------
    which : sequence of int or of arrays shaped like ``x``
        Flat indices or directions, one per row of ``steps``.
    steps : array of shape (moves, count)

    Returns
    -------
    array of shape (moves, count, *x.shape), array of shape (moves, count)
    """
    copies = np.empty((*steps.shape, x.size), x.dtype)
    copies[...] = x.ravel()
    taken = steps.astype(LONG)
    for n, move in enumerate(which):
        if isinstance(move, np.ndarray):
            copies[n] += steps[n].astype(x.dtype)[:, None] * move.ravel().astype(x.dtype)
        else:
            copies[n, :, move] += steps[n].astype(x.dtype)
            taken[n] = copies[n, :, move].astype(LONG) - x.flat[move]
    return copies.reshape(*steps.shape, *x.shape), taken


def usual_steps(x: Array) -> Array:
    """Return the largest step for each entry of ``x``: smaller if the entry is small and not among larger ones."""
    typical = _typical(x)
    sizes = np.abs(x).astype(float, copy=False)
    return np.asarray(FIRST_STEP * np.minimum(1.0, np.where(sizes > 1e-3 * typical, sizes, typical)))


def _typical(x: Array) -> float:
    """Return the root mean square of the entries, or 1 if that is 0."""
    flat = x.astype(float, copy=False).ravel()
    return (math.sqrt(flat @ flat / flat.size) if flat.size else 1.0) or 1.0


def first_steps(x: Array, which: Sequence[Any]) -> Array:
    """Return the largest step for each move: that of its entry, or of a typical entry for a direction."""
    single, along = usual_steps(x).ravel(), FIRST_STEP * min(1.0, _typical(x))
    return np.array([along / np.abs(m).max() if isinstance(m, np.ndarray) else single[m] for m in which])


def differentiate(
    f: Function, x: Array, dy: Array, which: Sequence[Any], *, eps: float, shrink: float = 1.0, side: int = 0
) -> Estimate:
    """Return the derivatives of ``sum(dy * f(x))`` along single coordinates (flat indices) or directions (arrays).

    Parameters
    ----------
    eps : float
        Relative rounding error of ``f``, see `precision`.
    shrink : float
        Factor by which the steps are scaled.
    side : {0, 1, -1}
        0 for central differences, 1 or -1 for the derivative to that side.
    """
    values, errors = np.empty(len(which), LONG), np.empty(len(which), LONG)
    steps = shrink * np.outer(first_steps(x, which), 0.25 ** np.arange(LENGTHS))
    chunk = max(1, CHUNK // (2 * LENGTHS * max(1, dy.size, x.size)))
    for start in range(0, len(which), chunk):
        part = slice(start, min(start + chunk, len(which)))
        values[part], errors[part] = _differentiate(f, x, dy, which[part], steps[part], eps, side)
    return Estimate(values, errors)


def _differentiate(
    f: Function, x: Array, dy: Array, which: Sequence[Any], steps: Array, eps: float, side: int
) -> Estimate:
    ahead, step = moved(x, which, steps if side >= 0 else -steps)
    plus = _values(f, ahead, x.ndim, dy.size)
    if side:
        spans, minus = step, np.asarray(f(x.copy()), LONG).ravel()
    else:
        behind, back = moved(x, which, -steps)
        spans, minus = step - back, _values(f, behind, x.ndim, dy.size)
    upstream = np.asarray(dy, LONG).ravel()
    spans = np.where(spans == 0, np.nan, spans)
    size = np.maximum(np.abs(plus), np.abs(minus)) @ np.abs(upstream)
    noise = 8 * eps * size.max(axis=1, where=np.isfinite(size), initial=0)[:, None] / np.abs(spans)
    # Unchanged outputs cancel exactly, because the sum runs over differences.
    return best_of_table(((plus - minus) @ upstream) / spans, noise, 4 if side else 16)


def _values(f: Function, arguments: Array, axes: int, size: int) -> Array:
    outputs = np.empty((*arguments.shape[:2], size), LONG)
    flat = outputs.reshape(-1, size)
    for n, argument in enumerate(arguments.reshape(-1, *arguments.shape[arguments.ndim - axes :])):
        flat[n] = np.asarray(f(argument)).ravel()
    return outputs


def precision(f: Function, x: Array, dy: Array, rng: np.random.Generator) -> float:
    """Return the relative rounding error of ``sum(dy * f(x))``, measured by second differences at tiny steps.

    They vanish up to rounding, so they show how many digits ``f`` really keeps, whatever its dtype. They are taken
    close to ``x``, not at it, because ``x`` may lie on a kink or a tie.
    """
    spread = float(np.std(x, dtype=float)) or float(np.abs(x).max(initial=0)) or 1.0
    unit = 2.0 ** np.floor(np.log2(spread))
    x = x + unit * 2.0**-20 * rng.integers(-(2**12), 2**12, x.shape)
    y = np.asarray(f(x.copy()))
    upstream = np.abs(dy).ravel()
    size = float(np.abs(y).ravel() @ upstream)
    eps = float(np.finfo(y.dtype if y.dtype.kind == "f" else float).eps)

    def wobble(move: Array) -> float:
        second = np.asarray(f(x + move), LONG) - 2 * np.asarray(y, LONG) + np.asarray(f(x - move), LONG)
        return float(np.abs(second).ravel() @ upstream)

    def signs() -> Array:
        return np.asarray(unit * rng.choice([-1.0, 1.0], x.shape))

    fine = 2.0 ** (-34 if y.dtype == LONG else -28)
    noise = max(wobble(fine * signs()), wobble(fine * signs()))
    # Some rounding shows only at coarser steps: hidden float32, or cancellation with a large number, as in
    # exp(x) - 1. The effect of curvature falls with the square of the step, that of a kink linearly.
    for step in COARSE:
        # Not a multiple of the lost digits, which would cancel; but x + move stays exact.
        move = step * signs() * rng.integers(2**29, 2**30, x.shape) * 2.0**-30
        coarse, quarter = wobble(move), wobble(move / 4)
        if max(coarse, quarter) > 4 * noise and quarter > coarse / 4:
            noise = max(coarse, quarter)
    return max(eps, noise / size) if size > 0 and np.isfinite(noise) else eps


def numerical_gradient(f: Function, x: Any, dy: Any = 1.0) -> tuple[Array, Array]:
    """``d sum(dy * f(x)) / dx`` by central differences; return it and its estimated error, shaped like ``x``.

    Parameters
    ----------
    f : function of an array
        Returns an array or a number. It is called with ``longdouble``, which gives three to four more digits
        if ``f`` preserves that dtype, or with ``float64`` if ``f`` rejects it.
    x : array
        Point at which to differentiate; left unchanged.
    dy : array of the shape of ``f(x)``
        Upstream gradient; a number if ``f`` returns one.

    Notes
    -----
    This takes 14 calls per entry. Ridders, 1982, "Accurate computation of F'(x) and F'(x) F''(x)".

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
    with np.errstate(all="ignore"):  # steps may leave the domain of f
        eps = precision(f, x, dy, np.random.default_rng(0))
        values, errors = differentiate(f, x, dy, range(x.size), eps=eps)
    return values.reshape(x.shape).astype(float), errors.reshape(x.shape).astype(float)

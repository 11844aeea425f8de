"""Tests along a line: the Taylor remainder, and the integral of the gradient along a path.

If a gradient is wrong on any interval, however short, its integral differs from the change of the function. Kinks
have measure zero and need no special treatment; jumps of the function are detected and excluded.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minidl.typing import Array

# Gauss-Lobatto, 7 points on [-1, 1]: exact for polynomials of degree 11. The inner nodes except 0 are the
# roots of 33 z**2 - 30 z + 5 in z = t**2.
_ROOTS = np.sqrt((15 + np.array([2, -2]) * np.sqrt(15)) / 33)
NODES = np.array([-1, -_ROOTS[0], -_ROOTS[1], 0, _ROOTS[1], _ROOTS[0], 1])
_SIDES = (124 + np.array([-7, 7]) * np.sqrt(15)) / 350
WEIGHTS = np.array([1 / 21, _SIDES[0], _SIDES[1], 256 / 525, _SIDES[1], _SIDES[0], 1 / 21])

Along = Callable[[Array], tuple[Array, Array]]
FOLLOWED = 3  # panels halved because of their gap alone
HALVINGS = 40  # of a panel where the function may jump


def taylor_test(phi: Callable[[float], Any], slope: float) -> float:
    """Return the order of ``phi(h) - phi(0) - h slope`` as h goes to 0: 2.0 for a correct slope, 1.0 for a wrong one.

    Parameters
    ----------
    phi : function of a number
    slope : float
        The claimed derivative of ``phi`` at 0.

    Returns
    -------
    float
        Infinity if the remainder vanishes: ``phi`` is a straight line and the slope is correct.

    Examples
    --------
    >>> round(taylor_test(np.exp, 1.0), 1), round(taylor_test(np.exp, 1.1), 1)
    (2.0, 1.0)
    """
    steps = 1e-3 * 0.5 ** np.arange(4)
    start = np.longdouble(phi(0.0))
    values = np.array([np.longdouble(phi(float(step))) for step in steps])
    remainders = np.abs(values - start - steps * np.longdouble(slope))
    size = max(abs(start), np.abs(values).max())
    if not (remainders > 1e3 * np.finfo(float).eps * 1e-3 * size).all():
        return float("inf")
    return float(np.median(np.log2(remainders[:-1] / remainders[1:])))


class PathResult(NamedTuple):
    """The result of `path_integral_test` along one path.

    Attributes
    ----------
    agrees : bool
        Whether the integral of the gradient equals the change of the function, as far as could be resolved.
    discrepancy, resolution : float
        Change of the function minus the integral, and the error of that difference.
    worst : tuple of float
        The interval that contains most of the discrepancy.
    jumps : bool
        Whether the function itself jumps somewhere along the path; those intervals are excluded.
    """

    agrees: bool
    discrepancy: float
    resolution: float
    worst: tuple[float, float]
    jumps: bool


def path_integral_test(
    along: Along,
    *,
    low: float = -7.0,
    high: float = 7.0,
    panels: int = 28,
    depth: int = 24,
    most: int = 8000,
    noise: float = 0.0,
) -> PathResult:
    """Compare ``phi(high) - phi(low)`` with the integral of its claimed derivative.

    Parameters
    ----------
    along : function
        Takes an array of positions ``t`` and returns ``phi(t)`` and the claimed ``dphi/dt``, of the same shape.
    low, high : float
        Ends of the path.
    panels : int
        Initial number of intervals; those whose two resolutions disagree are halved, at most ``depth`` times.
    most : int
        Number of positions after which refinement stops.
    noise : float
        Slopes up to this magnitude count as rounding.

    Notes
    -----
    Gauss-Lobatto quadrature with 7 points per panel; Abramowitz and Stegun, 25.4.32. A discrepancy counts only
    if the quadrature has resolved it.

    Examples
    --------
    >>> path_integral_test(lambda t: (np.abs(t), np.sign(t))).agrees
    True
    >>> path_integral_test(lambda t: (np.abs(t), np.where(t > 6.5, 0.9, np.sign(t)))).agrees
    False
    """
    edges = np.linspace(low, high, panels + 1) + 1e-3 * (high - low) / panels * np.sin(np.arange(panels + 1))
    panel = np.stack([edges[:-1], edges[1:]], axis=1)
    integral, change, scale = _integrate(along, panel)
    done: list[tuple[Array, Array, Array]] = []
    used = NODES.size * len(panel)
    for _ in range(depth):
        middle = panel.mean(axis=1)
        halves = np.stack([panel[:, 0], middle, middle, panel[:, 1]], axis=1).reshape(-1, 2)
        fine, fine_change, fine_scale = _integrate(along, halves)
        scale = max(scale, fine_scale)
        used += NODES.size * len(halves)
        error = np.abs(fine.reshape(-1, 2).sum(axis=1) - integral)
        width = np.abs(panel[:, 1] - panel[:, 0])  # noise is a slope, the error is an integral
        open_ = (error > 1e-11 * scale + noise * width) | ~np.isfinite(error)
        # If the integral is resolved but does not match, the function may jump: follow the worst panels.
        gaps = np.where(np.isfinite(change - integral), np.abs(change - integral), 0)
        open_ |= (gaps > (1e-9 * scale + noise) * (high - low)) & (gaps >= np.sort(gaps)[-FOLLOWED:][0])
        settled = np.repeat(~open_, 2)
        done.append((halves[settled], (fine_change - fine)[settled], np.repeat(error / 2, 2)[settled]))
        both = np.repeat(open_, 2)
        panel, integral, change = halves[both], fine[both], fine_change[both]
        if not len(panel) or used > most:
            break
    left = np.abs(panel[:, 1] - panel[:, 0]) * scale + np.abs(integral)  # never resolved: kinks, or too costly
    done.append((panel, change - integral, left))
    return _verdict(along, done, 1e-9 * scale + noise, high - low)


def _integrate(along: Along, panels: Array) -> tuple[Array, Array, float]:
    half = (panels[:, 1] - panels[:, 0])[:, None] / 2
    positions = panels.mean(axis=1)[:, None] + half * NODES
    positions[:, 0], positions[:, -1] = panels[:, 0], panels[:, 1]
    phi, slope = along(positions.ravel())
    phi, slope = np.asarray(phi).reshape(positions.shape), np.asarray(slope).reshape(positions.shape)
    change = phi[:, -1] - phi[:, 0]
    sizes = np.abs(np.append(slope.ravel(), change / (2 * np.abs(panels).max())))
    scale = sizes.max(where=np.isfinite(sizes), initial=0)
    return (slope @ WEIGHTS) * half[:, 0], change, float(scale)


def _verdict(along: Along, done: list[tuple[Array, Array, Array]], noise: float, length: float) -> PathResult:
    panels, gaps, errors = (np.concatenate([part[i] for part in done]) for i in range(3))
    known = np.isfinite(gaps)
    gaps, errors = np.where(known, gaps, 0), np.where(known, errors, np.inf)
    suspect = np.flatnonzero(np.abs(gaps) > 10 * errors + noise * length)
    jumps = np.zeros(len(panels), bool)
    if len(suspect):
        jumps[suspect] = _jump(along, panels[suspect], gaps[suspect])
    use = ~jumps & np.isfinite(errors)
    discrepancy, resolution = float(gaps[use].sum()), float(errors[use].sum())
    agrees = abs(discrepancy) <= 10 * resolution + noise * length and not use[suspect].any()
    low, high = panels[np.where(use, np.abs(gaps), 0).argmax()]
    return PathResult(agrees, discrepancy, resolution, (float(low), float(high)), bool(jumps.any()))


def _jump(along: Along, panels: Array, gaps: Array) -> Array:
    """Return a mask of the panels where the function jumps: much of its change remains in a vanishing interval."""
    low, high = panels.T
    for _ in range(HALVINGS):
        width, middle = (high - low) / 2, (low + high) / 2
        phi, slope = along(np.concatenate([low, middle, high, (low + middle) / 2, (middle + high) / 2]))
        at_low, at_middle, at_high, *_ = phi.reshape(5, -1)
        *_, first, second = slope.reshape(5, -1)  # a change explained by the slope is not a jump
        left = np.abs(at_middle - at_low - width * first) >= np.abs(at_high - at_middle - width * second)
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    at_low, at_high = along(np.concatenate([low, high]))[0].reshape(2, -1)
    return np.asarray(np.abs(at_high - at_low) > 0.05 * np.abs(gaps))

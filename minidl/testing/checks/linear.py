"""linear-in-u: backward of any layer is a linear function of the upstream gradient.

Given linearity, one random upstream gradient and all coordinates test the whole Jacobian.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minidl.testing import explanation
from minidl.testing.context import Context
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import normal
from minidl.testing.probe import Arrays, Point
from minidl.testing.registry import register_check
from minidl.typing import Array

POWERS = {"quick": (-20, 20, -200), "standard": (-20, 20, -200, 40, 100), "thorough": (-20, 20, -200, 40, 100, -60, 5)}

SOMETHING_ADDED = "something is added that does not depend on dy"
SIGN = "the result depends on the sign of dy, as a mask dy > 0 or a clipped dy makes it"
NOT_LINEAR = "backward must be linear in dy: look for clipping, a mask or a normalisation of dy"


class Combination(NamedTuple):
    """An upstream gradient, and the gradients that follow for it by linearity."""

    dy: Array
    expected: Arrays
    tolerance: float
    message: str
    why: str = NOT_LINEAR


@register_check("linear-in-u", after=("contract",))
def linear_in_u(examination: Examination) -> Iterator[Finding]:
    """``backward(0) = 0``, ``backward(-u) = -backward(u)``, sums and multiples of upstream gradients."""
    yield from linear(examination, examination.point)


def linear(examination: Examination, point: Point) -> Iterator[Finding]:
    """Yield a finding for each way in which backward at ``point`` fails to be linear in dy."""
    of_u = _gradients(examination, point)
    lost = dict.fromkeys(of_u, 0.0)  # due to cancelling terms, whose rounding does not shrink with dy
    for combination in _combinations(examination, point, of_u):
        here = point.with_(dy=combination.dy)
        found = _gradients(examination, here)
        for name, value in combination.expected.items():
            gap = np.abs(np.asarray(found[name], float) - value)
            if not (gap <= _allowed(examination, here, of_u[name], combination) + lost[name]).all():
                rounding = examination.at_least_rounding(1e-15) * float(np.abs(of_u[name]).max(initial=0))
                if "2**-20" in combination.message and (gap <= rounding).all():
                    lost[name] = 10 * rounding
                    continue
                yield _finding(examination, here, found, name, combination, of_u)


def _combinations(examination: Examination, point: Point, of_u: Arrays) -> Iterator[Combination]:
    u, v = point.dy, normal(examination.rng, point.dy.shape)

    def times(factor: float) -> Arrays:
        return {name: factor * value for name, value in of_u.items()}

    def difference(dy: Array, factor: float = 1) -> Arrays:
        other = _gradients(examination, point.with_(dy=dy))
        return {name: factor * value - other[name] for name, value in of_u.items()}

    yield Combination(0 * u, times(0), 0.0, "backward(0) is not 0", SOMETHING_ADDED)
    yield Combination(-u, times(-1), 1e-13, "backward(-dy) is not -backward(dy)", SIGN)
    message = "backward(3 u - v) is not 3 backward(u) - backward(v)"
    yield Combination(3 * u - v, difference(v, 3), 1e-12, message)
    for power in POWERS[examination.level]:
        message = f"backward(2**{power} dy) is not 2**{power} backward(dy)"
        yield Combination(2.0**power * u, times(2.0**power), 1e-12, message)
    parts = [part for part in _parts(examination, u) if part.any()]
    for part in parts[: 1 if examination.level == "quick" else len(parts)]:
        digits = 1.0 + max(1.0, float(np.abs(part).max())) / float(np.abs(part).max())  # lost to cancellation
        yield Combination(part, difference(u - part), 1e-12 * digits, "backward is not additive in dy")


def _parts(examination: Examination, u: Array) -> Iterator[Array]:
    """Yield upstream gradients that code might treat specially: with zero, equal, positive or integer entries."""
    without = u.copy()
    without[:1] = 0  # a mask or a norm over all of dy shows if a row is zero
    single = np.zeros_like(u)
    single.flat[examination.rng.integers(u.size)] = 1.7
    yield from (without, single)
    yield np.ascontiguousarray(np.broadcast_to(u[:1], u.shape))
    yield np.ascontiguousarray(np.broadcast_to(u[..., :1], u.shape))
    yield from (np.full_like(u, 0.7), np.abs(u), -np.abs(u), np.round(2 * u) + np.sign(u), np.ones_like(u))
    yield from (u - u.mean(), u - u.mean(axis=-1, keepdims=True), np.sort(u, axis=-1))


def _gradients(examination: Examination, point: Point) -> Arrays:
    return {name: value for name, value in examination.results(point).items() if name != "y"}


def _allowed(examination: Examination, point: Point, of_u: Array, combination: Combination) -> float:
    """Return the error allowed in the gradients for ``dy``: they are sums of products of dy and x, which may cancel."""
    if not combination.dy.any():
        return 0.0
    largest = float(np.abs(point.dy).max(initial=0))
    natural = 1e-3 * largest * max(1.0, float(np.abs(point.x).max(initial=0))) ** 2
    growth = largest / float(np.abs(examination.point.dy).max(initial=1e-300))
    before_cancellation = growth * float(np.abs(of_u).max(initial=0))
    return examination.at_least_rounding(combination.tolerance) * max(before_cancellation, natural)


def _finding(
    examination: Examination, point: Point, found: Arrays, name: str, combination: Combination, of_u: Arrays
) -> Finding:
    gap = np.abs(np.asarray(found[name], float) - combination.expected[name])
    worst = np.unravel_index(int(np.where(np.isfinite(gap), gap, np.inf).argmax()), gap.shape)
    # An upstream gradient of zeros tells nothing, so the diagnosis uses the generic one.
    shown, gradients = (point, found) if point.dy.any() else (point.with_(dy=examination.point.dy), of_u)
    wrong = list(combination.expected)
    context = Context(examination.subject, shown, gradients, name, examination.check, wrong)
    why, hypotheses = explanation.of_nonlinear(context, combination.why)
    return examination.finding(
        combination.message,
        name,
        why,
        index=tuple(int(i) for i in worst),
        analytic=float(found[name][worst]),
        numeric=float(combination.expected[name][worst]),
        detail=f"{int((gap > 0).sum())}/{gap.size} entries wrong, input {point.x.shape}",
        hypotheses=hypotheses,
    )

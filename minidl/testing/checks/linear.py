"""linear-in-u: backward is a linear function of the upstream gradient, whatever the layer.

With that, one random upstream gradient and all coordinates test the whole Jacobian.
"""

from collections.abc import Iterator

import numpy as np

from minidl.testing import blame
from minidl.testing.constants import mentioned
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import normal
from minidl.testing.probe import Arrays, Point
from minidl.testing.registry import register_check
from minidl.typing import Array

CERTAIN = 0.95  # score from which a diagnosis says more than the equation that was violated

POWERS = {"quick": (-20, 20, -200), "standard": (-20, 20, -200, 40, 100), "thorough": (-20, 20, -200, 40, 100, -60, 5)}

SOMETHING_ADDED = "something is added that does not depend on dy"
SIGN = "the result depends on the sign of dy, as a mask dy > 0 or a clipped dy makes it"
NOT_LINEAR = "backward must be linear in dy: look for clipping, a mask or a normalisation of dy"


@register_check("linear-in-u", after=("contract",))
def linear_in_u(examination: Examination) -> Iterator[Finding]:
    """``backward(0) = 0``, ``backward(-u) = -backward(u)``, sums and multiples of upstream gradients."""
    yield from linear(examination, examination.point)


def linear(examination: Examination, point: Point) -> Iterator[Finding]:
    """Yield a finding for each way in which backward at ``point`` is not linear in dy."""
    u = point.dy
    v = normal(examination.rng, u.shape)
    of_u, of_v = _gradients(examination, point), _gradients(examination, point.with_(dy=v))

    def expect(dy: Array, expected: Arrays, tolerance: float, message: str, why: str) -> Iterator[Finding]:
        return _expect(examination, point.with_(dy=dy), of_u, expected, tolerance, message, why)

    yield from expect(0 * u, _times(0, of_u), 0.0, "backward(0) is not 0", SOMETHING_ADDED)
    yield from expect(-u, _times(-1, of_u), 1e-13, "backward(-dy) is not -backward(dy)", SIGN)
    combined = {name: 3 * of_u[name] - of_v[name] for name in of_u}
    message = "backward(3 u - v) is not 3 backward(u) - backward(v)"
    yield from expect(3 * u - v, combined, 1e-12, message, NOT_LINEAR)
    for power in POWERS[examination.level]:
        message = f"backward(2**{power} dy) is not 2**{power} backward(dy)"
        yield from expect(2.0**power * u, _times(2.0**power, of_u), 1e-12, message, NOT_LINEAR)
    for number in mentioned(examination.subject.example).numbers:
        message = f"backward({number:g} dy) is not {number:g} backward(dy)"
        yield from expect(number * u, _times(number, of_u), 1e-12, message, NOT_LINEAR)
    parts = [part for part in _parts(examination, u) if part.any()]
    for part in parts[: 1 if examination.level == "quick" else len(parts)]:
        rest = _gradients(examination, point.with_(dy=u - part))
        difference = {name: of_u[name] - rest[name] for name in of_u}
        lost = 1.0 + max(1.0, float(np.abs(part).max())) / float(np.abs(part).max())  # digits, by cancellation
        yield from expect(part, difference, 1e-12 * lost, "backward is not additive in dy", NOT_LINEAR)


def _parts(examination: Examination, u: Array) -> Iterator[Array]:
    """Yield upstream gradients of which something may be kept apart: zero, equal, positive or whole entries."""
    without = u.copy()
    without[:1] = 0  # a mask or a norm over all of dy shows where a row has none
    yield without
    single = np.zeros_like(u)
    single.flat[examination.rng.integers(u.size)] = 1.7
    yield single
    yield np.ascontiguousarray(np.broadcast_to(u[:1], u.shape))
    yield np.ascontiguousarray(np.broadcast_to(u[..., :1], u.shape))
    yield np.full_like(u, 0.7)
    yield np.abs(u)
    yield -np.abs(u)
    yield np.round(2 * u) + np.sign(u)
    yield np.ones_like(u)
    yield u - u.mean()
    yield u - u.mean(axis=-1, keepdims=True)
    yield np.sort(u, axis=-1)


def _times(factor: float, gradients: Arrays) -> Arrays:
    return {name: factor * value for name, value in gradients.items()}


def _gradients(examination: Examination, point: Point) -> Arrays:
    gradients = examination.run(point)[1]
    return {name: value for name, value in gradients.items() if value is not None}


def _expect(
    examination: Examination,
    point: Point,
    of_u: Arrays,
    expected: Arrays,
    tolerance: float,
    message: str,
    why: str,
) -> Iterator[Finding]:
    """Yield a finding for each gradient that is not as linearity demands."""
    dy, found = point.dy, _gradients(examination, point)
    # A gradient is a sum of products of dy and x: what is small beside those is rounding.
    natural = 1e-3 * np.abs(dy).max(initial=0) * max(1.0, np.abs(point.x).max(initial=0)) ** 2
    growth = np.abs(dy).max(initial=0) / np.abs(examination.point.dy).max(initial=1e-300)
    for name, value in expected.items():
        before_cancellation = growth * np.abs(of_u[name]).max(initial=0)
        size = max(np.abs(value).max(initial=0), before_cancellation, natural)
        gap = np.abs(np.asarray(found[name], float) - value)
        if (gap <= tolerance * size).all():
            continue
        worst = np.unravel_index(int(np.where(np.isfinite(gap), gap, np.inf).argmax()), gap.shape)
        # Nothing can be told from an upstream gradient of zeros: the diagnosis looks at the generic one then.
        shown, gradients = (point, found) if dy.any() else (point.with_(dy=examination.point.dy), of_u)
        facts = {"situation": message, "wrong": list(expected)}
        context = blame.make_context(examination.subject, shown, gradients, name, examination.check, facts)
        hypotheses = blame.repaired(context, blame.explain(context, gradients[name]))
        certain = [text for text, score in hypotheses[:1] if score >= CERTAIN]
        yield examination.finding(
            message,
            name,
            *(certain or [why]),
            index=tuple(int(i) for i in worst),
            analytic=float(found[name][worst]),
            numeric=float(value[worst]),
            detail=f"{int((gap > tolerance * size).sum())}/{gap.size} entries wrong, input {point.x.shape}",
            hypotheses=sorted([*hypotheses, (why, 0.9)], key=lambda hypothesis: -hypothesis[1]),
        )

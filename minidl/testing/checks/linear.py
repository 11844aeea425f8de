"""linear-in-u: backward is a linear function of the upstream gradient, whatever the layer.

With that, one random upstream gradient and all coordinates test the whole Jacobian.
"""

from collections.abc import Iterator

import numpy as np

from minidl.testing import blame
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding
from minidl.testing.points import normal
from minidl.testing.probe import Arrays
from minidl.typing import Array

CERTAIN = 0.95  # score from which a diagnosis says more than the equation that was violated

SOMETHING_ADDED = "something is added that does not depend on dy"
SIGN = "the result depends on the sign of dy, as a mask dy > 0 or a clipped dy makes it"
NOT_LINEAR = "backward must be linear in dy: look for clipping, a mask or a normalisation of dy"


@register_check("linear-in-u", after=("contract",))
def linear_in_u(examination: Examination) -> Iterator[Finding]:
    """``backward(0) = 0``, ``backward(-u) = -backward(u)``, sums and multiples of upstream gradients."""
    u = examination.point.dy
    v = normal(examination.rng, u.shape)
    of_u, of_v = _gradients(examination, u), _gradients(examination, v)
    yield from _expect(examination, 0 * u, _times(0, of_u), 0.0, "backward(0) is not 0", SOMETHING_ADDED)
    yield from _expect(examination, -u, _times(-1, of_u), 1e-13, "backward(-dy) is not -backward(dy)", SIGN)
    combined = {name: 3 * of_u[name] - of_v[name] for name in of_u}
    message = "backward(3 u - v) is not 3 backward(u) - backward(v)"
    yield from _expect(examination, 3 * u - v, combined, 1e-12, message, NOT_LINEAR)
    for power in (-20, 20, -200):
        message = f"backward(2**{power} dy) is not 2**{power} backward(dy)"
        yield from _expect(examination, 2.0**power * u, _times(2.0**power, of_u), 1e-12, message, NOT_LINEAR)
    without = u.copy()
    without[:1] = 0  # a mask or a norm over all of dy shows where a row has none
    rest = _gradients(examination, u - without)
    difference = {name: of_u[name] - rest[name] for name in of_u}
    yield from _expect(examination, without, difference, 1e-12, "backward is not additive in dy", NOT_LINEAR)


def _times(factor: float, gradients: Arrays) -> Arrays:
    return {name: factor * value for name, value in gradients.items()}


def _gradients(examination: Examination, dy: Array) -> Arrays:
    gradients = examination.run(examination.point.with_(dy=dy))[1]
    return {name: value for name, value in gradients.items() if value is not None}


def _expect(
    examination: Examination, dy: Array, expected: Arrays, tolerance: float, message: str, why: str
) -> Iterator[Finding]:
    """Yield a finding for each gradient that is not as linearity demands."""
    point = examination.point.with_(dy=dy)
    found = _gradients(examination, dy)
    # A gradient is a sum of products of dy and x: what is small beside those is rounding.
    natural = 1e-3 * np.abs(dy).max(initial=0) * max(1.0, np.abs(point.x).max(initial=0)) ** 2
    growth = np.abs(dy).max(initial=0) / np.abs(examination.point.dy).max(initial=1e-300)
    for name, value in expected.items():
        before_cancellation = growth * np.abs(examination.reference[1][name]).max(initial=0)
        size = max(np.abs(value).max(initial=0), before_cancellation, natural)
        gap = np.abs(np.asarray(found[name], float) - value)
        if (gap <= tolerance * size).all():
            continue
        worst = np.unravel_index(int(np.where(np.isfinite(gap), gap, np.inf).argmax()), gap.shape)
        # Nothing can be told from an upstream gradient of zeros: the diagnosis looks at the generic one then.
        shown, gradients = (point, found) if dy.any() else (examination.point, examination.reference[1])
        context = blame.make_context(examination.subject, shown, gradients, name, "linear-in-u", {"situation": message})
        hypotheses = blame.explain(context, gradients[name])
        certain = [text for text, score in hypotheses[:1] if score >= CERTAIN]
        yield examination.finding(
            message,
            name,
            *(certain or [why]),
            index=tuple(int(i) for i in worst),
            analytic=float(found[name][worst]),
            numeric=float(value[worst]),
            detail=f"{int((gap > tolerance * size).sum())}/{gap.size} entries wrong, input {point.x.shape}",
            hypotheses=[(why, 0.9), *hypotheses],
        )

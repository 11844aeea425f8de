"""linear-in-u: backward is a linear function of the upstream gradient, whatever the layer.

With that, one random upstream gradient and all coordinates test the whole Jacobian.
"""

from collections.abc import Iterator

import numpy as np

from minidl.testing import blame
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, source_of
from minidl.testing.subject import Arrays
from minidl.typing import Array

NAME = "linear-in-u"
CERTAIN = 0.95  # score from which a diagnosis says more than the equation that was violated


@register_check(NAME, after=("contract",))
def linear_in_u(examination: Examination) -> Iterator[Finding]:
    """``backward(0) = 0``, ``backward(-u) = -backward(u)``, ``backward(3 u - v) = 3 backward(u) - backward(v)``, scales."""
    u = examination.point.dy
    v = examination.rng.standard_normal(u.shape)
    of_u, of_v = examination.reference[1], gradients_for(examination, v)
    zero = {name: 0 * value for name, value in of_u.items() if value is not None}
    yield from expect(
        examination, 0 * u, zero, 0.0, "backward(0) is not 0", "something is added that does not depend on dy"
    )
    yield from expect(
        examination,
        -u,
        scaled(of_u, -1),
        1e-13,
        "backward(-dy) is not -backward(dy)",
        "the result depends on the sign of dy, as a mask dy > 0 or a clipped dy makes it",
    )
    combined = {name: 3 * of_u[name] - of_v[name] for name in zero}
    yield from expect(
        examination,
        3 * u - v,
        combined,
        1e-12,
        "backward(3 u - v) is not 3 backward(u) - backward(v)",
        "backward must be linear in dy: look for clipping, a mask or a normalisation of dy",
    )
    for power in (-20, 20, -200):
        factor = 2.0**power
        yield from expect(
            examination,
            factor * u,
            scaled(of_u, factor),
            1e-12,
            f"backward(2**{power} dy) is not 2**{power} backward(dy)",
            "backward must be linear in dy: look for clipping, normalisation or a constant",
        )
    for row in range(len(u)):
        # Rows of which one is zero: a mask or a norm over all of dy would show.
        part = u.copy()
        part[row] = 0
        rest = u - part
        expected = {name: of_u[name] - gradients_for(examination, rest)[name] for name in zero}
        yield from expect(
            examination,
            part,
            expected,
            1e-12,
            "backward is not additive over the rows of dy",
            "dy is normalised, clipped or masked as a whole",
        )
        break


def scaled(gradients: Arrays, factor: float) -> Arrays:
    """Return all gradients times ``factor``."""
    return {name: factor * value for name, value in gradients.items() if value is not None}


def gradients_for(examination: Examination, dy: Array) -> Arrays:
    """Return the gradients at the generic point for another upstream gradient."""
    return examination.run(examination.point.with_(dy=dy))[1]


def expect(
    examination: Examination, dy: Array, expected: Arrays, tolerance: float, message: str, why: str
) -> Iterator[Finding]:
    """Yield a finding for each gradient that is not as linearity demands."""
    point = examination.point.with_(dy=dy)
    found = examination.run(point)[1]
    for name, value in expected.items():
        size = max(float(np.abs(value).max(initial=0)), _size(examination, name, dy))
        gap = np.abs(np.asarray(found[name], float) - value)
        if not (gap <= tolerance * size).all():
            n = np.unravel_index(int(np.where(np.isfinite(gap), gap, np.inf).argmax()), gap.shape)
            facts = {"situation": message}
            context = blame.make_context(examination.subject, point, found, name, NAME, facts)
            hypotheses = blame.explain(context, found[name])
            if hypotheses and hypotheses[0][1] >= CERTAIN:
                why = hypotheses[0][0]
            where, source = source_of(examination.subject.example, name)
            yield Finding(
                NAME,
                message,
                name,
                tuple(int(i) for i in n),
                float(found[name][n]),
                float(value[n]),
                detail=f"{int((gap > tolerance * size).sum())}/{gap.size} entries wrong, input {point.x.shape}",
                why=why,
                where=where,
                source=source,
                hypotheses=[(why, 0.9), *hypotheses],
            )


def _size(examination: Examination, name: str, dy: Array) -> float:
    """Return how large a gradient is before cancellation, at this size of ``dy``."""
    ratio = np.abs(dy).max(initial=0) / np.abs(examination.point.dy).max(initial=1e-300)
    return float(np.abs(examination.reference[1][name]).max(initial=0) * ratio)

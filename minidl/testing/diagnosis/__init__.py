"""Diagnosis: why a gradient is wrong.

Three questions, each an engine: *what* is the wrong gradient to the right one, *when* is it right, and *where* in the
source does an edit make it right. They share the `Evidence`: the failing call and fresh ones. A claim is made only if
it holds on all of them, and claims are ranked by the length of the description that they give of the wrong gradient.
"""

import warnings
from collections.abc import Callable

import numpy as np

from minidl.testing.context import Context
from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.sample import Sample, number
from minidl.testing.diagnosis.what import formulas, jacobian, precision, regions, relations, statistics
from minidl.testing.diagnosis.when import interventions, jumps, linearity
from minidl.testing.diagnosis.where import sublayers
from minidl.testing.diagnosis.where.repairs import with_repair
from minidl.typing import Array

__all__ = ["Evidence", "Hypothesis", "Sample", "diagnose", "with_repair"]

Engine = Callable[[Evidence], Claims]
# Nothing further is tried if one of these has an answer, by the check that objects.
SETTLED: dict[str, list[Engine]] = {
    "": [relations.wrong_shape, interventions.earlier_calls],
    "linear-in-u": [linearity.not_linear, precision.representable],
    "batch": [interventions.batch_sizes],
}
AT_ONCE: list[Engine] = [
    sublayers.left_out,
    jumps.zero_derivative,
    relations.constant_ratio,
    relations.factor,
    relations.related,
    formulas.equals_formula,
    statistics.terms_of_statistics,
    precision.representable,
    precision.small_error,
    interventions.gradient_elsewhere,
    regions.condition,
    regions.scan,
    regions.positions,
]
# Slower, and left out where a short description is known.
LATE: list[Engine] = [
    jacobian.structure,
    linearity.not_linear,
    interventions.batch_sizes,
    interventions.right_elsewhere,
]
EARLIER_CALL = (
    "right here on a fresh layer: the error comes from an earlier call, whose values are kept, or from other rows"
)


def diagnose(analytic: Array, numeric: Array, context: Context | None = None) -> list[Hypothesis]:
    """Return the possible causes of the difference of two gradients, best first, each with a score from 0 to 1.

    Parameters
    ----------
    analytic, numeric : array
        What `backward` returned, and what it should have returned.
    context : Context, optional
        The layer and the call, so that hypotheses can be tried on other calls. Without it only the two
        arrays are compared.

    Returns
    -------
    list of Hypothesis
        Each with a ``text`` and a ``score``, the higher the shorter the description of the wrong gradient is. Never
        empty: the last resort says that no hypothesis fits, with statistics.

    Examples
    --------
    >>> diagnose(np.array([1.0, -2.0, 4.0]), np.array([-1.0, 2.0, -4.0]))[0].text
    'analytic/numeric is constant -1: wrong sign'
    """
    evidence = Evidence(analytic, numeric, context)
    if evidence.analytic.shape == evidence.numeric.shape and evidence.first.gap <= 0.1 * evidence.first.noise:
        return [Hypothesis(EARLIER_CALL)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = all_claims(evidence)
    found.sort(key=lambda hypothesis: hypothesis.bits)
    tell_where(found)
    if not found or found[0].bits > 4 * OPEN:
        found.append(Hypothesis(statistics_of(evidence), 8 * OPEN))
    return list({hypothesis.text: hypothesis for hypothesis in found}.values())


def all_claims(evidence: Evidence) -> list[Hypothesis]:
    """Return what all engines claim; the slower ones are left out once a short description is found."""
    for engine in [*SETTLED[""], *SETTLED.get(evidence.check, [])]:
        found = claims(engine, evidence)
        if found:
            return found
    found = [claim for engine in AT_ONCE for claim in claims(engine, evidence)]
    for engine in LATE:
        if min((hypothesis.bits for hypothesis in found), default=OPEN) >= OPEN / 2:
            found += claims(engine, evidence)
    return found


def tell_where(found: list[Hypothesis]) -> None:
    """Add to the best cause where the gradient is wrong, if that is known exactly: together they say most."""
    where = next((h for h in found if h.text.startswith("wrong exactly where") and h.bits <= OPEN), None)
    if where and found[0] is not where and not found[0].text.startswith(("analytic/numeric", "right for batch")):
        found[0] = Hypothesis(f"{found[0].text}; {where.text.partition(':')[0]}", found[0].bits)


def claims(engine: Engine, evidence: Evidence) -> list[Hypothesis]:
    """Return what an engine claims until it fails, such as where the layer refuses a call."""
    found: list[Hypothesis] = []
    try:
        found.extend(engine(evidence))
    except Exception:  # a layer may raise anything outside its domain
        return found
    return found


def statistics_of(e: Evidence) -> str:
    """Return what can be said when nothing fits."""
    s = e.first
    large = np.abs(s.numeric) > 1e-6 * s.scale
    ratio = s.analytic[large] / s.numeric[large]
    shown = ""
    if ratio.size:
        low, middle, high = (number(value) for value in np.quantile(ratio, [0, 0.5, 1]))
        shown = f"; analytic/numeric from {low} over {middle} to {high}"
    where = ", only at this very point" if len(e.samples) > 1 and e.visible == [s] else ""
    return f"no hypothesis fits: {int(s.wrong.sum())} of {s.wrong.size} entries wrong{where}{shown}"

"""Diagnosis: why a gradient is wrong.

Three engines each answer one question: *what* the wrong gradient is compared with the correct one, *when* it is
correct, and *where* in the source an edit makes it correct. They share the `Evidence`: the failing call and further
samples. A claim is made only if it holds on all of them, and claims are ranked by the length of their description of
the wrong gradient.
"""

import warnings
from collections.abc import Callable

import numpy as np

from minidl.testing.context import Context
from minidl.testing.diagnosis.evidence import Evidence, attempt
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.what import jacobian, precision, regions, relations
from minidl.testing.diagnosis.when import interventions, linearity
from minidl.testing.diagnosis.where import paths
from minidl.testing.diagnosis.where.repairs import with_repair
from minidl.typing import Array

__all__ = ["Evidence", "Hypothesis", "causes_of", "diagnose", "with_repair"]

Engine = Callable[[Evidence], Claims]
# By the name of the failed check: if one of these engines makes a claim, no others are tried.
SETTLED: dict[str, list[Engine]] = {
    "": [relations.wrong_shape, interventions.earlier_calls],
    "linear-in-u": [linearity.not_linear, precision.representable],
    "batch": [interventions.batch_sizes],
}
AT_ONCE: list[Engine] = [
    linearity.zero_derivative, relations.constant_ratio, relations.factor, relations.related, paths.wrong_path,
    precision.representable, precision.small_error, interventions.swapped, interventions.equals_another,
    regions.condition, regions.positions, paths.never_read,
]  # fmt: skip
# Slower; skipped once a short description is found.
LATE: list[Engine] = [
    jacobian.structure, linearity.not_linear, interventions.batch_sizes, interventions.becomes_right,
    interventions.right_elsewhere,
]  # fmt: skip
EARLIER_CALL = "right here on a fresh layer: the error comes from an earlier call that keeps values, or from other rows"


def diagnose(analytic: Array, numeric: Array, context: Context | None = None) -> list[Hypothesis]:
    """Return the possible causes of the difference between two gradients, best first, each with a score from 0 to 1.

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
        Each has a ``text`` and a ``score``, which is higher for shorter descriptions of the wrong gradient. Never
        empty: if nothing fits well, the last hypothesis says so and gives statistics.

    Examples
    --------
    >>> diagnose(np.array([1.0, -2.0, 4.0]), np.array([-1.0, 2.0, -4.0]))[0].text
    'analytic/numeric is constant -1: wrong sign'
    """
    return causes_of(Evidence(analytic, numeric, context))


def causes_of(evidence: Evidence) -> list[Hypothesis]:
    """Return the possible causes of a wrong gradient, best first: see `diagnose`."""
    if evidence.analytic.shape == evidence.numeric.shape and evidence.first.gap <= 0.1 * evidence.first.noise:
        return [Hypothesis(EARLIER_CALL)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = all_claims(evidence)
    found.sort(key=lambda hypothesis: hypothesis.bits)
    tell_where(found)
    if not found or found[0].bits > 4 * OPEN:
        found.append(Hypothesis(counted(evidence), 8 * OPEN))
    return list({hypothesis.text: hypothesis for hypothesis in found}.values())


def all_claims(evidence: Evidence) -> list[Hypothesis]:
    """Return the claims of all engines; the slower ones are skipped once a short description is found.

    No further engine is tried once the diagnosis has cost too much.
    """
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
    """Extend the best cause with the condition under which the gradient is wrong, if it is known exactly."""
    where = next((h for h in found if h.text.startswith("wrong exactly where") and h.bits <= OPEN), None)
    if where and found[0] is not where and not found[0].text.startswith(("analytic/numeric", "right for batch")):
        found[0] = Hypothesis(f"{found[0].text}; {where.text.partition(':')[0]}", found[0].bits)


def claims(engine: Engine, evidence: Evidence) -> list[Hypothesis]:
    """Return the first claim of an engine; none if it fails, for example because the layer refuses a call."""
    found = None if evidence.is_spent else attempt(lambda: next(engine(evidence), None))
    return [found] if found else []


def counted(e: Evidence) -> str:
    """Return the message for a gradient that no hypothesis fits: the number of wrong entries."""
    s = e.first
    where = ", only at this very point" if len(e.samples) > 1 and e.visible == [s] else ""
    return f"no hypothesis fits: {int(s.wrong.sum())} of {s.wrong.size} entries wrong{where}"

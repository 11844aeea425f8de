"""Diagnosis: why a gradient is wrong.

An engine of hypotheses: each is a claim about the wrong gradient, such as "it is 1/m of the right one", tried on
the failing call and on fresh ones in other batch sizes, and made only if it holds on all of them. They are
ranked by how specific they are; if none holds, the statistics are all that is said.
"""

import warnings

import numpy as np

from minidl.testing.context import Context
from minidl.testing.diagnosis import (
    blocks,
    calls,
    changes,
    formulas,
    jacobian,
    outer,
    precision,
    ratios,
    regions,
    residuals,
    selection,
    shapes,
    steps,
    sublayers,
)
from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Test
from minidl.testing.diagnosis.repairs import with_repair
from minidl.testing.diagnosis.sample import Sample, number
from minidl.typing import Array

__all__ = ["Evidence", "Hypothesis", "Sample", "diagnose", "with_repair"]

SETTLED: list[Test] = [shapes.wrong_shape, shapes.not_numbers]  # nothing further can be tried if one of these speaks
AT_ONCE: list[Test] = [
    *sublayers.TESTS,
    *shapes.TESTS,
    *ratios.TESTS,
    *formulas.TESTS,
    *residuals.TESTS,
    *precision.TESTS,
    *changes.FOR,
    *regions.TESTS,
    *steps.TESTS,
    *blocks.TESTS,
]
LATE: list[Test] = [
    *selection.TESTS,
    *jacobian.TESTS,
    *outer.TESTS,
    calls.not_linear,
    calls.batch_sizes,
    changes.becomes_right,
]  # slower
CONVINCING = 0.9  # the score from which no slower test is tried
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
        Pairs of ``text`` and ``score``. Never empty: the last resort says that no hypothesis fits, with statistics.

    Examples
    --------
    >>> diagnose(np.array([1.0, -2.0, 4.0]), np.array([-1.0, 2.0, -4.0]))[0].text
    'analytic/numeric is constant -1: wrong sign'
    """
    evidence = Evidence(analytic, numeric, context)
    if evidence.analytic.shape == evidence.numeric.shape and evidence.first.gap <= 0.1 * evidence.first.noise:
        return [Hypothesis(EARLIER_CALL, 0.9)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = considered(evidence)
    found.sort(key=lambda hypothesis: -hypothesis.score)
    with_place(found)
    if not found or found[0].score < 0.5:
        found.append(Hypothesis(statistics(evidence), 0.1))
    return list({hypothesis.text: hypothesis for hypothesis in found}.values())


def considered(evidence: Evidence) -> list[Hypothesis]:
    """Return what all tests claim; the slower ones are left out once a convincing cause is found."""
    check = "" if evidence.context is None else evidence.context.check
    first = [calls.not_linear, *precision.TESTS[:1]] if "linear" in check else [calls.history, calls.forward_remembers]
    for tests in (SETTLED, first, [calls.batch_sizes] if check == "batch" else []):
        found = [hypothesis for test in tests for hypothesis in claims(test, evidence)]
        if found:
            return found
    for test in AT_ONCE:
        found += claims(test, evidence)
    for test in LATE:
        if max((hypothesis.score for hypothesis in found), default=0.0) < CONVINCING:
            found += claims(test, evidence)
    return found


def with_place(found: list[Hypothesis]) -> None:
    """Add to the best cause where the gradient is wrong, if that is known exactly: together they say most."""
    where = next((h for h in found if h.text.startswith("wrong exactly where")), None)
    if where is None or found[0] is where or where.score < CONVINCING - 0.1:
        return
    if not found[0].text.startswith(("analytic/numeric", "right for batch")):
        found[0] = Hypothesis(f"{found[0].text}; {where.text.partition(':')[0]}", found[0].score)


def claims(test: Test, evidence: Evidence) -> list[Hypothesis]:
    """Return what a test claims; one that cannot be carried out here claims nothing."""
    try:
        return list(test(evidence))
    except (ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError):
        return []


def statistics(e: Evidence) -> str:
    """Return what can be said when nothing fits."""
    s = e.first
    large = np.abs(s.numeric) > 1e-6 * s.scale
    ratio = s.analytic[large] / s.numeric[large]
    shown = ""
    if ratio.size:
        low, middle, high = np.quantile(ratio, [0, 0.5, 1])
        shown = f"; analytic/numeric from {number(low)} over {number(middle)} to {number(high)}"
    where = ", only at this very point" if len(e.samples) > 1 and e.visible == [s] else ""
    return f"no hypothesis fits: {int(s.wrong.sum())} of {s.wrong.size} entries wrong{where}{shown}"

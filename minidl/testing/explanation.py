"""Explanation: turns a wrong gradient into a finding that names the array, the cause and the line."""

import numpy as np

from minidl.testing.comparison import Comparison, Mismatch
from minidl.testing.context import Context, derivatives
from minidl.testing.derivative import LENGTHS
from minidl.testing.diagnosis import Evidence, Hypothesis, causes_of, diagnose, with_repair
from minidl.testing.diagnosis.evidence import attempt
from minidl.testing.diagnosis.sample import largest
from minidl.testing.findings import Finding, rejected_gradient
from minidl.testing.paths import taylor_test
from minidl.testing.probe import Arrays, LayerFailure, Point, target_of
from minidl.testing.source_lines import source_of
from minidl.testing.subject import Subject
from minidl.typing import Array

MOST = 3  # number of wrong gradients of one call to explain
NUMERIC = 40_000_000  # most that the numerical gradient for a diagnosis may cost, see `Work`
ENOUGH = 2_500_000  # cost of an explanation from which no further wrong gradient is examined
CONVINCING = 0.95  # score from which no further wrong gradient is examined
CERTAIN = 0.85  # score from which a diagnosis is more informative than the violated equation

NEVER_SET = "it was not computed, or not stored under that name"
NOT_FINITE = "not finite where the right gradient is: an intermediate value overflows, or 0/0 or 0*inf appears"

Causes = list[Hypothesis]


def from_comparison(subject: Subject, point: Point, result: Comparison, check: str, told: str) -> Finding:
    """Return one finding for all mismatches at a point, about the target with the best explanation."""
    wrong = [mismatch.target for mismatch in result.mismatches]
    found: list[tuple[Causes, Evidence, Mismatch]] = []
    for mismatch in result.mismatches[:MOST]:
        evidence = evidence_of(Context(subject, point, result.gradients, mismatch.target, check, wrong))
        found.append((explain(evidence), evidence, mismatch))
        if found[-1][0][0].score >= CONVINCING or subject.work.done >= ENOUGH:
            break
    causes, evidence, mismatch = max(found, key=lambda one: one[0][0].score)
    causes = repaired(evidence, causes)
    target, n = mismatch.target, mismatch.worst
    flat = mismatch.which[n]
    how_many = f"{len(mismatch.which)}/{mismatch.tried} entries wrong" if flat >= 0 else "wrong along a direction"
    where, source = causes[0][2:] if causes[0].where else source_of(evidence.context.layer, target)
    return Finding(
        check,
        target=target,
        index=None if flat < 0 else tuple(int(i) for i in np.unravel_index(flat, mismatch.shape)),
        analytic=float(mismatch.analytic[n]),
        numeric=float(mismatch.numeric[n]),
        error=float(mismatch.error[n]),
        detail=", ".join(filter(None, [how_many, f"input {point.x.shape}", told, _arguments(subject, point)])),
        why=_only(check, told) + causes[0].text,
        slope=_slope(evidence),
        where=where,
        source=source,
        hypotheses=[(cause.text, cause.score) for cause in causes],
        also=[other for other in wrong if other != target],
    )


def _only(check: str, told: str) -> str:
    """Return the condition to which the error is confined, for a point tested after the ordinary ones passed."""
    if check == "special":
        return f"only for such values ({told}): "
    if told.startswith(("inputs times", "large parameters", "initial parameters")):
        return f"only for {told}: "
    return "at inference: " if told.startswith("inference") else ""


def _arguments(subject: Subject, point: Point) -> str:
    shown = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in {**subject.arguments, **point.arguments}.items()
        if isinstance(value, float) or (isinstance(value, int) and name in point.arguments)
    ]
    return ", ".join(shown)


def evidence_of(context: Context) -> Evidence:
    """Return the evidence about the wrong gradient of a context; the numeric gradient of a large one is not known."""
    analytic = context.gradients[context.target]
    known = 2 * LENGTHS * analytic.size * context.subject.work.cost(context.point.x) <= NUMERIC
    numeric = context.numeric(context.target) if known else np.full(analytic.shape, np.nan)
    return Evidence(analytic, numeric, context)


def explain(evidence: Evidence) -> Causes:
    """Return the causes of a wrong gradient, best first."""
    if not np.isfinite(evidence.first.analytic).all():
        never = evidence.target != "dx" and is_never_set(evidence)
        return [Hypothesis(f"{evidence.target} is never set: {NEVER_SET}" if never else NOT_FINITE)]
    try:
        evidence.context.subject.work.diagnose()
        return causes_of(evidence)
    except Exception as error:  # a diagnosis that fails must not hide the finding
        return [Hypothesis(f"no diagnosis: {type(error).__name__} in the kit: {error}", np.inf)]


def is_never_set(e: Evidence) -> bool:
    """Return whether backward leaves a gradient at NaN whatever the input: one that it computes is finite somewhere."""
    x = e.first.x
    gentle = attempt(e.analytic_at, x=x / (1 + largest(x)) if x.dtype.kind == "f" else x)
    return bool(np.isnan(e.first.analytic if gentle is None else gentle).all())


def repaired(evidence: Evidence, causes: Causes) -> Causes:
    """Return the causes of one wrong gradient, headed by the source edit that fixes it, if one is found."""
    evidence.context.subject.work.diagnose()
    return attempt(with_repair, causes, evidence) or causes


def of_nonlinear(context: Context, equation: str) -> tuple[str, list[tuple[str, float]]]:
    """Return the cause of a gradient that is not linear in dy: a certain diagnosis, or else the violated equation.

    Also return all causes with their scores.
    """
    evidence = evidence_of(context)
    causes = repaired(evidence, explain(evidence))
    why = causes[0].text if causes[0].score >= CERTAIN else equation
    return why, [*((cause.text, cause.score) for cause in causes), (equation, 0.8)]


def of_parameters_pass(subject: Subject, point: Point, target: str, found: Arrays) -> str:
    """Return why `backward_parameters` and `backward` set different gradients."""
    context = Context(subject, point, found, target, "backward_parameters", [target], parameters_only=True)
    evidence = evidence_of(context)
    return f"in backward_parameters, {repaired(evidence, explain(evidence))[0].text}"


def of_rejected_gradient(subject: Subject, point: Point, failure: LayerFailure) -> str:
    """Return how to fix a gradient that was rejected for its shape; empty if none was."""
    name, value = rejected_gradient(failure.error) or ("", None)
    if name not in map(target_of, point.parameters):
        return ""
    try:
        return diagnose(np.asarray(value, float), derivatives(subject, point, name)[2])[0].text
    except Exception:  # the value is not an array, or forward fails too
        return ""


def _slope(e: Evidence) -> float | None:
    """Return the slope of the Taylor remainder if it shows that the gradient is wrong, else None."""
    analytic, start = e.first.analytic, e.start(e.target, {})
    error = np.where(np.isfinite(e.first.residual), e.first.residual, 0)
    if not np.isfinite(analytic).all() or not error.any():
        return None
    direction = error / np.abs(error).max()

    def loss(t: float) -> Array:
        return (e.context.forward(**e.moving(e.target, start + t * direction, {})) * e.first.dy).sum()

    slope = taylor_test(loss, float((analytic * direction).sum()))
    return slope if slope < 1.5 else None

"""Explanation: turns a wrong gradient into a finding that names the array, the cause and the line."""

import numpy as np

from minidl.testing.comparison import Comparison, Mismatch
from minidl.testing.context import Context, derivatives
from minidl.testing.diagnosis import Hypothesis, diagnose, with_repair
from minidl.testing.findings import Finding, rejected_gradient
from minidl.testing.paths import taylor_test
from minidl.testing.probe import Arrays, LayerFailure, Point, target_of
from minidl.testing.source_lines import source_of
from minidl.testing.subject import Subject
from minidl.typing import Array

MOST = 3  # number of wrong gradients of one call to explain
FULL = 4000  # most entries of a numerical gradient to compute for a diagnosis
CONVINCING = 0.95  # score from which no further wrong gradient is examined
CERTAIN = 0.85  # score from which a diagnosis is more informative than the violated equation

Causes = list[Hypothesis]


def from_comparison(subject: Subject, point: Point, result: Comparison, check: str, told: str) -> Finding:
    """Return one finding for all mismatches at a point, about the target with the best explanation."""
    wrong = [mismatch.target for mismatch in result.mismatches]
    found: list[tuple[Causes, Context, Mismatch]] = []
    for mismatch in result.mismatches[:MOST]:
        context = Context(subject, point, result.gradients, mismatch.target, check, wrong)
        found.append((explain(context), context, mismatch))
        if found[-1][0][0].score >= CONVINCING:
            break
    causes, context, mismatch = max(found, key=lambda one: one[0][0].score)
    causes = repaired(context, causes)
    target, n = mismatch.target, mismatch.worst
    flat = mismatch.which[n]
    how_many = f"{len(mismatch.which)}/{mismatch.tried} entries wrong" if flat >= 0 else "wrong along a direction"
    where, source = (causes[0].where, causes[0].source) if causes[0].where else source_of(context.layer, target)
    return Finding(
        check,
        target=target,
        index=None if flat < 0 else tuple(int(i) for i in np.unravel_index(flat, mismatch.shape)),
        analytic=float(mismatch.analytic[n]),
        numeric=float(mismatch.numeric[n]),
        error=float(mismatch.error[n]),
        detail=", ".join(filter(None, [how_many, f"input {point.x.shape}", told, _arguments(subject, point)])),
        why=_only(check, told) + causes[0].text,
        slope=_slope(subject, point, target, context.gradients[target]),
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


def explain(context: Context) -> Causes:
    """Return the causes that `diagnose` proposes for the wrong gradient of a context, best first."""
    analytic = np.asarray(context.gradients[context.target], float)
    if np.isnan(analytic).all() and context.target != "dx":
        return [Hypothesis(f"{context.target} is never set: it was not computed, or not stored under that name")]
    try:
        return diagnose(analytic, _numeric(context), context)
    except Exception as error:  # a diagnosis that fails must not hide the finding
        return [Hypothesis(f"no diagnosis: {type(error).__name__} in the kit: {error}", np.inf)]


def repaired(context: Context, causes: Causes) -> Causes:
    """Return the causes of one wrong gradient, headed by the source edit that fixes it, if one is found."""
    try:
        return with_repair(causes, context.gradients[context.target], _numeric(context), context)
    except Exception:  # as before
        return causes


def _numeric(context: Context) -> Array:
    shape = context.gradients[context.target].shape
    return context.numeric(context.target) if np.prod(shape) <= FULL else np.full(shape, np.nan)


def of_nonlinear(context: Context, equation: str) -> tuple[str, list[tuple[str, float]]]:
    """Return the cause of a gradient that is not linear in dy: a certain diagnosis, or else the violated equation.

    Also return all causes with their scores.
    """
    causes = repaired(context, explain(context))
    why = causes[0].text if causes[0].score >= CERTAIN else equation
    return why, [*((cause.text, cause.score) for cause in causes), (equation, 0.8)]


def of_parameters_pass(subject: Subject, point: Point, target: str, found: Arrays) -> str:
    """Return why `backward_parameters` and `backward` set different gradients."""
    context = Context(subject, point, found, target, "backward_parameters", [target], parameters_only=True)
    return f"in backward_parameters, {repaired(context, explain(context))[0].text}"


def of_rejected_gradient(subject: Subject, point: Point, failure: LayerFailure) -> str:
    """Return how to fix a gradient that was rejected for its shape; empty if none was."""
    name, value = rejected_gradient(failure.error) or ("", None)
    if name not in map(target_of, point.parameters):
        return ""
    try:
        return diagnose(np.asarray(value, float), derivatives(subject, point, name)[2])[0].text
    except Exception:  # the value is not an array, or forward fails too
        return ""


def _slope(subject: Subject, point: Point, target: str, analytic: Array) -> float | None:
    """Return the slope of the Taylor remainder if it shows that the gradient is wrong, else None."""
    if not np.isfinite(analytic).all() or analytic.size > FULL:
        return None
    f, start, numeric = derivatives(subject, point, target)
    error = np.where(np.isfinite(analytic - numeric), analytic - numeric, 0)
    if not error.any():
        return None
    direction = error / np.abs(error).max()
    slope = taylor_test(
        lambda t: (f((start + t * direction).astype(start.dtype)) * point.dy).sum(), float((analytic * direction).sum())
    )
    return slope if slope < 1.5 else None

"""Blame: from a wrong gradient to a finding that names the array, the cause and the line."""

import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.testing.comparison import Comparison, Mismatch
from minidl.testing.context import Context
from minidl.testing.derivative import differentiate
from minidl.testing.findings import Finding, rejected_gradient
from minidl.testing.held import held
from minidl.testing.oracle import Oracle
from minidl.testing.paths import taylor_test
from minidl.testing.places import source_of
from minidl.testing.probe import Arrays, LayerFailure, Point, Probe, target_of
from minidl.testing.subject import Subject
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.testing.examination import Examination

PATIENCE = 0.6  # seconds of the processor, from which on no further wrong gradient is looked at
FULL = 4000  # entries of a numeric gradient that are computed for a diagnosis


def from_comparison(
    examination: "Examination", point: Point, result: Comparison, check: str, situation: str
) -> Finding:
    """Return one finding for all the mismatches at a point: that with the best explained target.

    Where there are many, as many are looked at as time allows.
    """
    wrong = [mismatch.target for mismatch in result.mismatches]
    facts = {"situation": situation, "wrong": wrong}
    best: Finding | None = None
    end = time.process_time() + PATIENCE
    for mismatch in result.mismatches:
        if best is not None and time.process_time() > end:
            break
        context = make_context(examination.subject, point, result.gradients, mismatch.target, check, facts)
        finding = _one(examination.subject, point, context, mismatch)
        if best is None or _score(finding) > _score(best):
            best, of_best = finding, context
    assert best is not None
    best.also = [target for target in wrong if target != best.target]
    best.hypotheses = repaired(of_best, best.hypotheses)
    best.why = _only(check, situation) + best.hypotheses[0][0] if best.hypotheses else ""
    return best


def _score(finding: Finding) -> float:
    return finding.hypotheses[0][1] if finding.hypotheses else 0.0


def _one(subject: Subject, point: Point, context: Context, mismatch: Mismatch) -> Finding:
    n = mismatch.worst
    flat = mismatch.which[n]
    index = None if flat < 0 else tuple(int(i) for i in np.unravel_index(flat, mismatch.shape))
    wrong = f"{len(mismatch.which)}/{mismatch.tried} entries wrong" if flat >= 0 else "wrong along a direction"
    gradient, situation = context.gradients[mismatch.target], context.facts["situation"]
    where, source = source_of(context.layer, mismatch.target)
    return Finding(
        context.check,
        target=mismatch.target,
        index=index,
        analytic=float(mismatch.analytic[n]),
        numeric=float(mismatch.numeric[n]),
        error=float(mismatch.error[n]),
        detail=", ".join(filter(None, [wrong, f"input {point.x.shape}", situation, _arguments(subject, point)])),
        slope=_slope(subject, point, mismatch.target, gradient),
        where=where,
        source=source,
        hypotheses=explain(context, gradient),
    )


def _only(check: str, situation: str) -> str:
    """Return where the cause is confined to, for a point that is reached after the ordinary ones had passed."""
    if check == "special":
        return f"only for such values ({situation}): "
    if situation.startswith(("inputs times", "large parameters", "initial parameters")):
        return f"only for {situation}: "
    return "at inference: " if situation.startswith("inference") else ""


def _arguments(subject: Subject, point: Point) -> str:
    shown = {
        name: value
        for name, value in {**subject.arguments, **point.arguments}.items()
        if isinstance(value, (float, int)) and (name in point.arguments or isinstance(value, float))
    }
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in shown.items()
    )


def explain(context: Context, analytic: Array) -> list[tuple[str, float]]:
    """Return the causes that `diagnose` proposes, best first."""
    if np.isnan(np.asarray(analytic, float)).all() and context.target != "dx":
        return [(f"{context.target} is never set: the gradient was not computed or not stored under that name", 1.0)]
    from minidl.testing.diagnosis import diagnose

    try:
        numeric = context.numeric(context.target) if analytic.size <= FULL else np.full(analytic.shape, np.nan)
        return [(hypothesis.text, hypothesis.score) for hypothesis in diagnose(analytic, numeric, context)]
    except Exception as error:  # a diagnosis that fails must not hide the finding
        return [(f"no diagnosis: {type(error).__name__} in the kit: {error}", 0.0)]


def repaired(context: Context, causes: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the causes of one wrong gradient, headed by the change of its source that mends it, if one is found."""
    from minidl.testing.diagnosis import Hypothesis, with_repair

    analytic = context.gradients[context.target]
    try:
        found = [Hypothesis(*cause) for cause in causes]
        numeric = context.numeric(context.target) if analytic.size <= FULL else np.full(analytic.shape, np.nan)
        return [(text, score) for text, score in with_repair(found, analytic, numeric, context)]
    except ZeroDivisionError:  # as before
        return causes


def of_rejected_gradient(subject: Subject, point: Point, failure: LayerFailure) -> str:
    """Return how a gradient that was refused for its shape becomes right; empty if that did not happen."""
    rejected = rejected_gradient(failure.error)
    if rejected is None or rejected[0] not in {target_of(name) for name in point.parameters}:
        return ""
    from minidl.testing.diagnosis import diagnose

    name, value = rejected
    try:
        return diagnose(np.asarray(value, float), numeric_gradient(subject, point, name))[0].text
    except Exception:  # the value is no array, or forward fails too
        return ""


def make_context(
    subject: Subject, point: Point, gradients: Arrays, target: str, check: str, facts: dict[str, Any]
) -> Context:
    """Return what `diagnose` is given for one target at a point."""
    probe = subject.probe(point.input_shape, float, point.arguments)
    initial = {name: value.copy() for name, value in probe.values.items()}
    y, _ = probe.set(point.parameters, point.states).run(point)
    return Context(
        layer=probe.layer,
        target=target,
        x=point.x.copy(),
        dy=point.dy.copy(),
        y=np.array(y),
        gradients={name: np.array(value) for name, value in gradients.items()},
        parameters=copy.deepcopy(point.parameters),
        initial_parameters=initial,
        states=copy.deepcopy(point.states),
        arguments={**subject.arguments, **point.arguments},
        training=point.training,
        check=check,
        run=lambda **replaced: subject.run(point.moved(**replaced)),
        numeric=lambda target, **replaced: numeric_gradient(subject, point.moved(**replaced), target),
        forward=_forward(subject, point),
        held=lambda **replaced: _held(subject, point.moved(**replaced)),
        facts=facts,
    )


def _forward(subject: Subject, point: Point) -> Callable[..., Array]:
    probes: dict[str, Probe] = {}

    def forward(**replaced: Any) -> Array:
        there = point.moved(**replaced)
        key = f"{there.input_shape} {there.arguments}"
        if key not in probes:
            probes[key] = subject.probe(there.input_shape, float, there.arguments)
        return np.array(probes[key].set(there.parameters, there.states).forward(there.x.copy(), there.training), float)

    return forward


def _held(subject: Subject, point: Point) -> Arrays:
    probe = subject.at(point)
    probe.forward(point.x.copy(), point.training)
    return held(probe.layer)


def _oracle(subject: Subject, point: Point, target: str) -> tuple[Oracle, str]:
    y = subject.at(point).forward(point.x.copy(), point.training)
    names = {target_of(name): name for name in point.parameters}
    return Oracle(subject, point, y, np.random.default_rng(0)), names.get(target, "dx")


def numeric_gradient(subject: Subject, point: Point, target: str) -> Array:
    """Return the numerical gradient ``target`` at ``point``, all its entries."""
    oracle, name = _oracle(subject, point, target)
    f, start = oracle.function(name)
    values = differentiate(f, start, point.dy, range(start.size), eps=oracle.precision(f, start)).values
    return values.astype(float).reshape(start.shape)


def _slope(subject: Subject, point: Point, target: str, analytic: Array) -> float | None:
    if not np.isfinite(analytic).all() or analytic.size > FULL:
        return None
    oracle, name = _oracle(subject, point, target)
    f, start = oracle.function(name)
    values = differentiate(f, start, point.dy, range(start.size), eps=oracle.precision(f, start)).values
    error = analytic - values.reshape(start.shape)
    error = np.where(np.isfinite(error), error, 0)
    if not error.any():
        return None
    direction = error / np.abs(error).max()
    slope = taylor_test(
        lambda t: (f((start + t * direction).astype(start.dtype)) * point.dy).sum(), float((analytic * direction).sum())
    )
    return slope if slope < 1.5 else None

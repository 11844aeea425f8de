"""numeric: every gradient against numerical ones."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from minidl.testing.checks.trial import trial
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.probe import Point
from minidl.testing.registry import register_check

# Factors of the input: within these no layer may lose its way.
SCALES = {"quick": (), "standard": (3.0, 1e-3, 100.0), "thorough": (3.0, 0.3, 1e-1, 1e-2, 1e-3, 1e-6, 10.0, 100.0, 1e3)}
NO_CONTROL = "the positive control failed: an error planted by the kit was not seen"


@register_check("numeric", after=("linear-in-u",))
def numeric(examination: Examination) -> Iterator[Finding]:
    """At a generic point, at other parameters, at inputs of other sizes."""
    if examination.surrogate:
        raise Skipped("the gradient is declared to be no derivative")
    yield from _at(examination, examination.point, "")
    if not examination.controls:
        raise Unverified(NO_CONTROL)
    if examination.at_least("standard"):
        yield from _at(examination, examination.draw(), "other parameters", lightly=True)
        for told, make in _regimes(examination):
            yield from trial(examination, told, make)


def _at(examination: Examination, point: Point, told: str, **options: Any) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong; where nothing can be told, draw another point, twice."""
    reason = None
    for _ in range(3):
        try:
            finding = examination.compare(point, told, **options)
        except Unverified as unverified:
            reason = unverified
            point = examination.draw(arguments=point.arguments, input_shape=point.input_shape, training=point.training)
            continue
        if finding is not None:
            yield finding
        return
    raise Unverified(str(reason))


def _regimes(examination: Examination) -> Iterator[tuple[str, Callable[[], Point]]]:
    """Yield the special points: other sizes of inputs and parameters."""
    point, subject = examination.point, examination.subject
    if subject.domain in ("real", "positive"):
        for scale in SCALES[examination.level]:
            yield f"inputs times {scale:g}", partial(examination.draw, scale=scale)
    if point.parameters:
        initial = subject.probe(point.input_shape, float, point.arguments).values
        yield "initial parameters", lambda: point.with_(parameters={n: v.copy() for n, v in initial.items()})
        yield "large parameters", lambda: point.with_(parameters={n: 5 * v for n, v in point.parameters.items()})


@register_check("here", after=("linear-in-u",), level="never")
def here(examination: Examination) -> Iterator[Finding]:
    """At the given point and nowhere else: for bare functions, and for the layers of a model."""
    finding = examination.compare(examination.point, hard=True, lightly=examination.level == "quick")
    if finding is not None:
        yield finding
    if not examination.controls:
        raise Unverified(NO_CONTROL)

"""numeric, square, shapes, arguments: every gradient against numerical ones, at several points of the layer's life."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Point
from minidl.typing import Shape

# Factors of the input: the kit's own regimes, within which no layer may lose its way.
SCALES = {"quick": (), "standard": (3.0, 1e-3, 100.0), "thorough": (3.0, 0.3, 1e-1, 1e-2, 1e-3, 1e-6, 10.0, 100.0, 1e3)}
FIXED = {"axis", "axes", "seed", "random_state", "dim", "ndim", "name", "dtype", "trainable"}
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
        for _ in range(1 if examination.level == "standard" else 3):
            yield from _at(examination, examination.draw(), "other parameters", lightly=True)
        for told, make in _regimes(examination):
            yield from in_regime(examination, told, make)


def _at(examination: Examination, point: Point, situation: str, **options: Any) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong; where nothing can be told, draw another point, twice."""
    reason = None
    for _ in range(3):
        try:
            finding = examination.compare(point, situation, **options)
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
            yield f"inputs times {scale:g}", lambda scale=scale: examination.draw(scale=scale)  # type: ignore[misc]
    if point.parameters:
        initial = subject.probe(point.input_shape, float, point.arguments).values
        yield "initial parameters", lambda: point.with_(parameters={n: v.copy() for n, v in initial.items()})
        yield "large parameters", lambda: point.with_(parameters={n: 5 * v for n, v in point.parameters.items()})


def in_regime(examination: Examination, told: str, make: Callable[[], Point]) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong there; where a layer saturates or is singular, nothing is claimed."""
    try:
        point = make()
        y, gradients = examination.run(point)
        if not all(np.isfinite(value).all() for value in (y, *gradients.values()) if value is not None):
            return
        finding = examination.compare(point, told, hard=True, lightly=True)
    except (Refused, LayerFailure, Unverified):
        return
    examination.certificate.cover("regimes", told)
    if finding is not None:
        yield finding


@register_check("here", after=("linear-in-u",), level="never")
def here(examination: Examination) -> Iterator[Finding]:
    """At the given point and nowhere else: for bare functions, and for the layers of a model."""
    finding = examination.compare(examination.point, hard=True, lightly=examination.level == "quick")
    if finding is not None:
        yield finding
    if not examination.controls:
        raise Unverified(NO_CONTROL)


@register_check("square", after=("numeric",))
def square(examination: Examination) -> Iterator[Finding]:
    """Where batch, inputs and outputs have the same length, an axis taken for another one shows only in the numbers."""
    shape, output = examination.point.input_shape, examination.reference[0].shape[1:]
    tries: list[tuple[Shape, int]] = []
    for length in dict.fromkeys([output[-1] if output else 1, shape[-1] if shape else 1]):
        for other in ((*shape[:-1], length), (length,) * len(shape)):
            tries += [(other, length), (other, 3)]
    tries = [(other, batch) for other, batch in dict.fromkeys(tries) if batch <= 12 and (other, batch) != (shape, 3)]
    for other, batch in tries[: 1 if examination.level == "quick" else len(tries)]:
        yield from other_shape(examination, other, batch)


@register_check("shapes", after=("numeric",), level="standard")
def shapes(examination: Examination) -> Iterator[Finding]:
    """Rows of other lengths, as far as the layer accepts them; the number of axes is the author's choice."""
    shape = examination.point.input_shape
    tries: list[Shape] = [(*shape[:-1], length) for length in (1, 2, 7, 16, 40) if shape]
    tries += [(length, *shape[1:]) for length in (1, 2, 9) if len(shape) > 1]
    if examination.level == "thorough":
        tries += [(*shape[:-1], length) for length in (3, 5, 8, 17, 33)]
    for other in dict.fromkeys(tries):
        if other != shape:
            yield from other_shape(examination, other, 3)


def other_shape(examination: Examination, shape: Shape, batch: int) -> Iterator[Finding]:
    """Yield a finding if the layer takes rows of ``shape``, by its own account, and gets them wrong."""
    try:
        point = examination.draw(input_shape=shape, batch=batch)
        layer = examination.subject.at(point).layer
        y = examination.subject.at(point).forward(point.x.copy(), point.training)
    except (Refused, LayerFailure):
        return
    if y.shape != (batch, *(layer.output_shape or ())) and not examination.subject.whole_batch:
        return  # the layer did not mean to take such rows
    if np.shape(examination.run(point)[1]["dx"]) == y.shape != point.x.shape:
        return  # NumPy's broadcasting let them pass: x + f(x) with a single feature
    try:
        finding = examination.compare(point, "another shape", lightly=True)
    except Unverified:
        return
    examination.certificate.cover("shapes", point.x.shape)
    if finding is not None:
        yield finding


@register_check("arguments", after=("numeric",), level="standard")
def arguments(examination: Examination) -> Iterator[Finding]:
    """Numeric constructor arguments varied: a constant in place of an argument hides at its default."""
    for changed in variations(examination):
        try:
            point = examination.draw(arguments=changed)
        except (Refused, LayerFailure):
            continue
        told = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        try:
            finding = examination.compare(point, "right at the arguments given", lightly=True)
        except Unverified:
            continue
        examination.certificate.cover("arguments", told)
        if finding is not None:
            finding.why = f"right at the arguments given only, wrong for {told}: {finding.why}"
            yield finding


def variations(examination: Examination) -> list[dict[str, Any]]:
    """Return the changes of arguments to try: those the class declares, and every number and flag."""
    declared = getattr(examination.subject.cls, "certify_arguments", {})
    tries = [{name: value} for name, values in declared.items() for value in values]
    for name, value in examination.subject.arguments.items():
        if name in declared or name in FIXED:
            continue
        if isinstance(value, (bool, np.bool_)):
            tries.append({name: not value})
        elif isinstance(value, (int, np.integer)):
            tries += [
                {name: other} for other in dict.fromkeys([value + 1, value - 1, 1, 2, value + 20]) if 0 < other != value
            ]
        elif isinstance(value, (float, np.floating)):
            # What lies between 0 and 1 stays there: a rate, a slope, a quantile may mean nothing beyond.
            part = 0 < value < 1
            others = [0.37 * value or 0.3, 2.3 * value + 0.1, *([0.5 + 0.5 * value, 0.7] if part else [])]
            tries += [{name: other} for other in others if not part or other < 1]
    most = 10 if examination.level == "standard" else 40
    return tries[:most]

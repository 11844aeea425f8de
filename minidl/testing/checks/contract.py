"""contract: what every layer must do - return the right shapes, leave arrays unchanged, give repeatable results.

It runs first, because the numbers mean little if it fails. `promises` applies at any point.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from minidl.layers.tree import walk
from minidl.testing.agreement import finite
from minidl.testing.cloning import guarded
from minidl.testing.diagnosis.when.caches import change_by_backward, stale_attribute
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import draw_dy
from minidl.testing.probe import Arrays, LayerFailure, Point, Probe, target_of
from minidl.testing.registry import register_check
from minidl.typing import Array


@register_check("contract")
def contract(examination: Examination) -> Iterator[Finding]:
    """Shapes, read-only arguments, earlier results, repeated calls and independent instances."""
    point, subject = examination.point, examination.subject
    subject.built(subject.make(point.arguments), point.input_shape)  # for process-wide state
    yield from _first_call(examination)
    yield from promises(examination, point)
    yield from _frozen(examination)
    yield from _too_early(examination)


def _first_call(examination: Examination) -> Iterator[Finding]:
    point, probe = examination.point, examination.subject.at(examination.point)
    y = probe.forward(guarded(point.x), point.training)
    expected = (len(point.x), *(probe.layer.output_shape or ()))
    yield from _array(examination, y, "y", "forward returns {}, expected an array")
    if y.shape != expected and not examination.subject.whole_batch:
        yield examination.finding(f"y has shape {y.shape}, expected {expected}: build and forward disagree", "y")
    dx = probe.run(point)[1]["dx"]
    yield from _gradients(examination, probe)
    if not (point.integer and np.shape(dx) in ((), point.x.shape)):
        yield from _dx(examination, dx)


def _frozen(examination: Examination) -> Iterator[Finding]:
    """A layer that is not trainable still passes the gradient on."""
    probe = examination.subject.at(examination.point)
    for _, part in walk({"": probe.layer}):
        part.trainable = False
    found, expected = probe.results(examination.point), examination.reference
    if np.array_equal(found["y"], expected["y"]) and "dx" in found:
        why = "trainable says whether parameters are updated; gradients flow through in any case"
        message = "{} is another one where trainable is False"
        yield from examination.unequal({"dx": expected["dx"]}, found, message, why)


def _array(examination: Examination, value: Any, name: str, message: str) -> Iterator[Finding]:
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray | np.matrix):
        yield examination.finding(message.format(type(value).__name__), name)
    elif value.dtype.kind != "f":
        yield examination.finding(f"{name} has dtype {value.dtype}, expected floating point", name)


def _gradients(examination: Examination, probe: Probe) -> Iterator[Finding]:
    for name, view in probe.views.items():
        target, missing = target_of(name), int(np.isnan(view).sum())
        if missing and _accumulates(examination, name):
            why = f"the gradient accumulates: assign self.{target} instead of adding to it"
            yield examination.finding(f"{target} is added to instead of set", target, why)
        if missing == view.size:
            why = f"{target} is never set: it was not computed, or not stored in self.{target}"
            yield examination.finding(f"{target} is never set", target, why, line="")
        elif missing:
            why = f"{target} is set in part only: fill all of it"
            message = f"{missing} of {view.size} entries of {target} are never set, or NaN"
            yield examination.finding(message, target, why)


def _accumulates(examination: Examination, name: str) -> bool:
    probe = examination.subject.at(examination.point)
    probe.forward(examination.point.x.copy(), examination.point.training)
    probe.gradients[...] = 0
    probe.layer.backward(examination.point.dy.copy())
    return bool(np.any(probe.views[name]) and np.isfinite(probe.views[name]).all())


def _dx(examination: Examination, dx: Any) -> Iterator[Finding]:
    x = examination.point.x
    yield from _array(examination, dx, "dx", "backward returns {}, expected the array dx")
    if dx.shape != x.shape:
        if dx.shape == x.shape[::-1]:
            why = "a transpose is missing or too much"
        elif dx.size == x.size:
            why = "it has the right number of values: reshape it to x.shape"
        else:
            why = "an axis is summed that should stay, or the other way round"
        yield examination.finding(f"dx has shape {dx.shape}, expected {x.shape}, that of x", "dx", why)
    elif not np.isfinite(dx).all():
        yield examination.finding(f"dx is not finite in {np.sum(~np.isfinite(dx))} of {dx.size} entries", "dx")


def _too_early(examination: Examination) -> Iterator[Finding]:
    """Backward raises an error before any forward, unless it needs nothing from forward."""
    with suppress(LayerFailure):
        early = examination.subject.at(examination.point).backward(examination.point.dy.copy())
        expected = {name: value for name, value in examination.reference.items() if name != "y"}
        message = "backward before any forward gives some {} instead of an error"
        yield from examination.unequal(expected, early, message, "let the missing cache raise")


def promises(examination: Examination, point: Point) -> Iterator[Finding]:
    """At one point, calls are repeatable and leave earlier results and other computations unchanged."""
    expected = examination.results(point)
    if not finite(expected):
        return  # such as a variance of one row
    for promise in (repeats, backward_twice, old_gradients, instances, parameters_only):
        yield from promise(examination, point, expected)


def repeats(examination: Examination, point: Point, expected: Arrays) -> Iterator[Finding]:
    """Two identical calls agree; neither the second call nor an update changes the arrays that the first returned."""
    probe, x, dy = examination.subject.at(point), point.x.copy(), point.dy.copy()
    first = {"y": probe.forward(x, point.training), **probe.backward(dy)}
    if not (np.array_equal(x, point.x) and np.array_equal(dy, point.dy)):
        yield examination.finding("forward or backward writes into x or dy where it may", "dx", "work on a copy")
    at_first = {name: np.array(value) for name, value in first.items() if value is not None}
    other = examination.draw(batch=len(point.x), training=point.training)
    between = point.with_(x=other.x, dy=other.dy if other.dy.shape == point.dy.shape else None)
    probe.call(between.x.copy(), between.dy.copy(), point.training)
    why = "the same buffer is returned each time: return a new array"
    yield from examination.unequal(at_first, first, "the {kind} {} of the first call changed during the second", why)
    probe.set(other.parameters, other.states)
    why = "it is a view of a parameter: return a new array"
    yield from examination.unequal(at_first, first, "{} changes when the parameters are updated", why)
    probe.set(point.parameters, point.states)
    message = "two fresh layers with equal parameters give different {}"
    yield from examination.unequal(expected, at_first, message, lambda name: noise(expected[name], at_first[name]))
    second = probe.results(point)

    def why_different(name: str) -> str:
        def twice(used: Probe) -> None:
            used.run(point)
            used.run(between)

        stale = stale_attribute(lambda: examination.subject.at(point), twice, point)
        return stale or noise(at_first[name], second[name])

    yield from examination.unequal(at_first, second, "two identical calls give different {}", why_different)


def noise(first: Array, second: Array) -> str:
    """Return the cause suggested by the difference between two results that should be equal."""
    if np.shape(first) != np.shape(second):
        return f"their shapes are {np.shape(first)} and {np.shape(second)}"
    some = np.abs(first) > 0
    ratio = np.asarray(second, float)[some] / np.asarray(first, float)[some]
    if ratio.size and np.allclose(ratio, np.round(ratio[0])) and round(float(ratio[0])) > 1:
        return f"the second is {ratio[0]:.0f} times the first: the gradient accumulates instead of being set"
    size = np.abs(first).max(initial=0) or 1.0
    gap = np.abs(np.asarray(second, float) - np.asarray(first, float)).max(initial=0)
    text = f"they differ by {gap / size:.0e} of the largest entry: something survives from the call before (it "
    return f"{text}accumulates, or a cache is not renewed), or random numbers do not come from self.rng"


def backward_twice(examination: Examination, point: Point, _: Arrays) -> Iterator[Finding]:
    """A second backward after one forward, for the same dy or a different one, may raise but must not be wrong."""
    probe = examination.subject.at(point)
    probe.run(point)
    first = probe.whole
    try:
        # The gradients keep the values of the first pass, so that adding to them shows.
        second = {"dx": probe.layer.backward(point.dy.copy()), **probe.parameter_gradients()}
    except Exception:
        return

    def why(name: str) -> str:
        return change_by_backward(examination.subject.at(point), point) or noise(first[name], second[name])

    message = "two identical backward calls give different {}: it accumulates, or backward spoils its cache"
    yield from examination.unequal(first, second, message, why)
    other = point.with_(dy=draw_dy(examination.rng, point.dy.shape))
    cause = "something is kept from the first backward: what depends on dy must not be cached"
    message = "a second backward with another dy gives a wrong {}"
    expected = examination.run(other)[1]
    yield from examination.unequal(expected, probe.backward(other.dy.copy()), message, cause)


def old_gradients(examination: Examination, point: Point, _: Arrays) -> Iterator[Finding]:
    """The values that the gradient arrays hold from the last batch have no effect."""
    probe = examination.subject.at(point)
    if not examination.subject.whole_batch:
        point = point.with_(x=point.x[:1], dy=point.dy[:1])  # one row leaves most entries of an embedding untouched
    try:
        probe.run(point)
    except LayerFailure:
        return  # a batch of one is tested by `batch`
    expected = probe.parameter_gradients()
    if not finite(expected):
        return  # so is a variance of one row
    probe.forward(point.x.copy(), point.training)
    probe.gradients[...] = examination.rng.standard_normal(probe.gradients.shape)
    probe.layer.backward(point.dy.copy())
    why = "the gradient accumulates, or old values are never cleared: set all its entries"
    message = "{} depends on what it held before"
    yield from examination.unequal(expected, probe.parameter_gradients(), message, why, tolerance=1e-12)


def instances(examination: Examination, point: Point, expected: Arrays) -> Iterator[Finding]:
    """Two instances of a layer class do not influence each other."""
    one, two = examination.subject.at(point), examination.subject.at(point)
    other = examination.draw(batch=len(point.x), training=point.training)
    y = one.forward(point.x.copy(), point.training)
    two.set(other.parameters, other.states).forward(other.x.copy(), other.training)
    found = {"y": y, **one.backward(point.dy.copy())}
    two.backward(other.dy.copy())
    again = {"y": one.forward(point.x.copy(), point.training)}
    message = "two instances influence each other: {} is wrong after calls of another layer"
    why = "a cache is stored on the class, or in a module, instead of on self"
    yield from examination.unequal(expected, found, message, why)
    yield from examination.unequal({"y": expected["y"]}, again, message, why)


def parameters_only(examination: Examination, point: Point, expected: Arrays) -> Iterator[Finding]:
    """`backward_parameters` sets the same gradients as `backward` and has no side effects."""
    if not examination.subject.has_parameters_pass:
        return
    probe = examination.subject.at(point)
    yield from examination.parameters_pass(probe, point, expected)
    yield from examination.parameters_pass(probe, point, expected)
    dy = point.dy.copy()
    probe.layer.backward_parameters(dy)
    if not np.array_equal(dy, point.dy):
        yield examination.finding("backward_parameters writes into dy where it may", "dx", "work on a copy")
    with suppress(LayerFailure):  # a second pass for the same forward may raise
        found = probe.backward(point.dy.copy())
        message = "backward gives another {} after backward_parameters"
        gradients = {name: value for name, value in expected.items() if name != "y"}
        yield from examination.unequal(gradients, found, message, tolerance=1e-9)

"""What a layer promises at any point: calls repeat, and what was returned or computed elsewhere stays untouched."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from minidl.testing import explanation
from minidl.testing.agreement import finite, named
from minidl.testing.diagnosis.caches import change_by_backward, stale_attribute
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import draw_dy
from minidl.testing.probe import Gradients, LayerFailure, Point
from minidl.typing import Array


def promises(examination: Examination, point: Point) -> Iterator[Finding]:
    """All of what is below, at one point."""
    expected = named(*examination.run(point))
    if not finite(expected):
        return  # such as a variance of one row
    for promise in (repeats, backward_twice, old_gradients, instances, parameters_only):
        yield from promise(examination, point, expected)


def repeats(examination: Examination, point: Point, expected: Gradients) -> Iterator[Finding]:
    """Two identical calls agree, and the arrays of the first are changed neither by the second nor by an update."""
    probe = examination.subject.at(point)
    x, dy = point.x.copy(), point.dy.copy()
    y = probe.forward(x, point.training)
    if not np.array_equal(x, point.x):
        yield examination.finding("forward writes into its input where it may", "y", "work on a copy")
    first = {"y": y, **probe.backward(dy)}
    if not (np.array_equal(x, point.x) and np.array_equal(dy, point.dy)):
        yield examination.finding("backward writes into dy or x where it may", "dx", "work on a copy")
    at_first = {name: np.array(value) for name, value in first.items() if value is not None}
    other = examination.draw(batch=len(point.x), training=point.training)
    between = point.with_(x=other.x, dy=other.dy if other.dy.shape == point.dy.shape else None)
    probe.forward(between.x.copy(), point.training)
    probe.backward(between.dy.copy())
    why = "the same buffer is returned each time: return a new array"
    for name, told in (("y", "the output {}"), ("dx", "the gradient {}")):
        message = f"{told} of the first call changed during the second"
        yield from examination.unequal(_only(at_first, name), first, message, why)
    probe.set(other.parameters, other.states)
    why = "it is a view of a parameter: return a new array"
    yield from examination.unequal(at_first, first, "{} changes when the parameters are updated", why)
    probe.set(point.parameters, point.states)
    message = "two fresh layers with equal parameters give different {}"
    yield from examination.unequal(expected, at_first, message, lambda name: noise(expected[name], at_first[name]))
    second = named(*probe.run(point))

    def why_different(name: str) -> str:
        make = partial(examination.subject.at, point)
        stale = stale_attribute(make, lambda used: (used.run(point), used.run(between)), point)
        return stale or noise(at_first[name], second[name])

    yield from examination.unequal(at_first, second, "two identical calls give different {}", why_different)


def _only(arrays: Gradients, name: str) -> Gradients:
    return {name: arrays[name]} if name in arrays else {}


def noise(first: Array, second: Array) -> str:
    """Return what the difference of two results that should be equal suggests."""
    if np.shape(first) != np.shape(second):
        return f"their shapes are {np.shape(first)} and {np.shape(second)}"
    some = np.abs(first) > 0
    ratio = np.asarray(second, float)[some] / np.asarray(first, float)[some]
    if ratio.size and np.allclose(ratio, np.round(ratio[0])) and round(float(ratio[0])) > 1:
        return f"the second is {ratio[0]:.0f} times the first: the gradient accumulates instead of being set"
    size = np.abs(first).max(initial=0) or 1.0
    gap = np.abs(np.asarray(second, float) - np.asarray(first, float)).max(initial=0)
    return (
        f"they differ by {gap / size:.0e} of the largest entry: something survives from the call before "
        "(it accumulates, or a cache is not renewed), or random numbers do not come from self.rng"
    )


def backward_twice(examination: Examination, point: Point, _: Gradients) -> Iterator[Finding]:
    """A second backward for the same forward may be refused, but not give other numbers; nor may one for another dy."""
    probe = examination.subject.at(point)
    first = named(probe.run(point)[0], probe.whole)
    try:
        # The gradients keep the values of the first pass, so that an addition to them shows.
        second = named(first["y"], {"dx": probe.layer.backward(point.dy.copy()), **probe.parameter_gradients()})
    except Exception:
        return

    def why(name: str) -> str:
        return change_by_backward(examination.subject.at(point), point) or noise(first[name], second[name])

    message = "two identical backward calls give different {}: it accumulates, or backward spoils its cache"
    yield from examination.unequal(first, second, message, why)
    other = point.with_(dy=draw_dy(examination.rng, point.dy.shape))
    found = named(first["y"], probe.backward(other.dy.copy()))
    cause = "something is kept from the first backward: what depends on dy must not be cached"
    message = "a second backward with another dy gives a wrong {}"
    yield from examination.unequal(named(*examination.run(other)), found, message, cause)


def old_gradients(examination: Examination, point: Point, _: Gradients) -> Iterator[Finding]:
    """What the gradients hold from the last batch does not count."""
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


def instances(examination: Examination, point: Point, expected: Gradients) -> Iterator[Finding]:
    """Two layers of the same class do not influence each other."""
    one, two = examination.subject.at(point), examination.subject.at(point)
    other = examination.draw(batch=len(point.x), training=point.training)
    y = one.forward(point.x.copy(), point.training)
    two.set(other.parameters, other.states).forward(other.x.copy(), other.training)
    found = named(y, one.backward(point.dy.copy()))
    message = "two instances influence each other: {} is wrong after a forward pass of another layer"
    why = "a cache is stored on the class, or in a module, instead of on self"
    yield from examination.unequal(expected, found, message, why)
    two.backward(other.dy.copy())
    found = {"y": one.forward(point.x.copy(), point.training)}
    message = "two instances influence each other: {} differs after calls of another layer"
    why = "something is stored on the class instead of on self"
    yield from examination.unequal(_only(expected, "y"), found, message, why)


def parameters_only(examination: Examination, point: Point, expected: Gradients) -> Iterator[Finding]:
    """`backward_parameters` sets the gradients that `backward` sets, and spoils nothing."""
    if not examination.subject.has_parameters_pass:
        return
    probe = examination.subject.at(point)
    gradients = {name: value for name, value in expected.items() if name not in ("y", "dx")}
    message = "backward_parameters sets another {} than backward"
    for _ in range(2):
        found = probe.run_parameters(point)

        def why(name: str, found: Gradients = found) -> str:
            return explanation.of_parameters_pass(examination.subject, point, name, found)

        yield from examination.unequal(gradients, found, message, why, tolerance=1e-9)
    dy = point.dy.copy()
    probe.layer.backward_parameters(dy)
    if not np.array_equal(dy, point.dy):
        yield examination.finding("backward_parameters writes into dy where it may", "dx", "work on a copy")
    try:
        found = named(expected["y"], probe.backward(point.dy.copy()))
    except LayerFailure:
        return  # a second pass for the same forward may be refused
    message = "backward gives another {} after backward_parameters"
    yield from examination.unequal(expected, found, message, tolerance=1e-9)

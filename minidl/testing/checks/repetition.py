"""Second half of `contract`: calls repeat, and what was returned or computed elsewhere stays untouched."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.checks.equality import differing, named
from minidl.testing.diagnosis.survivors import kept_from, spoiled_by_backward
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import draw_dy
from minidl.testing.probe import Gradients, LayerFailure, Point
from minidl.typing import Array


def promises(examination: Examination, point: Point) -> Iterator[Finding]:
    """All of what is below, at one point."""
    expected = named(*examination.run(point))
    if not all(np.isfinite(value).all() for value in expected.values()):
        return  # such as a variance of one row
    yield from repeats(examination, point, expected)
    yield from backward_twice(examination, point)
    yield from old_gradients(examination, point)
    yield from instances(examination, point, expected)
    yield from parameters_only(examination, point, expected)


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
    kept = named(*probe_result(first))
    other = examination.draw(batch=len(point.x), training=point.training)
    probe.forward(other.x.copy(), point.training)
    probe.backward(other.dy.copy() if other.dy.shape == point.dy.shape else point.dy.copy())
    for name in differing(kept, {name: first[name] for name in kept}):
        which = "output" if name == "y" else "gradient"
        why = "the same buffer is returned each time: return a new array"
        yield examination.finding(f"the {which} {name} of the first call changed during the second", name, why)
    probe.set(other.parameters, other.states)
    for name in differing(kept, {name: first[name] for name in kept}):
        why = "it is a view of a parameter: return a new array"
        yield examination.finding(f"{name} changes when the parameters are updated", name, why)
    probe.set(point.parameters, point.states)
    for name in differing(expected, kept):
        why = noise(expected[name], kept[name])
        yield examination.finding(f"two fresh layers with equal parameters give different {name}", name, why)
    second = named(*probe.run(point))
    for name in differing(kept, second):
        why = kept_from(lambda: examination.subject.at(point), lambda used: used.run(point), point)
        why = why or noise(kept[name], second[name])
        yield examination.finding(f"two identical calls give different {name}", name, why)


def probe_result(arrays: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return ``y`` and the gradients, which stand together in ``arrays``."""
    return arrays["y"], {name: value for name, value in arrays.items() if name != "y"}


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


def backward_twice(examination: Examination, point: Point) -> Iterator[Finding]:
    """A second backward for the same forward may be refused, but not give other numbers; nor may one for another dy."""
    probe = examination.subject.at(point)
    first = named(*probe.run(point))
    try:
        # The gradients keep the values of the first pass, so that an addition to them shows.
        dx = probe.layer.backward(point.dy.copy())
    except Exception:
        return
    second = named(first["y"], {"dx": dx, **probe.parameter_gradients()})
    for name in differing(first, second):
        message = f"two identical backward calls give different {name}: it accumulates, or backward spoils its cache"
        why = spoiled_by_backward(examination.subject.at(point), point) or noise(first[name], second[name])
        yield examination.finding(message, name, why)
    other = point.with_(dy=draw_dy(examination.rng, point.dy.shape))
    expected = named(*examination.run(other))
    for name in differing(expected, named(first["y"], probe.backward(other.dy.copy()))):
        why = "something is kept from the first backward: what depends on dy must not be cached"
        yield examination.finding(f"a second backward with another dy gives a wrong {name}", name, why)


def old_gradients(examination: Examination, point: Point) -> Iterator[Finding]:
    """What the gradients hold from the last batch does not count."""
    probe = examination.subject.at(point)
    if not examination.subject.whole_batch:
        point = point.with_(x=point.x[:1], dy=point.dy[:1])  # one row leaves most entries of an embedding untouched
    try:
        expected = probe.run(point)[1]
    except LayerFailure:
        return  # a batch of one is an affair of `batch`
    if not all(np.isfinite(expected[name]).all() for name in probe.parameter_gradients()):
        return  # so is a variance of one row
    probe.forward(point.x.copy(), point.training)
    probe.gradients[...] = examination.rng.standard_normal(probe.gradients.shape)
    probe.layer.backward(point.dy.copy())
    for name, value in probe.parameter_gradients().items():
        if not np.abs(value - expected[name]).max(initial=0) <= 1e-12 * np.abs(expected[name]).max(initial=0):
            why = f"the gradient accumulates, or old values are never cleared: {name} has to be set in all its entries"
            yield examination.finding(f"{name} depends on what it held before", name, why)


def instances(examination: Examination, point: Point, expected: Gradients) -> Iterator[Finding]:
    """Two layers of the same class do not influence each other."""
    one, two = examination.subject.at(point), examination.subject.at(point)
    other = examination.draw(batch=len(point.x), training=point.training)
    y = one.forward(point.x.copy(), point.training)
    two.set(other.parameters, other.states)
    two.forward(other.x.copy(), other.training)
    found = named(y, one.backward(point.dy.copy()))
    for name in differing(expected, found):
        message = f"two instances influence each other: {name} is wrong after a forward pass of another layer"
        yield examination.finding(message, name, "a cache is stored on the class, or in a module, instead of on self")
    two.backward(other.dy.copy())
    y = one.forward(point.x.copy(), point.training)
    if differing({"y": expected["y"]}, {"y": y}):
        message = "two instances influence each other: y differs after calls of another layer"
        yield examination.finding(message, "y", "something is stored on the class instead of on self")


def too_early(examination: Examination) -> Iterator[Finding]:
    """Backward before any forward raises, unless it needs nothing from forward."""
    try:
        early = examination.subject.at(examination.point).backward(examination.point.dy.copy())
    except LayerFailure:
        return
    for name in differing(examination.reference[1], early):
        message = f"backward before any forward gives some {name} instead of an error"
        yield examination.finding(message, name, "let the missing cache raise", line="dx")


def parameters_only(examination: Examination, point: Point, expected: Gradients) -> Iterator[Finding]:
    """`backward_parameters` sets the gradients that `backward` sets, and spoils nothing."""
    if not examination.subject.has_parameters_pass:
        return
    probe = examination.subject.at(point)
    for _ in range(2):
        for name, value in probe.run_parameters(point).items():
            size = np.abs(expected[name]).max(initial=0)
            if not np.allclose(value, expected[name], rtol=1e-9, atol=1e-12 * size):
                yield examination.finding(f"backward_parameters sets another {name} than backward", name)
    dy = point.dy.copy()
    probe.layer.backward_parameters(dy)
    if not np.array_equal(dy, point.dy):
        yield examination.finding("backward_parameters writes into dy where it may", "dx", "work on a copy")
    try:
        found = named(expected["y"], probe.backward(point.dy.copy()))
    except LayerFailure:
        return  # a second pass for the same forward may be refused
    for name in differing(expected, found):
        if not np.allclose(found[name], expected[name], rtol=1e-9, atol=1e-12 * np.abs(expected[name]).max(initial=0)):
            yield examination.finding(f"backward gives another {name} after backward_parameters", name)

"""Second half of `contract`: calls repeat, and what was returned or computed elsewhere stays untouched."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.checks.equality import differing, guarded, named
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, from_failure
from minidl.testing.probe import LayerFailure
from minidl.typing import Array


def repeats(examination: Examination) -> Iterator[Finding]:
    """Two identical calls agree, and the arrays of the first are not changed by the second."""
    probe, point = examination.subject.at(examination.point), examination.point
    x, dy = point.x.copy(), point.dy.copy()
    y = probe.forward(x, point.training)
    if not np.array_equal(x, point.x):
        yield examination.finding("forward writes into its input where it may", "y", "work on a copy")
    first = {"y": y, **probe.backward(dy)}
    if not (np.array_equal(x, point.x) and np.array_equal(dy, point.dy)):
        yield examination.finding("backward writes into dy or x where it may", "dx", "work on a copy")
    kept = named(*probe_result(first))
    other = examination.draw()
    probe.forward(other.x.copy(), point.training)
    probe.backward(other.dy.copy() if other.dy.shape == point.dy.shape else point.dy.copy())
    for name in differing(kept, {name: first[name] for name in kept}):
        which = "output" if name == "y" else "gradient"
        why = "the same buffer is returned each time: return a new array"
        yield examination.finding(f"the {which} {name} of the first call changed during the second", name, why)
    for name in differing(named(*examination.reference), kept):
        why = noise(named(*examination.reference)[name], kept[name])
        yield examination.finding(f"two fresh layers with equal parameters give different {name}", name, why)
    second = named(*probe.run(point))
    for name in differing(kept, second):
        why = noise(kept[name], second[name])
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


def backward_twice(examination: Examination) -> Iterator[Finding]:
    """A second backward for the same forward may be refused, but not give other numbers."""
    probe, point = examination.subject.at(examination.point), examination.point
    first = named(*probe.run(point))
    try:
        # The gradients keep the values of the first pass, so that an addition to them shows.
        dx = probe.layer.backward(point.dy.copy())
    except Exception:
        return
    second = named(first["y"], {"dx": dx, **probe.parameter_gradients()})
    for name in differing(first, second):
        message = f"two identical backward calls give different {name}: it accumulates, or backward spoils its cache"
        yield examination.finding(message, name, noise(first[name], second[name]))


def old_gradients(examination: Examination) -> Iterator[Finding]:
    """What the gradients hold from the last batch does not count."""
    probe, point = examination.subject.at(examination.point), examination.point
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


def instances(examination: Examination) -> Iterator[Finding]:
    """Two layers of the same class do not influence each other."""
    subject, point = examination.subject, examination.point
    one, two = subject.at(point), subject.at(point)
    other = examination.draw()
    one.forward(point.x.copy(), point.training)
    two.set(other.parameters, other.states)
    two.forward(other.x.copy(), other.training)
    for name in differing(examination.reference[1], one.backward(point.dy.copy())):
        message = f"two instances influence each other: {name} is wrong after a forward pass of another layer"
        yield examination.finding(message, name, "a cache is stored on the class, or in a module, instead of on self")
    two.backward(other.dy.copy())
    y = one.forward(point.x.copy(), point.training)
    if differing({"y": examination.reference[0]}, {"y": y}):
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


def parameters_only(examination: Examination) -> Iterator[Finding]:
    """`backward_parameters` sets the gradients that `backward` sets."""
    probe, point = examination.subject.at(examination.point), examination.point
    if not probe.views:
        return
    probe.forward(point.x.copy(), point.training)
    probe.gradients[...] = np.nan
    try:
        probe.layer.backward_parameters(guarded(point.dy))
    except Exception as error:
        yield from_failure(examination.check, LayerFailure("backward_parameters", error))
        return
    for name, value in probe.parameter_gradients().items():
        expected = examination.reference[1][name]
        if not np.allclose(value, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max(initial=0)):
            yield examination.finding(f"backward_parameters sets another {name} than backward", name)

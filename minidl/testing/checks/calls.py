"""state, parameters-live, mode: the same numbers whatever was called before, and right ones in both modes."""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.testing.checks.equality import close, differing, named
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Unverified
from minidl.testing.points import Refused, draw_dy, draw_x
from minidl.testing.probe import Gradients, LayerFailure, Point, Probe
from minidl.typing import Array

History = Callable[[Probe], None]
KEPT = (
    "something is kept from an earlier call: a cache that is not renewed, or one that is keyed on the shape or the "
    "size of the batch"
)


@register_check("state", after=("numeric", "mode"))
def state(examination: Examination) -> Iterator[Finding]:
    """A used layer equals a fresh one, whatever calls came before; a predict in between changes nothing."""
    point = examination.point
    for training in (True, False):
        here = point.with_(training=training)
        expected = named(*examination.run(here))
        probe = examination.subject.at(here)
        for told, history in _histories(examination, here):
            history(probe)
            found = named(*probe.run(here))
            yield from _unequal(examination, expected, found, f"wrong after {told}, right on a fresh layer")
    yield from _in_between(examination)
    yield from _same_array(examination)


def _unequal(examination: Examination, expected: Gradients, found: Gradients, message: str) -> Iterator[Finding]:
    for name in differing(expected, found):
        if not close(found.get(name), expected[name], 1e-12):  # another order of the same sums is no fault
            yield examination.finding(f"{name} is {message}", name, KEPT)


def _histories(examination: Examination, point: Point) -> Iterator[tuple[str, History]]:
    domain, rng, shape = examination.subject.domain, examination.rng, point.input_shape

    def other(rows: int) -> Array:
        return draw_x(domain, rng, (rows, *shape))

    def last_row_changed() -> Array:
        x = point.x.copy()
        x[-1] = other(1)[0]
        return x

    def step(x: Array, training: bool, backward: bool = True) -> History:
        def call(probe: Probe) -> None:
            y = probe.forward(x.copy(), training)
            if backward:
                probe.backward(draw_dy(rng, np.shape(y)))

        return call

    rows = len(point.x)
    if examination.subject.whole_batch:
        yield "a batch with other targets", lambda probe: probe.layer.with_other_targets(point.x.copy())
    yield "another batch of the same shape", step(other(rows), point.training)
    yield "a forward alone", step(other(rows), point.training, backward=False)
    yield "a larger batch", step(other(rows + 4), point.training)
    yield "a smaller batch", step(other(1 if point.training is False else 2), point.training)
    yield "a batch in the other mode", step(other(rows), not point.training)
    yield "the same batch but for its last row", step(last_row_changed(), point.training)
    yield "the same batch but for its sign", step(-point.x if domain == "real" else other(rows), point.training)
    for _ in range(8 if examination.at_least("standard") else 2):
        yield "several calls", step(other(rows), point.training)


def _in_between(examination: Examination) -> Iterator[Finding]:
    """A predict on a twin that shares the parameters, between forward and backward, changes nothing."""
    point = examination.point
    probe = examination.subject.at(point)
    other = draw_x(examination.subject.domain, examination.rng, point.x.shape)
    y = probe.forward(point.x.copy(), point.training)
    twin = probe.layer.detached()
    try:
        twin.forward(other, False)
    except Exception as error:
        message = f"a twin that shares the parameters cannot predict: {type(error).__name__}: {error}"
        why = "build or __init__ keeps something in an underscore attribute, which is a cache"
        yield examination.finding(message, "", why, line="y")
        return
    found, expected = named(y, probe.backward(point.dy.copy())), named(*examination.reference)
    yield from _unequal(examination, expected, found, "disturbed by a predict between forward and backward")


def _same_array(examination: Examination) -> Iterator[Finding]:
    """The caller may fill the same array anew: nothing may be remembered by identity."""
    point = examination.point
    probe = examination.subject.at(point)
    x = np.ascontiguousarray(draw_x(examination.subject.domain, examination.rng, point.x.shape))
    dy = draw_dy(examination.rng, point.dy.shape)
    probe.forward(x, point.training)
    probe.backward(dy)
    x[...], dy[...] = point.x, point.dy
    y = probe.forward(x, point.training)
    found, expected = named(y, probe.backward(dy)), named(*examination.reference)
    yield from _unequal(examination, expected, found, "wrong when the caller fills the same array with new values")


@register_check("parameters-live", after=("numeric",))
def parameters_live(examination: Examination) -> Iterator[Finding]:
    """After an update of the parameters, in place or by assignment, all results are those of the new values."""
    point = examination.point
    if not point.parameters and not point.states:
        return
    other = examination.draw()
    target = point.with_(parameters=other.parameters, states=other.states)
    for training in (True, False):
        here = target.with_(training=training)
        expected = named(*examination.run(here))
        used = examination.subject.at(point)
        used.run(point)
        used.set(other.parameters, other.states)
        message = "that of the parameters before the update: a stale copy"
        yield from _unequal(examination, expected, named(*used.run(here)), message)
        used = examination.subject.at(point)
        used.run(point.with_(training=training))
        for name, value in other.parameters.items():
            if "/" not in name:
                setattr(used.layer, name, value)
            else:
                used.values[name][...] = value
        used.set({}, other.states)
        yield from _unequal(examination, expected, named(*used.run(here)), message)


def _draws_anew(examination: Examination) -> Iterator[Finding]:
    """A layer that declares itself stochastic draws other numbers for each training batch."""
    if not getattr(examination.subject.cls, "stochastic", False) or not examination.modes_differ:
        return
    probe, point = examination.subject.at(examination.point), examination.point
    x = draw_x(examination.subject.domain, examination.rng, (16, *point.input_shape))
    first = np.array(probe.forward(x.copy(), True))
    if all(np.array_equal(first, probe.forward(x.copy(), True, reset=False)) for _ in range(40)):
        why = "a generator made or seeded in forward gives the same numbers each time: draw from self.rng"
        yield examination.finding("all training batches are given the same random numbers", "y", why)


@register_check("mode", after=("numeric",))
def mode(examination: Examination) -> Iterator[Finding]:
    """Inference has a right gradient too, is deterministic, and leaves parameters, state and generators alone."""
    point = examination.point.with_(training=False)
    probe = examination.subject.at(point)
    before = {name: value.copy() for name, value in {**probe.values, **probe.states}.items()}
    start = [generator.bit_generator.state for generator, _ in probe.generators]
    first = np.array(probe.forward(point.x.copy(), False, reset=False))
    second = np.array(probe.forward(point.x.copy(), False, reset=False))
    for name in differing(before, {**probe.values, **probe.states}):
        why = "running statistics are updated at inference"
        yield examination.finding(f"inference has side effects: it changes {name}", name, why, line="y")
    if not np.array_equal(first, second, equal_nan=True):
        why = "random numbers belong to training only, and running statistics are not updated at inference"
        yield examination.finding("inference is not deterministic: two predictions differ", "y", why)
    if start != [generator.bit_generator.state for generator, _ in probe.generators]:
        yield examination.finding("inference draws random numbers", "y")
    yield from _draws_anew(examination)
    if not np.isfinite(first).all():
        raise Unverified("the output at inference is not finite")
    finding = examination.compare(point, "inference", lightly=True)
    if finding is not None:
        yield finding
    if examination.at_least("standard"):
        try:
            other = examination.draw(training=False)
            finding = examination.compare(other, "inference, other parameters", lightly=True)
        except (Refused, LayerFailure):
            return
        if finding is not None:
            yield finding

"""state, parameters-live: results do not depend on earlier calls."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from minidl.testing.agreement import finite
from minidl.testing.constants import constants_of
from minidl.testing.diagnosis.when.caches import object_shared_with_twins, stale_attribute
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import draw_dy, draw_x
from minidl.testing.probe import Arrays, Gradients, Point, Probe, calling
from minidl.testing.registry import register_check
from minidl.typing import Array

History = Callable[[Probe], object]
KEPT = "something is kept from an earlier call: a cache that is not renewed, or one that is keyed on the shape or the "
KEPT += "size of the batch"
CALLS = {"quick": 0, "standard": 130, "thorough": 1100}  # in a row, for effects that occur only occasionally
MOST_CALLS = 300


@register_check("state", after=("numeric", "mode"))
def state(examination: Examination) -> Iterator[Finding]:
    """A used layer gives the same results as a fresh one after any calls; a predict in between changes nothing."""
    for point in examination.batches(*((1, 9) if examination.at_least("standard") else ())):
        probe = examination.subject.at(point)
        expected = examination.subject.at(point).results_and_states(point)
        if not finite(expected):
            continue  # such as a variance of one row
        calls: list[History] = []
        for told, history in _histories(examination, point):
            with calling("forward"):
                history(probe)
            calls.append(history)
            why = _cause(examination, point, calls.copy())
            calls.append(partial(Probe.run, point=point))
            message = f"{{}} is wrong after {told}, right on a fresh layer"
            yield from examination.unequal(expected, probe.results_and_states(point), message, why, tolerance=1e-12)
        yield from _arguments_stay(examination, probe)
    yield from _many_calls(examination)
    yield from _in_between(examination)
    yield from _same_array(examination)


def _cause(
    examination: Examination, point: Point, calls: list[History], run: Callable[..., Any] = Probe.run
) -> Callable[[str], str]:
    """Return a function that names the attribute that keeps data from earlier calls."""

    def history(probe: Probe) -> None:
        for call in calls:
            call(probe)

    return lambda _: stale_attribute(partial(examination.subject.at, point), history, point, run) or KEPT


def _arguments_stay(examination: Examination, probe: Probe) -> Iterator[Finding]:
    fresh = examination.subject.at(examination.point).layer
    for name in examination.subject.arguments:
        value, now = fresh.__dict__.get(name), probe.layer.__dict__.get(name)
        if isinstance(value, (bool, int, float, str)) and isinstance(now, (bool, int, float, str)) and now != value:
            why = "a call must not change what the constructor was given: use an underscore attribute"
            yield examination.finding(f"the argument {name} is {value!r}, and {now!r} after some calls", name, why)


def _histories(examination: Examination, point: Point) -> Iterator[tuple[str, History]]:
    domain, rng, rows, training = examination.subject.domain, examination.rng, len(point.x), point.training

    def other(count: int) -> Array:
        return draw_x(domain, rng, (count, *point.input_shape))

    def step(x: Array, training: bool, reset: bool = True, passes: tuple[str, ...] = ("backward",)) -> History:
        def call(probe: Probe) -> None:
            y = probe.forward(x.copy(), training, reset=reset)
            for name in passes:
                getattr(probe.layer, name)(draw_dy(rng, np.shape(y)))

        return call

    if hasattr(examination.subject.example, "with_others"):
        yield "a batch with other targets", lambda probe: probe.layer.with_others(point.x.copy(), targets=True)
        yield "a batch with other weights", lambda probe: probe.layer.with_others(point.x.copy(), targets=False)
    yield "another batch of the same shape", step(other(rows), training)
    yield "a forward alone", step(other(rows), training, passes=())
    yield "a larger batch", step(other(rows + 4), training)
    yield "a smaller batch", step(other(2 if training or rows == 1 else 1), training)
    yield "a batch in the other mode", step(other(rows), not training)
    yield "the same batch in the other mode", step(point.x, not training)
    yield "the same batch but for its last row", step(np.concatenate([point.x[:-1], other(1)]), training)
    yield "the same batch but for its sign", step(-point.x if domain == "real" else other(rows), training)
    yield "a pass for the parameters only", step(other(rows), training, passes=("backward_parameters",))
    for _ in range(8 if examination.at_least("standard") and rows == len(examination.point.x) else 2):
        yield "several calls", step(other(rows), training, reset=False)


def _many_calls(examination: Examination) -> Iterator[Finding]:
    """Find effects that occur only occasionally, such as at every hundredth call."""
    lengths = constants_of(examination.subject.example).lengths(MOST_CALLS // 2)
    calls = max([CALLS[examination.level], *(2 * length for length in lengths)]) if CALLS[examination.level] else 0
    points = [examination.point.with_(training=training) for training in examination.subject.modes]
    expected = [examination.subject.at(point).results_and_states(point) for point in points]
    probe = examination.subject.at(points[0])
    for call in range(calls):
        mode = (call % 5 == 4) % len(points)
        message = f"{{}} is another one at call {call + 1}, for the same input"
        found = probe.results_and_states(points[mode])
        yield from examination.unequal(expected[mode], found, message, KEPT, tolerance=1e-12)


def _in_between(examination: Examination) -> Iterator[Finding]:
    """Between forward and backward, a predict on a twin that shares the parameters changes nothing."""
    point, probe = examination.point, examination.subject.at(examination.point)
    other = draw_x(examination.subject.domain, examination.rng, point.x.shape)
    y = probe.forward(point.x.copy(), point.training)
    try:
        probe.layer.inference_twin().forward(other, False)
    except Exception as error:
        message = f"a twin that shares the parameters cannot predict: {type(error).__name__}: {error}"
        why = "build or __init__ keeps something in an underscore attribute, which is a cache"
        yield examination.finding(message, "", why, line="y")
        return
    found = {"y": y, **probe.backward(point.dy.copy())}
    message = "{} is disturbed by a predict between forward and backward"

    def cause(_: str) -> str:
        return object_shared_with_twins(examination.subject.at(point), point) or KEPT

    yield from examination.unequal(examination.reference, found, message, cause, tolerance=1e-12)


def _same_array(examination: Examination) -> Iterator[Finding]:
    """The caller may refill the same array with new values, so results must not be cached by array identity."""
    point = examination.point
    x = np.ascontiguousarray(draw_x(examination.subject.domain, examination.rng, point.x.shape))
    dy = draw_dy(examination.rng, point.dy.shape)
    other = point.with_(x=x.copy(), dy=dy.copy())

    def call(used: Probe, here: Point = other) -> tuple[Array, Gradients]:
        x[...], dy[...] = here.x, here.dy
        return used.forward(x, point.training), used.backward(dy)

    probe = examination.subject.at(point)
    call(probe)
    y, gradients = call(probe, point)
    message = "{} is wrong when the caller fills the same array with new values"
    why = _cause(examination, point, [call], call)
    yield from examination.unequal(examination.reference, {"y": y, **gradients}, message, why, tolerance=1e-12)


@register_check("parameters-live", after=("numeric", "mode"))
def parameters_live(examination: Examination) -> Iterator[Finding]:
    """After the parameters are updated, in place or by assignment, all results use the new values."""
    point, subject = examination.point, examination.subject
    if not point.parameters and not point.states:
        return
    other = examination.draw()
    message = "{} is that of the parameters before the update: a stale copy"
    for before in examination.batches():
        here = before.with_(parameters=other.parameters, states=other.states)
        expected = examination.results(here)
        for update in (Probe.set, _assign):
            calls: list[History] = [
                partial(Probe.set, parameters=point.parameters, states=point.states),
                partial(Probe.run, point=before),
                partial(update, parameters=here.parameters, states=here.states),
            ]
            used = subject.at(point)
            for call in calls:
                call(used)
            why = _cause(examination, here, calls)
            yield from examination.unequal(expected, used.results(here), message, why, tolerance=1e-12)
        for _ in range(3):  # small steps, like an optimizer's
            near = {name: value * (1 + 1e-7) for name, value in used.values.items()}
            used.set(near, {})
            expected = examination.results(here.with_(parameters=near))
            yield from examination.unequal(expected, used.results(here), message, KEPT, tolerance=1e-12)


def _assign(probe: Probe, parameters: Arrays, states: Arrays) -> None:
    """Set the parameters of a layer to these values, by assignment where possible."""
    for name, value in parameters.items():
        if "/" not in name:
            setattr(probe.layer, name, value)
        else:
            probe.values[name][...] = value
    probe.set({}, states)

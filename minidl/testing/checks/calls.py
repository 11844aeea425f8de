"""state, parameters-live: the same numbers whatever was called before."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minidl.testing.checks.equality import close, named
from minidl.testing.constants import mentioned
from minidl.testing.diagnosis.survivors import kept_from, shared_by_twins
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import draw_dy, draw_x, rows_of
from minidl.testing.probe import Gradients, LayerFailure, Point, Probe, calling
from minidl.testing.registry import register_check
from minidl.typing import Array

History = Callable[[Probe], None]
KEPT = (
    "something is kept from an earlier call: a cache that is not renewed, or one that is keyed on the shape or the "
    "size of the batch"
)
CALLS = {"quick": 0, "standard": 130, "thorough": 1100}  # in one row, for what happens once in a while
MOST_CALLS = 300


@register_check("state", after=("numeric", "mode"))
def state(examination: Examination) -> Iterator[Finding]:
    """A used layer equals a fresh one, whatever calls came before; a predict in between changes nothing."""
    for point in _points(examination):
        expected = everything(examination.subject.at(point), point)
        if not all(np.isfinite(value).all() for value in expected.values()):
            continue  # such as a variance of one row
        probe = examination.subject.at(point)
        for told, history in _histories(examination, point):
            with calling("forward"):
                history(probe)
            message = f"wrong after {told}, right on a fresh layer"
            why = partial(kept_from, partial(examination.subject.at, point), history, point)
            yield from _unequal(examination, expected, everything(probe, point), message, why)
        yield from _arguments_stay(examination, probe)
    yield from _many_calls(examination)
    yield from _in_between(examination)
    yield from _same_array(examination)


def everything(probe: Probe, point: Point) -> Gradients:
    """Return copies of output, gradients and the state afterwards, by name."""
    found = named(*probe.run(point))
    return {**found, **{f"the state {name}": value.copy() for name, value in probe.states.items()}}


def _points(examination: Examination) -> Iterator[Point]:
    point = examination.point
    yield point
    yield point.with_(training=False)
    for rows in (1, 9) if examination.at_least("standard") else ():
        for training in (True, False):
            try:
                yield rows_of(examination.subject, examination.rng, point.with_(training=training), rows)
            except LayerFailure:
                continue


def _unequal(
    examination: Examination, expected: Gradients, found: Gradients, message: str, why: Callable[[], str] = str
) -> Iterator[Finding]:
    for name, value in expected.items():
        if not close(found.get(name), value, 1e-12):
            target = name.removeprefix("the state ")  # another order of the same sums is no fault
            yield examination.finding(f"{name} is {message}", target, why() or KEPT)


def _arguments_stay(examination: Examination, probe: Probe) -> Iterator[Finding]:
    fresh = examination.subject.at(examination.point).layer
    for name in examination.subject.arguments:
        value = fresh.__dict__.get(name)
        now = probe.layer.__dict__.get(name)
        if isinstance(value, (bool, int, float, str)) and isinstance(now, (bool, int, float, str)) and now != value:
            why = "a call must not change what the constructor was given: use an underscore attribute"
            yield examination.finding(f"the argument {name} is {value!r}, and {now!r} after some calls", name, why)


def _histories(examination: Examination, point: Point) -> Iterator[tuple[str, History]]:
    domain, rng, shape = examination.subject.domain, examination.rng, point.input_shape

    def other(rows: int) -> Array:
        return draw_x(domain, rng, (rows, *shape))

    def last_row_changed() -> Array:
        x = point.x.copy()
        x[-1] = other(1)[0]
        return x

    def step(x: Array, training: bool, backward: bool = True, reset: bool = True) -> History:
        def call(probe: Probe) -> None:
            y = probe.forward(x.copy(), training, reset=reset)
            if backward:
                probe.backward(draw_dy(rng, np.shape(y)))

        return call

    rows, training = len(point.x), point.training
    if examination.subject.whole_batch:
        yield "a batch with other targets", lambda probe: probe.layer.with_others(point.x.copy(), targets=True)
        yield "a batch with other weights", lambda probe: probe.layer.with_others(point.x.copy(), targets=False)
    yield "another batch of the same shape", step(other(rows), training)
    yield "a forward alone", step(other(rows), training, backward=False)
    yield "a larger batch", step(other(rows + 4), training)
    yield "a smaller batch", step(other(2 if training or rows == 1 else 1), training)
    yield "a batch in the other mode", step(other(rows), not training)
    yield "the same batch in the other mode", step(point.x, not training)
    yield "the same batch but for its last row", step(last_row_changed(), training)
    yield "the same batch but for its sign", step(-point.x if domain == "real" else other(rows), training)
    yield "a pass for the parameters only", lambda probe: _parameters_pass(probe, other(rows), training, rng)
    if point.x.dtype.kind == "f":
        yield "a float32 batch", step(point.x.astype(np.float32), training)
    for _ in range(8 if examination.at_least("standard") and rows == len(examination.point.x) else 2):
        yield "several calls", step(other(rows), training, reset=False)


def _parameters_pass(probe: Probe, x: Array, training: bool, rng: np.random.Generator) -> None:
    y = probe.forward(x, training)
    probe.layer.backward_parameters(draw_dy(rng, np.shape(y)))


def _many_calls(examination: Examination) -> Iterator[Finding]:
    """What happens only once in a while, such as at every hundredth call."""
    code = mentioned(examination.subject.example)
    calls = max([CALLS[examination.level], *(2 * number for number in code.whole(MOST_CALLS // 2))])
    if not CALLS[examination.level]:
        return
    points = [examination.point.with_(training=training) for training in (True, False)]
    expected = [everything(examination.subject.at(point), point) for point in points]
    probe = examination.subject.at(points[0])
    for call in range(calls):
        mode = int(call % 5 == 4)
        found = everything(probe, points[mode])
        yield from _unequal(examination, expected[mode], found, f"another one at call {call + 1}, for the same input")


def _in_between(examination: Examination) -> Iterator[Finding]:
    """A predict on a twin that shares the parameters, between forward and backward, changes nothing."""
    point = examination.point
    probe = examination.subject.at(point)
    other = draw_x(examination.subject.domain, examination.rng, point.x.shape)
    y = probe.forward(point.x.copy(), point.training)
    twin = probe.layer.inference_twin()
    try:
        twin.forward(other, False)
    except Exception as error:
        message = f"a twin that shares the parameters cannot predict: {type(error).__name__}: {error}"
        why = "build or __init__ keeps something in an underscore attribute, which is a cache"
        yield examination.finding(message, "", why, line="y")
        return
    found, expected = named(y, probe.backward(point.dy.copy())), named(*examination.reference)
    shared = partial(shared_by_twins, examination.subject.at(point), point)
    yield from _unequal(examination, expected, found, "disturbed by a predict between forward and backward", shared)


def _same_array(examination: Examination) -> Iterator[Finding]:
    """The caller may fill the same array anew: nothing may be remembered by identity."""
    point = examination.point
    probe = examination.subject.at(point)
    x = np.ascontiguousarray(draw_x(examination.subject.domain, examination.rng, point.x.shape))
    dy = draw_dy(examination.rng, point.dy.shape)
    other, other_dy = x.copy(), dy.copy()

    def call(used: Probe, values: Array = other, upstream: Array = other_dy) -> tuple[Array, Gradients]:
        x[...], dy[...] = values, upstream
        return used.forward(x, point.training), used.backward(dy)

    def filled_anew(used: Probe, here: Point) -> tuple[Array, Gradients]:
        return call(used, here.x, here.dy)

    call(probe)
    found, expected = named(*filled_anew(probe, point)), named(*examination.reference)
    why = partial(kept_from, partial(examination.subject.at, point), call, point, filled_anew)
    yield from _unequal(examination, expected, found, "wrong when the caller fills the same array with new values", why)


@register_check("parameters-live", after=("numeric", "mode"))
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
        message = "that of the parameters before the update: a stale copy"

        def before_the_update(probe: Probe, here: Point = here) -> None:
            probe.set(point.parameters, point.states).run(point)
            probe.set(here.parameters, here.states)

        used = examination.subject.at(point)
        before_the_update(used)
        make = partial(examination.subject.at, here)
        why = partial(kept_from, make, before_the_update, here)
        yield from _unequal(examination, expected, named(*used.run(here)), message, why)

        def assigned(probe: Probe, here: Point = here) -> None:
            probe.set(point.parameters, point.states).run(point.with_(training=here.training))
            _assign(probe, here)

        used = examination.subject.at(point)
        assigned(used)
        why = partial(kept_from, make, assigned, here)
        yield from _unequal(examination, expected, named(*used.run(here)), message, why)
        for _ in range(3):  # small steps, as of an optimizer
            near = {name: value * (1 + 1e-7) for name, value in used.values.items()}
            used.set(near, {})
            expected = named(*examination.run(here.with_(parameters=near)))
            yield from _unequal(examination, expected, named(*used.run(here)), message)


def _assign(probe: Probe, point: Point) -> None:
    """Give a layer the values of a point, as far as possible by assignment."""
    for name, value in point.parameters.items():
        if "/" not in name:
            setattr(probe.layer, name, value)
        else:
            probe.values[name][...] = value
    probe.set({}, point.states)

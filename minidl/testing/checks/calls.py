"""state, parameters-live, mode: the same numbers whatever was called before, at the parameters of now, in both modes."""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.testing.checks.contract import differing
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Unverified, source_of
from minidl.testing.points import Refused, draw_dy, draw_x
from minidl.testing.subject import Arrays, LayerFailure, Point, Probe

History = Callable[[Probe], None]


@register_check("state", after=("numeric", "mode"))
def state(examination: Examination) -> Iterator[Finding]:
    """A used layer equals a fresh one, whatever calls came before; a predict in between changes nothing."""
    point = examination.point
    for training in (True, False):
        here = point.with_(training=training)
        expected = _named(examination.run(here))
        probe = examination.subject.at(here)
        for told, history in _histories(examination, here):
            history(probe)
            found = _named(probe.run(here))
            yield from _unequal(examination, expected, found, f"wrong after {told}, right on a fresh layer")
    yield from _in_between(examination)
    yield from _same_array(examination)


def _named(result: tuple[np.ndarray, Arrays]) -> Arrays:
    y, gradients = result
    return {"y": np.array(y), **{name: np.array(value) for name, value in gradients.items() if value is not None}}


def _unequal(examination: Examination, expected: Arrays, found: Arrays, message: str) -> Iterator[Finding]:
    for name in differing(expected, found):
        if np.shape(found[name]) == np.shape(expected[name]) and np.allclose(
            found[name], expected[name], rtol=1e-12, atol=1e-13 * np.abs(expected[name]).max(initial=0)
        ):
            continue  # another order of the same sums
        where, source = source_of(examination.subject.example, name if name != "y" else "dx")
        yield Finding(
            examination.check,
            f"{name} is {message}",
            name,
            where=where,
            source=source,
            why="something is kept from an earlier call: a cache that is not renewed, or one that is keyed "
            "on the shape or the size of the batch",
        )


def _histories(examination: Examination, point: Point) -> Iterator[tuple[str, History]]:
    domain, rng, shape = examination.subject.domain, examination.rng, point.input_shape

    def other(rows: int) -> np.ndarray:
        return draw_x(domain, rng, (rows, *shape))

    def last_row_changed() -> np.ndarray:
        x = point.x.copy()
        x[-1] = other(1)[0]
        return x

    def step(x: np.ndarray, training: bool, backward: bool = True) -> History:
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
        where = source_of(examination.subject.example, "dx")[0]
        yield Finding(
            "state",
            f"a twin that shares the parameters cannot predict: {type(error).__name__}: {error}",
            where=where,
            why="build or __init__ keeps something in an underscore attribute, which is a cache",
        )
        return
    found = {"y": np.array(y), **probe.backward(point.dy.copy())}
    expected = {"y": examination.reference[0], **examination.reference[1]}
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
    found = {"y": np.array(probe.forward(x, point.training)), **probe.backward(dy)}
    expected = {"y": examination.reference[0], **examination.reference[1]}
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
        expected = _named(examination.run(here))
        used = examination.subject.at(point)
        used.run(point)
        used.set(other.parameters, other.states)
        message = "that of the parameters before the update: a stale copy"
        yield from _unequal(examination, expected, _named(used.run(here)), message)
        used = examination.subject.at(point)
        used.run(point.with_(training=training))
        for name, value in other.parameters.items():
            if "/" not in name:
                setattr(used.layer, name, value)
            else:
                used.values[name][...] = value
        used.set({}, other.states)
        yield from _unequal(examination, expected, _named(used.run(here)), message)


@register_check("mode", after=("numeric",))
def mode(examination: Examination) -> Iterator[Finding]:
    """Inference has a right gradient too, is deterministic, and leaves parameters, state and generators alone."""
    point = examination.point.with_(training=False)
    probe = examination.subject.at(point)
    before = {name: value.copy() for name, value in {**probe.values, **probe.states}.items()}
    start = [generator.bit_generator.state for generator, _ in probe.generators]
    first = np.array(probe.forward(point.x.copy(), False, reset=False))
    second = np.array(probe.forward(point.x.copy(), False, reset=False))
    where = source_of(examination.subject.example, "dx")[0]
    if not np.array_equal(first, second, equal_nan=True):
        yield Finding(
            "mode",
            "inference is not deterministic: two predictions differ",
            "y",
            where=where,
            why="random numbers belong to training only, and running statistics are not updated at inference",
        )
    if start != [generator.bit_generator.state for generator, _ in probe.generators]:
        yield Finding("mode", "inference draws random numbers", "y", where=where)
    for name in differing(before, {**probe.values, **probe.states}):
        yield Finding(
            "mode",
            f"inference has side effects: it changes {name}",
            name,
            where=where,
            why="running statistics are updated at inference",
        )
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

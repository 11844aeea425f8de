"""contract: what a layer promises whatever it computes - shapes, arrays left alone, calls that repeat.

It runs first: where it fails, numbers mean little.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, place_of, source_of
from minidl.testing.points import is_integer
from minidl.testing.subject import Arrays, LayerFailure, Probe, target_of
from minidl.typing import Array

NAME = "contract"


@register_check(NAME)
def contract(examination: Examination) -> Iterator[Finding]:
    """Shapes, read-only arguments, earlier results, repeated calls, independence, global state."""
    yield from _global_random_state(examination)
    yield from _repeats(examination)
    yield from _twice_backward(examination)
    yield from _old_gradients(examination)
    yield from _instances(examination)
    yield from _too_early(examination)
    yield from _parameters_only(examination)


def _global_random_state(examination: Examination) -> Iterator[Finding]:
    """Make the first call, with the global generators set to a state that no layer would set them to."""
    kept = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(2_718_281)  # noqa: NPY002
    before = np.random.get_state()[1:3]  # type: ignore[index] # noqa: NPY002
    try:
        yield from _first_call(examination)
        after = np.random.get_state()[1:3]  # type: ignore[index] # noqa: NPY002
        if not (np.array_equal(before[0], after[0]) and before[1] == after[1] and random.getstate() == kept[1]):
            yield Finding(
                NAME,
                "the global random state was used: forward or backward draws from np.random or random",
                why="draw from self.rng, the model's own generator",
                where=_where(examination, "dx"),
            )
    finally:
        np.random.set_state(kept[0])  # noqa: NPY002
        random.setstate(kept[1])


def _where(examination: Examination, target: str) -> str:
    return source_of(examination.subject.example, target)[0]


def guarded(array: Array) -> Array:
    """Return a read-only copy, so that the line that writes into it raises."""
    array = array.copy()
    array.flags.writeable = False
    return array


def _first_call(examination: Examination) -> Iterator[Finding]:
    subject, point = examination.subject, examination.point
    probe = subject.at(point)
    x, dy = guarded(point.x), guarded(point.dy)
    before = {name: value.copy() for name, value in probe.values.items()}
    y = probe.forward(x, point.training)
    yield from _output(examination, probe, y)
    for name, value in probe.values.items():
        if not np.array_equal(value, before[name]):
            yield Finding(
                NAME,
                f"forward changed the parameter {name}",
                name,
                where=place_of_method(examination, "forward"),
                why=f"parameters are changed by the optimizer only: work on a copy of {name}",
            )
    states = {name: value.copy() for name, value in probe.states.items()}
    kept = np.array(y)
    gradients = probe.backward(dy)
    yield from _gradients(examination, probe, gradients)
    for name, value in probe.values.items():
        if not np.array_equal(value, before[name]):
            yield Finding(
                NAME, f"backward changed the parameter {name}", name, where=_where(examination, target_of(name))
            )
    for name, value in probe.states.items():
        if not np.array_equal(value, states[name], equal_nan=True):
            yield Finding(
                NAME,
                f"backward changed the state {name}",
                name,
                where=_where(examination, "dx"),
                why="only forward in training may update running statistics",
            )
    if not (np.array_equal(x, point.x) and np.array_equal(dy, point.dy)):
        yield Finding(NAME, "the layer changed its input or the upstream gradient, although they were read-only")
    if not np.array_equal(kept, y):
        yield Finding(
            NAME,
            "backward changed the output that forward had returned",
            "y",
            where=_where(examination, "dx"),
            why="backward works in place on the cached output: work on a copy",
        )


def _output(examination: Examination, probe: Probe, y: Any) -> Iterator[Finding]:
    x, shape = examination.point.x, probe.layer.output_shape
    place = place_of_method(examination, "forward")
    if not isinstance(y, np.ndarray):
        yield Finding(NAME, f"forward returns {type(y).__name__}, expected an array", "y", where=place)
        return
    expected = (len(x), *(shape or ()))
    if y.shape != expected and not examination.subject.whole_batch:
        yield Finding(NAME, f"y has shape {y.shape}, expected {expected}: build and forward disagree", "y", where=place)
    if y.dtype.kind != "f":
        yield Finding(NAME, f"y has dtype {y.dtype}, expected floating point", "y", where=place)


def _gradients(examination: Examination, probe: Probe, gradients: Arrays) -> Iterator[Finding]:
    point = examination.point
    for name, view in probe.views.items():
        target = target_of(name)
        missing = int(np.isnan(view).sum())
        if missing and _accumulates(examination, name):
            yield Finding(
                NAME,
                f"{target} is added to instead of set",
                target,
                where=_where(examination, target),
                why=f"the gradient accumulates: assign self.{target} instead of adding to it",
            )
        if missing:
            part = (
                "never set"
                if missing == view.size
                else f"set in part only: {missing} of {view.size} entries are left out"
            )
            yield Finding(
                NAME,
                f"{target} is {part}",
                target,
                where=_where(examination, ""),
                why=f"{target} is never set: it was not computed, or not stored in self.{target}",
            )
    dx = gradients["dx"]
    if is_integer(examination.subject.domain) and (dx is None or np.shape(dx) == point.x.shape):
        return
    if not isinstance(dx, np.ndarray):
        yield Finding(
            NAME, f"backward returns {type(dx).__name__}, expected the array dx", "dx", where=_where(examination, "dx")
        )
    elif dx.shape != point.x.shape:
        yield Finding(
            NAME,
            f"dx has shape {dx.shape}, expected {point.x.shape}, that of x",
            "dx",
            where=_where(examination, "dx"),
            why=_shape_hint(dx, point.x),
        )
    elif not np.isfinite(dx).all():
        yield Finding(
            NAME,
            f"dx is not finite in {int((~np.isfinite(dx)).sum())} of {dx.size} entries",
            "dx",
            where=_where(examination, "dx"),
        )


def _accumulates(examination: Examination, name: str) -> bool:
    probe = examination.subject.at(examination.point)
    probe.forward(examination.point.x.copy(), examination.point.training)
    probe.gradients[...] = 0
    probe.layer.backward(examination.point.dy.copy())
    return bool(np.any(probe.views[name]) and np.isfinite(probe.views[name]).all())


def _shape_hint(dx: Array, x: Array) -> str:
    if dx.shape == x.shape[::-1]:
        return "a transpose is missing or too much"
    if dx.size == x.size:
        return "it has the right number of values: reshape it to x.shape"
    return "an axis is summed that should stay, or the other way round"


def place_of_method(examination: Examination, method: str) -> str:
    """Return where a method of the layer is defined."""
    function = getattr(type(examination.subject.example), method, None)
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    from minidl.testing.findings import describe

    return describe(f"{type(examination.subject.example).__name__}.{method}", code.co_filename, code.co_firstlineno)[0]


def differing(first: Arrays, second: Arrays) -> list[str]:
    """Return the names of the arrays that are not equal bit by bit."""
    return [name for name in first if not _same(first[name], second[name])]


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return np.shape(a) == np.shape(b) and np.array_equal(a, b, equal_nan=True)


def _repeats(examination: Examination) -> Iterator[Finding]:
    """Two identical calls agree, and the arrays of the first are not changed by the second."""
    probe, point = examination.subject.at(examination.point), examination.point
    y = probe.forward(point.x.copy(), point.training)
    first = {"y": y, **probe.backward(point.dy.copy())}
    kept = {name: np.array(value) for name, value in first.items() if value is not None}
    other = examination.draw()
    probe.forward(other.x.copy(), point.training)
    probe.backward(other.dy[: len(other.x)].copy() if other.dy.shape == point.dy.shape else point.dy.copy())
    for name, value in kept.items():
        if not _same(first[name], value):
            which = "output" if name == "y" else "gradient"
            yield Finding(
                NAME,
                f"the {which} {name} of the first call changed during the second",
                name,
                where=_where(examination, "dx"),
                why="the same buffer is returned each time: return a new array",
            )
    y = probe.forward(point.x.copy(), point.training)
    second = {"y": y, **probe.backward(point.dy.copy())}
    reference = {"y": examination.reference[0], **examination.reference[1]}
    for name in differing(reference, {"y": kept["y"], **{n: kept.get(n) for n in first if n != "y"}}):  # type: ignore[dict-item]
        yield Finding(
            NAME,
            f"two fresh layers with equal parameters give different {name}",
            name,
            where=_where(examination, name),
            why=_noise(reference[name], first[name]),
        )
    for name in differing(kept, second):
        yield Finding(
            NAME,
            f"two identical calls give different {name}",
            name,
            where=_where(examination, name),
            why=_noise(kept[name], second[name]),
        )


def _noise(first: Array, second: Array) -> str:
    size = np.abs(first).max(initial=0) or 1.0
    gap = np.abs(np.asarray(second, float) - np.asarray(first, float)).max(initial=0)
    ratio = np.asarray(second, float)[np.abs(first) > 0] / np.asarray(first, float)[np.abs(first) > 0]
    if ratio.size and np.allclose(ratio, np.round(ratio[0])) and round(float(ratio.flat[0])) > 1:
        return f"the second is {ratio.flat[0]:.0f} times the first: the gradient accumulates instead of being set"
    return (
        f"they differ by {gap / size:.0e} of the largest entry: something survives from the call before "
        "(it accumulates, or a cache is not renewed), or random numbers do not come from self.rng"
    )


def _twice_backward(examination: Examination) -> Iterator[Finding]:
    """A second backward for the same forward may be refused, but not give other numbers."""
    probe, point = examination.subject.at(examination.point), examination.point
    probe.forward(point.x.copy(), point.training)
    first = probe.backward(point.dy.copy())
    first = {name: np.array(value) for name, value in first.items() if value is not None}
    try:
        # The gradients keep the values of the first pass, so that an addition to them shows.
        dx = probe.layer.backward(point.dy.copy())
    except Exception:
        return
    second: Arrays = {"dx": dx, **probe.parameter_gradients()}
    for name in differing(first, second):
        yield Finding(
            NAME,
            f"two identical backward calls give different {name}: it accumulates, or backward spoils its cache",
            name,
            where=_where(examination, name),
            why=_noise(first[name], second[name]),
        )


def _old_gradients(examination: Examination) -> Iterator[Finding]:
    """What the gradients hold from the last batch does not count."""
    probe, point = examination.subject.at(examination.point), examination.point
    if not examination.subject.whole_batch:
        point = point.with_(x=point.x[:1], dy=point.dy[:1])  # one row leaves most entries of an embedding untouched
    expected = probe.run(point)[1]
    probe.forward(point.x.copy(), point.training)
    probe.gradients[...] = examination.rng.standard_normal(probe.gradients.shape)
    probe.layer.backward(point.dy.copy())
    for name, value in probe.parameter_gradients().items():
        if np.abs(value - expected[name]).max(initial=0) <= 1e-12 * np.abs(expected[name]).max(initial=0):
            continue
        yield Finding(
            NAME,
            f"{name} depends on what it held before",
            name,
            where=_where(examination, name),
            why=f"the gradient accumulates, or old values are never cleared: {name} has to be set in all its entries",
        )


def _instances(examination: Examination) -> Iterator[Finding]:
    """Two layers of the same class do not influence each other."""
    subject, point = examination.subject, examination.point
    one, two = subject.at(point), subject.at(point)
    other = examination.draw()
    one.forward(point.x.copy(), point.training)
    two.set(other.parameters, other.states)
    two.forward(other.x.copy(), other.training)
    gradients = one.backward(point.dy.copy())
    for name in differing(examination.reference[1], gradients):
        yield Finding(
            NAME,
            f"two instances influence each other: {name} is wrong after a forward pass of another layer",
            name,
            where=_where(examination, name),
            why="a cache is stored on the class, or in a module, instead of on self",
        )
    two.backward(other.dy.copy())
    y = one.forward(point.x.copy(), point.training)
    for name in differing({"y": examination.reference[0]}, {"y": y}):
        yield Finding(
            NAME,
            "two instances influence each other: y differs after calls of another layer",
            name,
            where=place_of_method(examination, "forward"),
            why="something is stored on the class instead of on self",
        )


def _too_early(examination: Examination) -> Iterator[Finding]:
    """Backward before any forward raises, unless it needs nothing from forward."""
    try:
        early = examination.subject.at(examination.point).backward(examination.point.dy.copy())
    except LayerFailure:
        return
    for name in differing(examination.reference[1], early):
        yield Finding(
            NAME,
            f"backward before any forward gives some {name} instead of an error",
            name,
            where=_where(examination, "dx"),
            why="let the missing cache raise",
        )


def _parameters_only(examination: Examination) -> Iterator[Finding]:
    """`backward_parameters` sets the gradients that `backward` sets."""
    probe, point = examination.subject.at(examination.point), examination.point
    if not probe.views:
        return
    probe.forward(point.x.copy(), point.training)
    probe.gradients[...] = np.nan
    try:
        probe.layer.backward_parameters(guarded(point.dy))
    except Exception as error:
        where, source = place_of(error)
        yield Finding(NAME, f"backward_parameters raised {type(error).__name__}: {error}", where=where, source=source)
        return
    expected, got = examination.reference[1], probe.parameter_gradients()
    for name, value in got.items():
        if not np.allclose(value, expected[name], rtol=1e-9, atol=1e-12 * np.abs(expected[name]).max(initial=0)):
            yield Finding(
                NAME,
                f"backward_parameters sets another {name} than backward",
                name,
                where=place_of_method(examination, "backward_parameters"),
            )

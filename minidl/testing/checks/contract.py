"""contract: what a layer promises whatever it computes - shapes, arrays left alone, calls that repeat.

It runs first: where it fails, numbers mean little.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.layers.tree import walk
from minidl.testing.checks import repetition
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import is_integer
from minidl.testing.probe import Gradients, Probe, guarded, target_of
from minidl.testing.registry import register_check
from minidl.typing import Array


@register_check("contract")
def contract(examination: Examination) -> Iterator[Finding]:
    """Shapes, read-only arguments, earlier results, repeated calls, independence."""
    point, subject = examination.point, examination.subject
    subject.built(subject.make(point.arguments), point.input_shape)  # for what belongs to the whole program
    yield from _first_call(examination)
    yield from repetition.promises(examination, point)
    yield from _frozen(examination)
    yield from repetition.too_early(examination)


def _first_call(examination: Examination) -> Iterator[Finding]:
    point, probe = examination.point, examination.subject.at(examination.point)
    x, dy = guarded(point.x), guarded(point.dy)
    before = {name: value.copy() for name, value in probe.values.items()}
    y = probe.forward(x, point.training)
    yield from _output(examination, probe, y)
    for name in _changed(probe.values, before):
        why = f"parameters are changed by the optimizer only: work on a copy of {name}"
        yield examination.finding(f"forward changed the parameter {name}", name, why, line="y")
    states = {name: value.copy() for name, value in probe.states.items()}
    kept = np.array(y)
    gradients = probe.backward(dy)
    yield from _gradients(examination, probe)
    yield from _dx(examination, gradients)
    for name in _changed(probe.values, before):
        why = f"an operation in place, such as *=, changes {name} itself: work on a copy"
        yield examination.finding(f"backward changed the parameter {name}", name, why, line=target_of(name))
    for name in _changed(probe.states, states):
        why = "only forward in training may update running statistics"
        yield examination.finding(f"backward changed the state {name}", name, why, line="dx")
    if not (np.array_equal(x, point.x) and np.array_equal(dy, point.dy)):
        yield examination.finding("the layer changed its input or the upstream gradient, although they were read-only")
    if not np.array_equal(kept, y):
        why = "backward works in place on the cached output: work on a copy"
        yield examination.finding("backward changed the output that forward had returned", "y", why, line="dx")


def _frozen(examination: Examination) -> Iterator[Finding]:
    """A layer that is not trained passes the gradient on all the same."""
    point, probe = examination.point, examination.subject.at(examination.point)
    for _, part in walk({"": probe.layer}):
        part.trainable = False
    y, gradients = probe.run(point)
    expected, reference = examination.reference
    same = np.array_equal(y, expected) and np.array_equal(gradients["dx"], reference["dx"])
    if np.array_equal(y, expected) and not same:
        why = "trainable says whether parameters are updated; gradients flow through in any case"
        yield examination.finding("dx is another one where trainable is False", "dx", why)


def _changed(now: Gradients, before: Gradients) -> list[str]:
    return [name for name in now if not np.array_equal(now[name], before[name], equal_nan=True)]


def _output(examination: Examination, probe: Probe, y: Any) -> Iterator[Finding]:
    if not isinstance(y, np.ndarray) or isinstance(y, np.ma.MaskedArray | np.matrix):
        yield examination.finding(f"forward returns {type(y).__name__}, expected an array", "y")
        return
    expected = (len(examination.point.x), *(probe.layer.output_shape or ()))
    if y.shape != expected and not examination.subject.whole_batch:
        yield examination.finding(f"y has shape {y.shape}, expected {expected}: build and forward disagree", "y")
    if y.dtype.kind != "f":
        yield examination.finding(f"y has dtype {y.dtype}, expected floating point", "y")


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
            yield examination.finding(
                f"{missing} of {view.size} entries of {target} are never set, or NaN", target, why
            )


def _accumulates(examination: Examination, name: str) -> bool:
    probe = examination.subject.at(examination.point)
    probe.forward(examination.point.x.copy(), examination.point.training)
    probe.gradients[...] = 0
    probe.layer.backward(examination.point.dy.copy())
    return bool(np.any(probe.views[name]) and np.isfinite(probe.views[name]).all())


def _dx(examination: Examination, gradients: Gradients) -> Iterator[Finding]:
    dx, x = gradients["dx"], examination.point.x
    if is_integer(examination.subject.domain) and (dx is None or np.shape(dx) == x.shape):
        return
    if not isinstance(dx, np.ndarray) or isinstance(dx, np.ma.MaskedArray | np.matrix):
        yield examination.finding(f"backward returns {type(dx).__name__}, expected the array dx", "dx")
    elif dx.shape != x.shape:
        yield examination.finding(f"dx has shape {dx.shape}, expected {x.shape}, that of x", "dx", _shape_hint(dx, x))
    elif dx.dtype.kind != "f":
        yield examination.finding(f"dx has dtype {dx.dtype}, expected floating point", "dx")
    elif not np.isfinite(dx).all():
        yield examination.finding(f"dx is not finite in {int((~np.isfinite(dx)).sum())} of {dx.size} entries", "dx")


def _shape_hint(dx: Array, x: Array) -> str:
    if dx.shape == x.shape[::-1]:
        return "a transpose is missing or too much"
    if dx.size == x.size:
        return "it has the right number of values: reshape it to x.shape"
    return "an axis is summed that should stay, or the other way round"

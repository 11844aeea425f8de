"""contract: what a layer promises whatever it computes - shapes, arrays left alone, calls that repeat.

It runs first: where it fails, numbers mean little.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.layers.tree import walk
from minidl.testing.agreement import close, named
from minidl.testing.checks.promises import promises
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.probe import Gradients, LayerFailure, Probe, guarded, target_of
from minidl.testing.registry import register_check


@register_check("contract")
def contract(examination: Examination) -> Iterator[Finding]:
    """Shapes, read-only arguments, earlier results, repeated calls, independence."""
    point, subject = examination.point, examination.subject
    subject.built(subject.make(point.arguments), point.input_shape)  # for what belongs to the whole program
    yield from _first_call(examination)
    yield from promises(examination, point)
    yield from _frozen(examination)
    yield from _too_early(examination)


def _first_call(examination: Examination) -> Iterator[Finding]:
    point, probe = examination.point, examination.subject.at(examination.point)
    x, dy = guarded(point.x), guarded(point.dy)
    before = {name: value.copy() for name, value in probe.values.items()}
    y = probe.forward(x, point.training)
    expected = (len(x), *(probe.layer.output_shape or ()))
    yield from _array(examination, y, "y", "forward returns {}, expected an array")
    if y.shape != expected and not examination.subject.whole_batch:
        yield examination.finding(f"y has shape {y.shape}, expected {expected}: build and forward disagree", "y")
    only = "parameters are changed by the optimizer only: work on a copy of {}"
    yield from _changed(examination, "forward changed the parameter {}", only, probe.values, before)
    states = {name: value.copy() for name, value in probe.states.items()}
    returned = np.array(y)
    gradients = probe.backward(dy)
    yield from _gradients(examination, probe)
    if not (examination.point.integer and np.shape(gradients["dx"]) in ((), x.shape)):
        yield from _dx(examination, gradients)
    only = "an operation in place, such as *=, changes {} itself: work on a copy"
    yield from _changed(examination, "backward changed the parameter {}", only, probe.values, before)
    only = "only forward in training may update running statistics"
    yield from _changed(examination, "backward changed the state {}", only, probe.states, states)
    if not (np.array_equal(x, point.x) and np.array_equal(dy, point.dy)):
        yield examination.finding("the layer changed its input or the upstream gradient, although they were read-only")
    if not np.array_equal(returned, y):
        why = "backward works in place on the cached output: work on a copy"
        yield examination.finding("backward changed the output that forward had returned", "y", why, line="dx")


def _changed(examination: Examination, message: str, why: str, now: Gradients, before: Gradients) -> Iterator[Finding]:
    for name, value in now.items():
        if not close(value, before[name], 0.0):
            line = "y" if message.startswith("forward") else target_of(name)
            yield examination.finding(message.format(name), name, why.format(name), line=line)


def _frozen(examination: Examination) -> Iterator[Finding]:
    """A layer that is not trained passes the gradient on all the same."""
    point, probe = examination.point, examination.subject.at(examination.point)
    for _, part in walk({"": probe.layer}):
        part.trainable = False
    y, gradients = probe.run(point)
    if np.array_equal(y, examination.reference[0]) and gradients["dx"] is not None:
        why = "trainable says whether parameters are updated; gradients flow through in any case"
        expected = {"dx": examination.reference[1]["dx"]}
        yield from examination.unequal(expected, gradients, "{} is another one where trainable is False", why)


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


def _dx(examination: Examination, gradients: Gradients) -> Iterator[Finding]:
    dx, x = gradients["dx"], examination.point.x
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
        yield examination.finding(f"dx is not finite in {int((~np.isfinite(dx)).sum())} of {dx.size} entries", "dx")


def _too_early(examination: Examination) -> Iterator[Finding]:
    """Backward before any forward raises, unless it needs nothing from forward."""
    probe = examination.subject.at(examination.point)
    try:
        early = named(0.0, probe.backward(examination.point.dy.copy()))
    except LayerFailure:
        return
    early["y"] = examination.reference[0]
    message = "backward before any forward gives some {} instead of an error"
    yield from examination.unequal(named(*examination.reference), early, message, "let the missing cache raise")

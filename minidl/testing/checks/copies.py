"""copies: a layer made from the config, a deepcopy and a pickle of a used layer give the same numbers."""

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.config import constructor_arguments
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.parameters import Parameters
from minidl.testing.checks.equality import close, differing, named
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.points import rows_of
from minidl.testing.probe import LayerFailure, Point, Probe, calling
from minidl.testing.registry import register_check
from minidl.testing.subject import strip


@register_check("copies", after=("numeric", "mode", "state"), level="standard")
def copies(examination: Examination) -> Iterator[Finding]:
    """Config, deepcopy and pickle."""
    if examination.subject.whole_batch:
        raise Skipped("a loss has no parameters to copy")
    yield from _config(examination)
    yield from _config_when_built(examination)
    yield from _rebuilt(examination)
    yield from _nothing_stays(examination)
    for training in (False, True):
        yield from _equal(examination, examination.point.with_(training=training))


def _nothing_stays(examination: Examination) -> Iterator[Finding]:
    """Public attributes travel in copies and files, so that nothing of a batch may stay in them after a call."""
    point, sizes = examination.point, []
    for rows in (2, 9):
        try:
            there = rows_of(examination.subject, examination.rng, point, rows)
            probe = examination.subject.at(there)
            probe.run(there)
        except LayerFailure:
            return  # the number of rows is an affair of `batch`
        parts = walk({"": probe.layer})
        sizes.append({name: _numbers(value) for _, part in parts for name, value in part.__getstate__().items()})
    for name, size in sizes[0].items():
        if sizes[1].get(name, size) != size:
            why = f"a cache needs a leading underscore: self._{name}; copies and files leave it out"
            yield examination.finding(f"the attribute {name} holds the batch, also in copies and files", name, why)


def _numbers(value: Any) -> int:
    """Return how many numbers there are in arrays and containers."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, dict):
        value = list(value.values())
    return sum(_numbers(item) for item in value) if isinstance(value, (list, tuple)) else 1


def _equal(examination: Examination, point: Point) -> Iterator[Finding]:
    if examination.subject.at(point).draws_at(point):
        return  # a copy may draw other numbers
    expected = named(*examination.run(point))
    probe = examination.subject.at(point)
    probe.run(point)
    probe.reset()  # the state as it was before that pass
    for way, layer in _twins(probe.layer):
        for _, part in walk({"": layer}):
            part.__dict__.setdefault("rng", probe.rng)
        twin = Probe(layer, probe.rng, Parameters({})).set({}, point.states)
        found = named(twin.forward(point.x.copy(), point.training), twin.backward(point.dy.copy()))
        for name, value in expected.items():
            if not close(found.get(name), value, 1e-12):
                why = (
                    "something that forward or backward needs is in an underscore attribute, a cache by convention, "
                    "or is set outside the constructor"
                )
                yield examination.finding(f"{name} of {way} differs from the original's", name, why)
        for weight in layer.get_weights():
            weight += 1.0  # copies
        layer.set_weights([weight + 1.0 for weight in layer.get_weights()])
        probe.reset()
        for name in differing(expected, named(*probe.run(point))):
            why = "they share an array: a copy has to hold its own"
            yield examination.finding(f"{name} of the original changes with the parameters of {way}", name, why)


def _twins(layer: Layer) -> Iterator[tuple[str, Layer]]:
    with calling("__deepcopy__"):
        twin = copy.deepcopy(layer)
    yield "a deepcopy", twin
    try:
        data = pickle.dumps(layer)
    except Exception:  # a class that cannot be imported, or an argument that cannot be pickled
        return
    yield "a pickle", pickle.loads(data)


def _config_when_built(examination: Examination) -> Iterator[Finding]:
    """A built layer, made anew from its config as a file does, takes the same parameters."""
    point, subject = examination.point, examination.subject
    built = subject.at(point).layer
    try:
        twin = subject.built(strip(type(built).from_config(copy.deepcopy(built.get_config()))), point.input_shape)
    except Exception:
        return  # an argument that cannot be copied
    shapes = {name: value.shape for name, value in twin.values.items()}
    if shapes != {name: value.shape for name, value in point.parameters.items()}:
        message = "made from its config, a built layer has parameters of other shapes"
        yield examination.finding(message, why="build changes an argument of the constructor", line="y")


def _rebuilt(examination: Examination) -> Iterator[Finding]:
    """A layer that was declared for other rows before is that for these rows."""
    point, subject = examination.point, examination.subject
    other = (*point.input_shape[:-1], point.input_shape[-1] + 1) if point.input_shape else ()
    layer = subject.make(point.arguments)
    try:
        layer.declare(other)
        strip(layer)
        probe = subject.built(layer, point.input_shape).set(point.parameters, point.states)
    except Exception:  # not meant for such rows, or only once
        return
    found = named(*probe.run(point))
    for name, value in named(*examination.reference).items():
        if not close(found.get(name), value, 1e-12):
            why = "build keeps something of its first call"
            yield examination.finding(
                f"{name} is wrong after the layer was built for rows of {other} before", name, why
            )


def _config(examination: Examination) -> Iterator[Finding]:
    """The constructor stores its arguments under their own names, unchanged."""
    layer = examination.subject.example
    try:
        config = layer.get_config()
        twin = type(layer).from_config(copy.deepcopy(config))
    except Exception as error:
        message = f"the layer cannot be made from its config: {type(error).__name__}: {error}"
        yield examination.finding(
            message, why="the constructor has to store each argument under its own name", line="y"
        )
        return
    for name, value in twin.get_config().items():
        if isinstance(value, (bool, int, float, str, tuple)) and value != config[name]:
            message = f"the argument {name} changes when the layer is made from its config: {config[name]!r} becomes "
            why = "the constructor has to store each argument as it is"
            yield examination.finding(message + repr(value), why=why, line="y")
    given = examination.subject.given
    for name in constructor_arguments(type(layer)) if isinstance(given, type(layer)) else ():
        before, now = given.__dict__.get(name), twin.__dict__.get(name)
        if isinstance(before, (bool, int, float, str)) and now != before:
            message = f"the argument {name} is lost when the layer is made from its config: {before!r} becomes {now!r}"
            yield examination.finding(message, why="get_config or from_config leaves it out", line="y")

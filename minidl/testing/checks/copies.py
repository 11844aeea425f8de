"""copies: a layer made from the config, a deepcopy and a pickle of a used layer all give the same results."""

import copy
import pickle
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.parameters import Parameters
from minidl.testing.cache import numbers_in
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.probe import LayerFailure, Point, Probe, calling
from minidl.testing.registry import register_check
from minidl.testing.subject import strip

PLAIN = (bool, int, float, str)


@register_check("copies", after=("numeric", "mode", "state"), level="standard")
def copies(examination: Examination) -> Iterator[Finding]:
    """Copies by config, deepcopy and pickle give the same results as the layer."""
    if examination.subject.whole_batch:
        raise Skipped("a loss has no parameters to copy")
    yield from _config(examination)
    yield from _rebuilt(examination)
    yield from _nothing_stays(examination)
    yield from _pickled(examination)
    for point in examination.batches():
        yield from _equal(examination, point)


def _config(examination: Examination) -> Iterator[Finding]:
    """The constructor stores its arguments unchanged under their own names, and build does not change them."""
    layer, given = examination.subject.example, examination.subject.given
    try:
        config = layer.get_config()
        twin = type(layer).from_config(copy.deepcopy(config))
    except Exception as error:
        message = f"the layer cannot be made from its config: {type(error).__name__}: {error}"
        why = "the constructor has to store each argument under its own name"
        yield examination.finding(message, why=why, line="y")
        return
    before, again = vars(given) if isinstance(given, type(layer)) else {}, twin.get_config()
    for name, now in config.items():
        for old, new, kinds in ((before.get(name, now), now, PLAIN), (now, again.get(name), (*PLAIN, tuple))):
            if isinstance(old, kinds) and new != old and repr(new) != repr(old):  # layers in a tuple are new ones
                message = f"the argument {name} changes when the layer is made from its config: {old!r} becomes {new!r}"
                why = "the constructor has to store each argument as it is, and get_config has to return it"
                yield examination.finding(message, why=why, line="y")


def _rebuilt(examination: Examination) -> Iterator[Finding]:
    """A layer made from a built layer's config, or previously built for another row shape, works like a new one."""
    point, subject = examination.point, examination.subject
    built = subject.at(point).layer
    try:
        twin = subject.built(strip(type(built).from_config(copy.deepcopy(built.get_config()))), point.input_shape)
    except Exception:  # an argument that cannot be copied
        twin = subject.at(point)
    if {name: value.shape for name, value in twin.values.items()} != {n: v.shape for n, v in point.parameters.items()}:
        message = "made from its config, a built layer has parameters of other shapes"
        yield examination.finding(message, why="build changes an argument of the constructor", line="y")
    other = (*point.input_shape[:-1], point.input_shape[-1] + 1) if point.input_shape else ()
    layer = subject.make(point.arguments)
    try:
        layer.declare(other)
        probe = subject.built(strip(layer), point.input_shape).set(point.parameters, point.states)
    except Exception:  # not meant for such rows, or cannot be built twice
        return
    message = f"{{}} is wrong after the layer was built for rows of {other} before"
    why = "build keeps something of its first call"
    yield from examination.unequal(examination.reference, probe.results(point), message, why, tolerance=1e-12)


def _nothing_stays(examination: Examination) -> Iterator[Finding]:
    """Public attributes are copied and saved, so they must not keep any data of a batch after a call."""
    sizes: list[dict[str, int]] = []
    for point in examination.batches(9, both_modes=False):
        probe = examination.subject.at(point)
        with suppress(LayerFailure):  # the number of rows is tested by `batch`
            probe.run(point)
            parts = walk({"": probe.layer})
            sizes.append({name: numbers_in(value) for _, part in parts for name, value in part.__getstate__().items()})
    for name, size in sizes[0].items():
        if sizes[-1].get(name, size) != size:
            why = f"a cache needs a leading underscore: self._{name}; copies and files leave it out"
            yield examination.finding(f"the attribute {name} holds the batch, also in copies and files", name, why)


def _equal(examination: Examination, point: Point) -> Iterator[Finding]:
    if examination.subject.at(point).draws_at(point):
        return  # a copy may draw different numbers
    probe = examination.subject.at(point)
    expected = probe.results(point)
    probe.reset()  # the state as it was before that pass
    for way, layer in _twins(probe.layer):
        for _, part in walk({"": layer}):
            part.__dict__.setdefault("rng", probe.rng)
        twin = Probe(layer, probe.rng, Parameters({})).set({}, point.states)
        found = twin.call(point.x.copy(), point.dy.copy(), point.training)
        why = "something that forward or backward needs is in an underscore attribute, a cache by convention, "
        why += "or is set outside the constructor"
        message = f"{{}} of {way} differs from the original's"
        yield from examination.unequal(expected, found, message, why, tolerance=1e-12)
        layer.set_weights([weight + 1.0 for weight in layer.get_weights()])
        probe.reset()
        message = f"{{}} of the original changes with the parameters of {way}"
        why = "they share an array: a copy has to hold its own"
        yield from examination.unequal(expected, probe.results(point), message, why)


def _twins(layer: Layer) -> Iterator[tuple[str, Layer]]:
    with calling("__deepcopy__"):
        twin = copy.deepcopy(layer)
    yield "a deepcopy", twin
    if _can_be_pickled(layer):  # if not, `_pickled` tells whether the layer is to blame
        yield "a pickle", pickle.loads(pickle.dumps(layer))


def _pickled(examination: Examination) -> Iterator[Finding]:
    """The public attributes that a layer sets can be pickled, provided that its class and its arguments can."""
    layer = examination.subject.at(examination.point).layer
    if not _can_be_pickled((type(layer), examination.subject.arguments)):
        return
    for name, value in layer.__getstate__().items():
        if name != "declared" and name not in examination.subject.arguments and not _can_be_pickled(value):
            why = f"an underscore attribute, self._{name}, is left out of copies and files; or make it when needed"
            yield examination.finding(f"the attribute {name} cannot be pickled", name, why, line="y")


def _can_be_pickled(value: Any) -> bool:
    with suppress(Exception):
        return bool(pickle.dumps(value))
    return False

"""copies: a layer made from the config, a deepcopy and a pickle of a used layer give the same numbers."""

import copy
import pickle
from collections.abc import Iterator

from minidl.layers.base import Layer, walk
from minidl.parameters import Parameters
from minidl.testing.checks.equality import close, named
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Skipped
from minidl.testing.probe import Probe, calling


@register_check("copies", after=("numeric", "mode", "state"), level="standard")
def copies(examination: Examination) -> Iterator[Finding]:
    """Config, deepcopy and pickle."""
    if examination.subject.whole_batch:
        raise Skipped("a loss has no parameters to copy")
    yield from _config(examination)
    point = examination.point.with_(training=False)
    expected = named(*examination.run(point))
    probe = examination.subject.at(point)
    probe.run(point)
    for way, layer in _twins(probe.layer):
        for _, part in walk({"": layer}):
            part.__dict__.setdefault("rng", probe.rng)
        twin = Probe(layer, probe.rng, Parameters({}))
        found = named(twin.forward(point.x.copy(), False), twin.backward(point.dy.copy()))
        for name, value in expected.items():
            if not close(found.get(name), value, 1e-12):
                why = (
                    "something that forward or backward needs is in an underscore attribute, a cache by convention, "
                    "or is set outside the constructor"
                )
                yield examination.finding(f"{name} of {way} differs from the original's", name, why)


def _twins(layer: Layer) -> Iterator[tuple[str, Layer]]:
    with calling("__deepcopy__"):
        twin = copy.deepcopy(layer)
    yield "a deepcopy", twin
    try:
        data = pickle.dumps(layer)
    except Exception:  # a class that cannot be imported, or an argument that cannot be pickled
        return
    yield "a pickle", pickle.loads(data)


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

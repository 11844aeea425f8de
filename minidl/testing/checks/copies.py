"""copies: a layer made from the config, a deepcopy and a pickle of a used layer give the same numbers."""

import copy
import pickle
from collections.abc import Iterator

import numpy as np

from minidl.layers.base import Layer, walk
from minidl.parameters import Parameters
from minidl.testing.checks.contract import differing
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Skipped
from minidl.testing.subject import Arrays, Probe

NAME = "copies"


@register_check(NAME, after=("numeric", "mode", "state"), level="standard")
def copies(examination: Examination) -> Iterator[Finding]:
    """Config, deepcopy, pickle, and setting the weights of another layer."""
    if examination.subject.whole_batch:
        raise Skipped("a loss has no parameters to copy")
    yield from _config(examination)
    point = examination.point.with_(training=False)
    y, gradients = examination.run(point)
    expected = {"y": y, **gradients}
    probe = examination.subject.at(point)
    probe.run(point)
    for way, twin in _twins(probe.layer):
        twin_probe = Probe(twin, probe.rng, Parameters({}))
        for part in (layer for _, layer in walk({"": twin})):
            part.__dict__.setdefault("rng", probe.rng)
        found: Arrays = {"y": twin_probe.forward(point.x.copy(), False), **twin_probe.backward(point.dy.copy())}
        for name in differing(expected, found):
            if not np.allclose(found[name], expected[name], rtol=1e-12, atol=1e-13):
                yield Finding(
                    NAME,
                    f"{name} of {way} differs from the original's",
                    name,
                    why="something that forward or backward needs is in an underscore attribute, a cache by "
                    "convention, or set outside the constructor",
                )


def _twins(layer: Layer) -> Iterator[tuple[str, Layer]]:
    yield "a deepcopy", copy.deepcopy(layer)
    if "<" not in type(layer).__qualname__:
        try:
            data = pickle.dumps(layer)
        except Exception:  # an argument that cannot be pickled, or a class that cannot be imported
            return
        yield "a pickle", pickle.loads(data)


def _config(examination: Examination) -> Iterator[Finding]:
    """The constructor stores its arguments under their own names, unchanged."""
    layer = examination.subject.example
    try:
        config = layer.get_config()
        twin = type(layer).from_config(copy.deepcopy(config))
    except Exception as error:
        yield Finding(
            NAME,
            f"the layer cannot be made from its config: {type(error).__name__}: {error}",
            why="the constructor has to store each argument under its own name",
        )
        return
    for name, value in twin.get_config().items():
        if isinstance(value, (bool, int, float, str, tuple)) and value != config[name]:
            yield Finding(
                NAME,
                f"the argument {name} changes when the layer is made from its config: {config[name]!r} "
                f"becomes {value!r}",
                why="the constructor has to store each argument as it is",
            )

"""Survivors: which attribute carries something from one call to the next, found by taking it away in between."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.layers.base import walk
from minidl.testing.checks.equality import close, named
from minidl.testing.held import INTERNAL, held
from minidl.testing.probe import LayerFailure, Point, Probe

Make = Callable[[], Probe]


def kept_from(make: Make, history: Callable[[Probe], Any], point: Point) -> str:
    """Return which attribute has to go after ``history`` for the layer to be like a fresh one; empty if none alone.

    Parameters
    ----------
    make : function
        Makes a fresh clone for ``point``.
    history : function
        Calls a clone.
    """
    expected, used = named(*make().run(point)), make()
    history(used)
    for holder, name in attributes(used):
        probe = make()
        before = vars(holders(probe)[holder]).get(name)
        history(probe)
        now = vars(holders(probe)[holder])
        if before is None:
            now.pop(name, None)
        else:
            now[name] = before
        try:
            found = named(*probe.run(point))
        except LayerFailure:
            continue
        if all(close(found.get(key), value, 1e-12) for key, value in expected.items()):
            if name[0] != "_":
                return f"a call changes self.{name}, which belongs to the constructor: use an underscore attribute"
            told = f"self.{name} holds something from the call before that is used again (it accumulates, or is a cache"
            return f"{told} that is not renewed): set it anew in each forward"
    return ""


def attributes(probe: Probe) -> Iterator[tuple[int, str]]:
    """Yield the attributes of a used layer that a call may have set, as the number of their holder and a name."""
    for k, holder in enumerate(holders(probe)):
        for name, value in vars(holder).items():
            if (name[0] == "_" and name not in INTERNAL) or isinstance(value, float):
                yield k, name


def holders(probe: Probe) -> list[Any]:
    """Return the layer, the layers inside it, and the losses that they stand for."""
    parts = [part for _, part in walk({"self": probe.layer})]
    others = [getattr(part, "certified", None) for part in parts]
    return parts + [other for other in others if hasattr(other, "__dict__")]


def spoiled_by_backward(probe: Probe, point: Point) -> str:
    """Return what a backward pass changes that a second one needs; empty if nothing is seen to change."""
    probe.forward(point.x.copy(), point.training)
    before = held(probe.layer)
    states = [generator.bit_generator.state for generator, _ in probe.generators]
    probe.backward(point.dy.copy())
    if states != [generator.bit_generator.state for generator, _ in probe.generators]:
        return (
            "backward draws random numbers: it has to use those that forward drew, such as its mask, kept in self._..."
        )
    after = held(probe.layer)
    for name, value in before.items():
        if name not in after or not np.array_equal(value, after[name], equal_nan=True):
            return f"backward changes {name}, which forward keeps for it: work on a copy"
    return ""

"""Caches: the attribute that carries a value from one call to the next, found by resetting it in between."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.layers.tree import walk
from minidl.testing.agreement import close, named
from minidl.testing.cache import INTERNAL, cached_arrays
from minidl.testing.probe import LayerFailure, Point, Probe

Make = Callable[[], Probe]
Run = Callable[[Probe, Point], tuple[Any, Any]]


def stale_attribute(make: Make, history: Callable[[Probe], Any], point: Point, run: Run = Probe.run) -> str:
    """Return which attribute must be reset after ``history`` to make the layer behave like a fresh one; empty if none.

    Parameters
    ----------
    make : function
        Makes a fresh clone for ``point``.
    history : function
        Calls a clone.
    point : Point
    run : function
        ``run(clone, point)`` returns the output and the gradients after ``history``.
    """
    expected = named(*make().run(point))

    def is_as_fresh(probe: Probe) -> bool:
        try:
            found = named(*run(probe, point))
        except LayerFailure:
            return False
        return all(close(found.get(name), value, 1e-12) for name, value in expected.items())

    used, again = make(), make()
    history(used)
    history(again)
    if is_as_fresh(again):
        return attribute_of_identity(make(), point)  # reuse of an address depends on chance
    for k, name in attributes(used, make()):
        probe = make()
        at_first = {key: copy.copy(value) for key, value in vars(holders(probe)[k]).items()}
        history(probe)
        now = vars(holders(probe)[k])
        now.pop(name, None)
        now.update({name: at_first[name]} if name in at_first else {})
        if is_as_fresh(probe):
            if name[0] != "_":
                told = f"a call changes self.{name}, which belongs to the constructor: use an underscore attribute"
                return told + ("" if isinstance(now[name], float) else ", and set it in each forward")
            told = f"self.{name} holds something from the call before that is used again (it accumulates, or is a cache"
            return f"{told} that is not renewed): set it in each forward"
    return ""


def attribute_of_identity(probe: Probe, point: Point) -> str:
    """Return which attribute identifies the input by its address; empty if none does."""
    x = point.x.copy()
    probe.forward(x, point.training)
    for holder in holders(probe):
        for name, value in vars(holder).items():
            items = value if isinstance(value, (tuple, list)) else (value,)
            if any(type(item) is int and item == id(x) for item in items):
                text = f"self.{name} holds something from the call before: the address of x, where another array may be"
                return f"{text} the next time; set it in each forward"
    return ""


def attributes(used: Probe, fresh: Probe) -> Iterator[tuple[int, str]]:
    """Yield the attributes of a used layer that a call may have set, as (index of the holder, name)."""
    for k, (holder, before) in enumerate(zip(holders(used), holders(fresh), strict=False)):
        for name, value in vars(holder).items():
            own = name[0] == "_" and name not in INTERNAL
            set_since = vars(before).get(name) is None and isinstance(value, np.ndarray)
            if own or set_since or isinstance(value, float):
                yield k, name


def object_shared_with_twins(probe: Probe, point: Point) -> str:
    """Return which object a layer shares with its twins and changes in forward; empty if none is found."""
    probe.forward(point.x.copy(), point.training)
    twin = probe.layer.inference_twin()
    shared = [
        (name, value)
        for (_, part), (_, other) in zip(walk({"": probe.layer}), walk({"": twin}), strict=True)
        for name, value in vars(part).items()
        if isinstance(value, (dict, list, set)) and vars(other).get(name) is value
    ]
    before = [items_of(value) for _, value in shared]
    twin.forward(2 * point.x, False)
    for (name, value), items in zip(shared, before, strict=True):
        if [id(item) for item in items] != [id(item) for item in items_of(value)]:
            text = f"forward keeps something in self.{name}, one {type(value).__name__} for a layer and its twins"
            return f"{text}: keep it in underscore attributes, which each has for itself"
    return ""


def items_of(value: Any) -> list[Any]:
    """Return the items of a dictionary, list or set."""
    return list(value.values() if isinstance(value, dict) else value)


def holders(probe: Probe) -> list[Any]:
    """Return the layer, its inner layers, and the losses that they wrap."""
    parts = [part for _, part in walk({"self": probe.layer})]
    others = [getattr(part, "certified", None) for part in parts]
    return parts + [other for other in others if hasattr(other, "__dict__")]


def change_by_backward(probe: Probe, point: Point) -> str:
    """Return what backward changes although a second backward needs it; empty if no change is found."""
    probe.forward(point.x.copy(), point.training)
    before = cached_arrays(probe.layer)
    states = [generator.bit_generator.state for generator, _ in probe.generators]
    probe.backward(point.dy.copy())
    if states != [generator.bit_generator.state for generator, _ in probe.generators]:
        return "backward draws random numbers: it has to use those that forward drew, such as a mask in self._..."
    after = cached_arrays(probe.layer)
    for name, value in before.items():
        if name not in after or not np.array_equal(value, after[name], equal_nan=True):
            return f"backward changes {name}, which forward keeps for it: work on a copy"
    return ""

"""Sublayers: which layers inside the layer take part in forward, and are left out of backward."""

import sys
from collections import Counter
from types import FrameType
from typing import Any

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis


def left_out(e: Evidence) -> Claims:
    """A layer inside is called in forward more often than its backward: what it does is not differentiated."""
    if e.context is None or not e.context.layer.sublayers():
        return
    forward, backward = calls_inside(e)
    for path, count in forward.items():
        parent = path.rpartition("/")[0]
        if backward[path] < count and (not parent or backward[parent]):
            told = "self." + path.replace("/", ".")
            often = f"is called {count} times in forward" if count > 1 else "takes part in forward"
            never = f"its backward is called {backward[path]} times" if backward[path] else "its backward is not called"
            text = f"{told} {often}, and {never}: its derivative is left out, unless it is worked out otherwise"
            yield Hypothesis(text)
            return


def calls_inside(e: Evidence) -> tuple[Counter[str], Counter[str]]:
    """Return how often forward and backward of each layer inside are called in one run, by its path."""
    assert e.context is not None
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    seen: list[tuple[str, Any]] = []
    if sys.getprofile() is not None:  # a profiler is at work, which must not be disturbed
        return counts

    def note(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_name
        if event == "call" and name in ("forward", "backward", "backward_parameters"):
            owner = frame.f_locals.get("self")
            caller = frame.f_back.f_locals.get("self") if frame.f_back else None
            if isinstance(owner, Layer) and owner is not caller:  # not what calls itself, or its parent class
                seen.append((name, owner))

    sys.setprofile(note)
    try:
        e.context.run()
    finally:
        sys.setprofile(None)
    top = next((owner for _, owner in seen if type(owner) is type(e.context.layer)), None)
    paths = {id(part): path for path, part in walk(top.sublayers())} if top is not None else {}
    for name, owner in seen:
        if id(owner) in paths:
            counts[name != "forward"][paths[id(owner)]] += 1
    return counts


TESTS = [left_out]

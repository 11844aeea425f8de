"""Upcast: the line at which a float32 layer begins to compute in float64, and the argument that causes it."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.testing.diagnosis.where.source import Function, functions_behind

USUAL = "NumPy scalars such as np.sqrt(2.0) and new arrays are float64 unless told otherwise"


def origin_of_upcast(layer: Layer, call: Callable[[], Any]) -> tuple[str, str, str]:
    """Return why ``call`` leaves float32, and the place and its source, which are empty if not found."""
    functions = {f.function.__code__: f for f in functions_behind(layer)}
    last: dict[FrameType, int] = {}
    known: set[int] = {id(value) for value in vars(layer).values()}
    found: list[tuple[Function, int, Any]] = []

    def local(frame: FrameType, event: str, returned: Any) -> Any:
        values = [*frame.f_locals.values(), *vars(frame.f_locals.get("self", layer)).values(), returned]
        new = [value for value in values if is_double(value) and id(value) not in known]
        if new and not found and frame in last:
            found.append((functions[frame.f_code], last[frame], frame.f_locals.get("self")))
        known.update(map(id, new))
        last[frame] = frame.f_lineno
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, event, _: local(frame, event, None) if frame.f_code in functions else None)
    try:
        call()
    finally:
        sys.settrace(before)
    if not found:
        return USUAL, "", ""
    function, line, owner = found[0]
    where, source = function.place_of_line(line)
    for name, value in vars(owner).items() if owner is not None else ():
        if f"self.{name}" in source and isinstance(value, (np.ndarray, np.floating)) and value.dtype == np.float64:
            kind = "array" if isinstance(value, np.ndarray) else "NumPy number"
            return f"self.{name} is a float64 {kind}: convert it to the type of x", where, source
    return USUAL, where, source


def is_double(value: Any) -> bool:
    """Return whether a value is an array of float64."""
    return isinstance(value, np.ndarray) and value.dtype == np.float64

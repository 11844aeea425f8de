"""Setting: a numeric constructor argument, of the layer or of the loss in its place, that may take another value."""

import math
from typing import Any, NamedTuple

from minidl.config import Configured
from minidl.constructor import REQUIRED, constructor_arguments
from minidl.layers.base import Layer
from minidl.testing.context import Context


class Setting(NamedTuple):
    """A numeric constructor argument: its value, its default, and the object that it belongs to, if not the layer."""

    value: float
    default: Any
    owner: Any = None
    argument: str = ""
    config: dict[str, Any] = {}

    def changed(self, name: str, value: float) -> dict[str, Any]:
        """Return the change of the call that gives the argument another value."""
        value = type(self.value)(value)
        if self.owner is None:
            return {"arguments": {name: value}}
        return {"arguments": {self.argument: self.owner.from_config({**self.config, name: value})}}


def is_number(value: Any) -> bool:
    """Return whether a constructor argument is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def settings_of(context: Context | None) -> dict[str, Setting]:
    """Return the numeric constructor arguments, those of a loss in the layer's place included."""
    found: dict[str, Setting] = {}
    for name, value in (context.arguments if context else {}).items():
        if isinstance(value, Configured) and not isinstance(value, Layer):
            inner, kind = value.get_config(), type(value)
            defaults = constructor_arguments(kind)
            found |= {k: Setting(v, defaults[k], kind, name, inner) for k, v in inner.items() if is_number(v)}
        elif is_number(value):
            assert context is not None
            found[name] = Setting(value, constructor_arguments(type(context.layer)).get(name, REQUIRED))
    return found

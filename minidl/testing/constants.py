"""Constants: the numbers and strings in a layer's own code, near which its special cases begin."""

import inspect
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.losses import Loss

MOST = 12  # of each kind


class Constants(NamedTuple):
    """Magnitudes of numeric literals, and string literals that may be values of arguments."""

    numbers: tuple[float, ...]
    words: tuple[str, ...]

    def lengths(self, most: int) -> list[int]:
        """Return the integers from 3 to ``most`` and their neighbours: lengths at which a special case may begin."""
        found = [int(number) for number in self.numbers if number == int(number) and 3 <= number <= most]
        return sorted({other for number in found for other in (number - 1, number, number + 1)})


def constants_of(layer: Layer) -> Constants:
    """Return the constants in the methods of a layer, of its inner layers and of the loss it wraps, if any."""
    parts = [part for _, part in walk({"": layer})]
    classes = {type(part) for part in parts} | {type(getattr(layer, "certified", layer))}
    codes = [code for cls in sorted(classes, key=str) for base in cls.__mro__ for code in _codes(base)]
    found: dict[Any, None] = {}
    while codes:
        for value in codes.pop(0).co_consts:
            for item in value if isinstance(value, (tuple, frozenset)) else (value,):
                if isinstance(item, CodeType):
                    codes.append(item)
                elif isinstance(item, (int, float, str)) and not isinstance(item, bool):
                    found[item if isinstance(item, str) else abs(float(item))] = None
    numbers = [value for value in found if isinstance(value, float) and 1e-12 < value < 1e9 and value != 1]
    words = [value for value in found if isinstance(value, str) and value.isidentifier() and len(value) <= 16]
    return Constants(tuple(numbers[:MOST]), tuple(words[:MOST]))


@lru_cache(maxsize=512)
def _codes(cls: type) -> tuple[CodeType, ...]:
    if cls in (*Layer.__mro__, *Loss.__mro__):
        return ()
    functions = [inspect.unwrap(getattr(member, "__func__", member)) for member in vars(cls).values()]
    return tuple(function.__code__ for function in functions if inspect.isfunction(function))

"""Constants: the numbers and words in a layer's own code, near which its special cases begin.

A branch for more than 50 rows, or for one value of an argument, is met by chance seldom, and surely once its own
constant is tried.
"""

import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from minidl.config import Configured
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.losses import Loss

USUAL = {0.0, 1.0}  # met in any case
MOST = 12  # constants of each kind


class Mentioned(NamedTuple):
    """What the code of a class mentions: magnitudes of numbers, and words that may be values of arguments."""

    numbers: tuple[float, ...]
    words: tuple[str, ...]

    def whole(self, most: int) -> list[int]:
        """Return the whole numbers from 3 to ``most`` with their neighbours: lengths at which something may begin."""
        found = [int(number) for number in self.numbers if number == int(number) and 3 <= number <= most]
        return sorted({other for number in found for other in (number - 1, number, number + 1)})


def mentioned(layer: Any) -> Mentioned:
    """Return what the classes of a layer, of the layers inside it and of a loss in its place mention."""
    parts = [part for _, part in walk({"": layer})] if isinstance(layer, Layer) else []
    classes = [type(part) for part in parts] + [type(getattr(layer, "certified", layer))]
    numbers: dict[float, None] = {}
    words: dict[str, None] = {}
    for cls in dict.fromkeys(classes):
        found = _of_class(cls)
        numbers.update(dict.fromkeys(found.numbers))
        words.update(dict.fromkeys(found.words))
    return Mentioned(tuple(numbers)[:MOST], tuple(words)[:MOST])


@lru_cache(maxsize=512)
def _of_class(cls: type) -> Mentioned:
    numbers: dict[float, None] = {}
    words: dict[str, None] = {}
    seen: set[int] = set()
    for base in cls.__mro__:
        if base in (Layer, Loss, Configured, object):
            break
        for member in vars(base).values():
            for value in _values(member, seen):
                if isinstance(value, str):
                    if value.isidentifier() and len(value) <= 16:
                        words[value] = None
                elif 1e-12 < abs(value) < 1e9 and abs(value) not in USUAL:
                    numbers[abs(float(value))] = None
    return Mentioned(tuple(numbers), tuple(words))


def _values(member: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the numbers and words of a class's member: a constant, or what a function and its helpers mention."""
    if isinstance(member, property):
        member = member.fget
    member = getattr(member, "__func__", member)
    if isinstance(member, types.FunctionType):
        if id(member) not in seen:
            seen.add(id(member))
            yield from _of_code(member.__code__, member.__globals__, seen)
    elif isinstance(member, (int, float)) and not isinstance(member, bool):
        yield member


def _of_code(code: types.CodeType, names: dict[str, Any], seen: set[int]) -> Iterator[Any]:
    stack = list(code.co_consts)
    while stack:
        value = stack.pop(0)
        if isinstance(value, types.CodeType):
            yield from _of_code(value, names, seen)
        elif isinstance(value, (tuple, frozenset)):
            stack += value
        elif isinstance(value, (int, float, str)) and not isinstance(value, bool):
            yield value
    for name in code.co_names:
        value = names.get(name)
        own = not str(getattr(value, "__module__", "")).startswith(("numpy", "scipy", "minidl."))
        if isinstance(value, (int, float)) or (isinstance(value, types.FunctionType) and own):
            yield from _values(value, seen)

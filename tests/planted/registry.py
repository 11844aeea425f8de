"""The lists of right layers and of planted bugs, and the decorators that fill them."""

import inspect
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from minidl.layers import Layer
from minidl.losses import Loss

T = TypeVar("T", bound=type)
FORMULA = "wrong formula"
REGION = "rare region, shape, parameter"
STATE = "state, cache, aliasing"
PRECISION = "precision"
INTERFACE = "dtype, layout, empty, extreme, eval, rng"
CATEGORIES = [FORMULA, REGION, STATE, PRECISION, INTERFACE]


class Planted(NamedTuple):
    """One layer or loss, right or wrong."""

    kind: type[Layer] | type[Loss]
    arguments: tuple[Any, ...]
    input_shape: tuple[int, ...] | None  # None: the kit finds one
    category: str = "right"
    words: str = ""  # a regular expression that a right diagnosis matches, and no empty one
    edited: tuple[int, ...] | None = None  # lines that were made wrong; None: all of the class

    @property
    def name(self) -> str:
        return self.kind.__name__

    @property
    def is_loss(self) -> bool:
        return issubclass(self.kind, Loss)

    @property
    def lines(self) -> tuple[str, Container[int]]:
        """The name of the source file, and the lines in it that are wrong."""
        source, first = inspect.getsourcelines(self.kind)
        lines = range(first, first + len(source)) if self.edited is None else self.edited
        return Path(inspect.getsourcefile(self.kind) or "").name, lines

    def make(self) -> Any:
        return self.kind(*self.arguments)


CORRECT: list[Planted] = []
BUGS: list[Planted] = []


def correct(*arguments: Any, shape: tuple[int, ...] = (4,)) -> Callable[[T], T]:
    """Enter a right layer, made with these arguments for inputs of this shape (no batch axis)."""

    def enter(kind: T) -> T:
        CORRECT.append(Planted(kind, arguments, shape))
        return kind

    return enter


def bug(
    category: str, words: str, arguments: tuple[Any, ...] | None = None, shape: tuple[int, ...] | None = None
) -> Callable[[T], T]:
    """Enter a wrong variant of the right layer that it derives from."""

    def enter(kind: T) -> T:
        right = next(planted for base in kind.__mro__ for planted in CORRECT if planted.kind is base)
        BUGS.append(
            Planted(
                kind,
                right.arguments if arguments is None else arguments,
                right.input_shape if shape is None else shape,
                category,
                words,
            )
        )
        return kind

    return enter

"""Right layers and bugs: a bug is a right source and an edit of it, written as a diff.

The classes in ``dense.py`` are right; ``dense.diff`` next to it has their bugs::

    === Dense(5) on (4,)

    MeanForTheBias: formula: 1/batch size
    # What is wrong, where the edit does not say it.
    -        self.db = dy.sum(axis=0)
    +        self.db = dy.mean(axis=0)

A section names the class, its arguments and the shape of its rows; without a shape, the kit finds one. A bug has a name
(and arguments, if it needs other ones), a category, and a regular expression for the words of a diagnosis that names
the cause. ``@@`` separates two edits of one bug. An edit of added lines alone goes to the end of the class.
"""

import ast
import functools
import importlib
import inspect
import linecache
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from minidl.layers import Layer
from minidl.losses import Loss

CATEGORIES = {
    "formula": "wrong formula",
    "region": "rare region, shape, parameter",
    "state": "state, cache, aliasing",
    "precision": "precision",
    "interface": "dtype, layout, empty, extreme, eval, rng",
}
SECTION = re.compile(r"=== (?P<cls>\w+)(?P<arguments>\(.*?\))?(?: on (?P<shape>\(.*\)))?")
HEADING = re.compile(rf"(?P<name>\w+)(?P<arguments>\(.*?\))?: (?P<category>{'|'.join(CATEGORIES)}): (?P<words>.+)")


class Planted(NamedTuple):
    """One layer or loss, right or wrong."""

    name: str
    module: str  # of the right class
    cls: str  # the name of the right class, and of the wrong one
    arguments: tuple[Any, ...]
    input_shape: tuple[int, ...] | None  # None: the kit finds one
    category: str = "right"
    words: str = ""  # a regular expression that a right diagnosis matches, and no empty one
    truth: str = ""
    edits: tuple[str, ...] = ()

    @property
    def kind(self) -> type[Layer] | type[Loss]:
        return getattr(load(self), self.cls)

    @property
    def right(self) -> type[Layer] | type[Loss]:
        """The class in which the bug is planted."""
        return getattr(importlib.import_module(self.module), self.cls)

    @property
    def is_loss(self) -> bool:
        return issubclass(self.right, Loss)

    @property
    def file(self) -> str:
        """The name of the file with the bug."""
        return f"{self.name}.py"

    @property
    def lines(self) -> set[int]:
        """The numbers of the lines that the bug changed or added."""
        return source(self)[1]

    def make(self) -> Any:
        return self.kind(*self.arguments)


def source(planted: Planted) -> tuple[str, set[int]]:
    """Return the source of the module with the bug in it, and the numbers of the wrong lines."""
    text = inspect.getsource(importlib.import_module(planted.module)).splitlines()
    own, first = inspect.getsourcelines(planted.right)
    start, end = first - 1, first - 1 + len(own)
    wrong: set[int] = set()
    for edit in planted.edits:
        old = [line[1:] for line in edit.splitlines() if line[0] != "+"]
        new = [line for line in edit.splitlines() if line[0] != "-"]
        places = [n for n in range(start, end) if text[n : n + len(old)] == old] if old else [end]
        if len(places) != 1:
            raise ValueError(f"{planted.name}: expected these lines once, got them {len(places)} times: {old}")
        place, grown = places[0], len(new) - len(old)
        text[place : place + len(old)] = [line[1:] for line in new]
        end += grown
        wrong = {n + grown if n > place else n for n in wrong}
        wrong |= {place + n for n, line in enumerate(new, 1) if line[0] == "+"}
    return "\n".join(text) + "\n", wrong


@functools.cache
def load(planted: Planted) -> ModuleType:
    """Return the module with the bug in it; it is entered, so that objects can be pickled and the source read."""
    if not planted.edits:
        return importlib.import_module(planted.module)
    text, _ = source(planted)
    name = f"planted_{planted.name}"
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = planted.file
    linecache.cache[planted.file] = len(text), None, text.splitlines(keepends=True), planted.file
    exec(compile(text, planted.file, "exec"), vars(module))
    return module


def read(package: str) -> tuple[list[Planted], list[Planted]]:
    """Return the right layers of a package and the bugs in them."""
    right: list[Planted] = []
    bugs: list[Planted] = []
    for path in sorted(Path(importlib.import_module(package).__path__[0]).glob("*.diff")):
        for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
            first, _, rest = block.partition("\n")
            if section := SECTION.fullmatch(first):
                cls, shape = section["cls"], section["shape"]
                shape = ast.literal_eval(shape) if shape else None
                right.append(Planted(cls, f"{package}.{path.stem}", cls, values(section["arguments"]), shape))
            elif heading := HEADING.fullmatch(first):
                bugs.append(bug(right[-1], heading, rest))
            else:
                raise ValueError(f"{path.name}: expected the heading of a section or of a bug, got {first!r}")
    return right, bugs


def bug(right: Planted, heading: re.Match[str], rest: str) -> Planted:
    """Return the bug in a right layer that a heading and the lines below it describe."""
    truth = re.match(r"# (.*)\n", rest)
    return right._replace(
        name=heading["name"],
        arguments=values(heading["arguments"]) if heading["arguments"] else right.arguments,
        category=CATEGORIES[heading["category"]],
        words=heading["words"],
        truth=truth[1] if truth else "",
        edits=tuple(rest[truth.end() if truth else 0 :].split("\n@@\n")),
    )


def values(arguments: str | None) -> tuple[Any, ...]:
    """Return the values of arguments, such as ``"(7, 3)"``."""
    return ast.literal_eval(arguments[:-1] + ",)") if arguments and arguments != "()" else ()

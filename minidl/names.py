"""Names of Keras: where a name of Keras 3, or of an older version, is found here, or what to use in its place.

The table is names.txt. It is read when an unknown name is met, and docs/keras.md is made from it.
"""

import pkgutil
import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError

PAGE = "See docs/keras.md."
SECTIONS = {"schedules": "optimizers.schedules", "sequential": "models"}  # where Keras has them


class Entry(NamedTuple):
    """A line of the table.

    Its kind is "missing" (the text says what to do), "renamed" (the text is the name here, which is taken for it) or
    "differs" (the text says how).
    """

    names: tuple[str, ...]
    kind: str
    text: str

    @property
    def fix(self) -> str:
        """The end of a message: what to write."""
        return f"minidl calls it {self.text}. {PAGE}" if self.kind == "renamed" else f"{self.text} {PAGE}"


@cache
def table() -> dict[str, list[Entry]]:
    """Return the entries of names.txt by their sections, the modules and base classes of Keras."""
    sections: dict[str, list[Entry]] = {}
    entries: list[Entry] = []
    for line in (pkgutil.get_data("minidl", "names.txt") or b"").decode().splitlines():
        if line.startswith("["):
            entries = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            names, kind, text = (part.strip() for part in line.split("|", 2))
            entries.append(Entry(tuple(names.split()), kind, text))
    return sections


def find(section: str, *names: str) -> Entry | None:
    """Return the entry of the first of the names that is in a section of the table."""
    known = {name: entry for entry in table().get(section, ()) for name in entry.names if entry.kind != "differs"}
    return next((known[name] for name in names if name in known), None)


IRREGULAR = (("ReLU", "Relu"), ("SiLU", "Silu"), ("AdamW", "Adamw"), ("KLD", "KlD"), ("TopK", "TopK_"))


@lru_cache(maxsize=1024)
def snake_case(name: str) -> str:
    """Return the Keras-style name of a class: ``"BinaryCrossentropy"`` -> ``"binary_crossentropy"``."""
    for irregular, regular in IRREGULAR:
        name = name.replace(irregular, regular)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def plain_name(name: str) -> str:
    """Return a name without what spellings differ in: ``"leaky_relu"`` and ``"LeakyReLU"`` -> ``"leakyrelu"``."""
    return name.replace("_", "").lower()


def with_article(noun: str) -> str:
    """Return "an initializer" for "initializer"."""
    return f"{'an' if noun[:1] in 'aeiouAEIOU' else 'a'} {noun}"


def translate(cls: type, keywords: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return a constructor's keywords by the names that they have here.

    Raises
    ------
    ArgumentError
        For an unknown one, with what to do where Keras has it.
    """
    translated = {}
    for name, value in keywords.items():
        entry = None if name in known else _argument(cls, name)
        here = entry.text if entry is not None and entry.kind == "renamed" else name
        if here not in known or (here != name and here in keywords):
            raise _refusal(cls, name, entry, known)
        translated[here] = value
    return translated


def _argument(cls: type, name: str) -> Entry | None:
    for base in cls.__mro__:
        home, section, *_ = [*base.__module__.split("."), ""]
        entry = find(SECTIONS.get(section, section), f"{base.__name__}({name})", f"*({name})")
        if entry and home == "minidl":
            return entry
    return None


def refuse(method: Callable[..., Any], keywords: Iterable[str]) -> None:
    """Raise an `ArgumentError` for a keyword that a method of a model does not take, with what to do."""
    for name in keywords:
        raise _refusal(method, name, find("Sequential", f"{method.__name__}({name})"), argument_names(method))


def argument_names(function: Any) -> tuple[str, ...]:
    """Return the names of the arguments that a method or a constructor takes, but for ``self``."""
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    return tuple(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]) if code else ()


def _refusal(who: Any, name: str, entry: Entry | None, known: Iterable[str]) -> ArgumentError:
    text = entry.fix if entry else f"expected one of {', '.join(known)}.{did_you_mean(name, known)}"
    return ArgumentError(f"{who.__name__} has no argument {name!r}: {text}")


def entry_of_string(value: str, family: type) -> Entry | None:
    """Return the entry of a string that Keras knows for a class or function of a family, such as "adadelta"."""
    section = "activations" if family.__name__ == "ActivationLayer" else family.__module__.split(".")[1]
    names = (name for entry in table().get(section, ()) for name in entry.names)
    return find(section, *(name for name in names if plain_name(name) == plain_name(value)))


def attribute(thing: Any, name: str) -> Any:
    """Return the attribute of ``thing`` that Keras calls ``name``; otherwise raise an AttributeError that explains it.

    For the ``__getattr__`` of classes, which is called for attributes that are missing.
    """
    entry = find_for(type(thing), name) if name[0] != "_" else None
    if entry is not None and entry.kind == "renamed":
        return getattr(thing, entry.text)
    text = f": {entry.fix}" if entry else ""
    unnamed = {"name": "", "obj": None} if text else {}  # so that Python adds no "Did you mean"
    raise AttributeError(f"{type(thing).__name__} has no attribute {name!r}{text}", **unnamed)


def find_for(cls: type, name: str) -> Entry | None:
    """Return the entry of an attribute or method of a class, under the nearest base class that has one."""
    return next((entry for base in cls.__mro__ if (entry := find(base.__name__, name)) is not None), None)

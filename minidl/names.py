"""Names of Keras: what a name of Keras 3 or an older version is called here, or what to use instead.

The table is names.txt. It is read when an unknown name is used, and docs/keras.md is generated from it.
"""

import pkgutil
import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError, CacheError

PAGE = "See docs/keras.md."
SECTIONS = {"schedules": "optimizers.schedules", "sequential": "models"}  # the modules of Keras that define them


class Entry(NamedTuple):
    """A line of the table.

    Its kind is "missing" (the text says what to do), "renamed" (the text is the name in minidl, which is used instead)
    or "differs" (the text says how).
    """

    names: tuple[str, ...]
    kind: str
    text: str

    @property
    def fix(self) -> str:
        """The end of a message: what to write instead."""
        return f"minidl calls it {self.text}. {PAGE}" if self.kind == "renamed" else f"{self.text} {PAGE}"


@cache
def table() -> dict[str, list[Entry]]:
    """Return the entries of names.txt by section; the sections are modules and base classes of Keras."""
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
    """Return the entry of the first of these names that a section of the table contains."""
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
    """Return a name in lower case without underscores: ``"leaky_relu"`` and ``"LeakyReLU"`` -> ``"leakyrelu"``."""
    return name.replace("_", "").lower()


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article, such as "an initializer"."""
    return f"{'an' if noun[:1] in 'aeiouAEIOU' else 'a'} {noun}"


def translate(cls: type, keywords: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return a constructor's keywords with Keras' names replaced by minidl's.

    Raises
    ------
    ArgumentError
        For an unknown keyword; if Keras has it, the message says what to do instead.
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
    """Raise an `ArgumentError` for a keyword that a model's method does not take, saying what to do instead."""
    for name in keywords:
        raise _refusal(method, name, find("Sequential", f"{method.__name__}({name})"), argument_names(method))


def argument_names(function: Any) -> tuple[str, ...]:
    """Return the argument names of a method or constructor, without ``self``."""
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    return tuple(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]) if code else ()


def _refusal(who: Any, name: str, entry: Entry | None, known: Iterable[str]) -> ArgumentError:
    text = entry.fix if entry else f"expected one of {', '.join(known)}.{did_you_mean(name, known)}"
    return ArgumentError(f"{who.__name__} has no argument {name!r}: {text}")


def entry_of_string(value: str, family: type) -> Entry | None:
    """Return the entry of a string that names a class or function in Keras, such as "adadelta"."""
    section = "activations" if family.__name__ == "ActivationLayer" else family.__module__.split(".")[1]
    names = (name for entry in table().get(section, ()) for name in entry.names)
    return find(section, *(name for name in names if plain_name(name) == plain_name(value)))


def attribute(thing: Any, name: str) -> Any:
    """Return the attribute of ``thing`` that Keras calls ``name``, or raise an AttributeError that explains it.

    Used as ``__getattr__`` of classes, which Python calls for missing attributes and for failing properties.
    """
    found: Any = next((vars(base)[name] for base in type(thing).__mro__ if name in vars(base)), None)
    if hasattr(found, "__get__"):  # a property that raised an AttributeError, which Python hides: raise it again
        return found.__get__(thing)
    if name.startswith("_") and not name.startswith("__"):
        text = "expected a call of forward, or of what sets it. What copies keep has a name without the underscore."
        raise CacheError(f"{type(thing).__name__}: {name}: {text}")
    entry = find_for(type(thing), name)
    if entry is not None and entry.kind == "renamed":
        return getattr(thing, entry.text)
    text = f": {entry.fix}" if entry else ""
    unnamed = {"name": "", "obj": None} if text else {}  # so that Python adds no "Did you mean"
    raise AttributeError(f"{type(thing).__name__} has no attribute {name!r}{text}", **unnamed)


def find_for(cls: type, name: str) -> Entry | None:
    """Return the entry of an attribute or method under the nearest base class of ``cls`` that has one."""
    return next((entry for base in cls.__mro__ if (entry := find(base.__name__, name)) is not None), None)

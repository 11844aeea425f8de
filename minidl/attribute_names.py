"""Attribute names: the names that an object has, and which of them a wrong name means."""

from functools import lru_cache
from typing import Any, Never

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError
from minidl.names import PAGE, find_for


def name_here(made: Any, name: str) -> str:
    """Return under which name ``made`` has the new attribute ``name``: Keras' names are translated.

    Raises
    ------
    ArgumentError
        For one that a class of minidl's does not have, unless it is ``open_to_names``. Other classes may have any, but
        not one that differs by a slip of the finger from an attribute that minidl looks at.
    """
    cls: Any = type(made)
    known = attributes_of(cls)
    if name in known:
        return name
    if not is_builtin(cls):
        near = near_miss(name, known)
    elif made.open_to_names:
        near = near_miss(name, (*known, *vars(made)))
    else:
        entry = find_for(cls, name)
        if entry is not None and entry.kind == "renamed":
            return entry.text
        hint = did_you_mean(name, [one for one in (*known, *vars(made), *dir(cls)) if one[0] != "_"])
        fix = f" {entry.fix}" if entry else hint
        raise ArgumentError(f"{cls.__name__}: expected an attribute that it has, got {name!r}.{fix}")
    if near:
        raise ArgumentError(f"{cls.__name__}: expected another name, got {name!r}. Did you mean {near!r}?")
    return name


def refuse_unfinished(cls: Any) -> Never:
    """Raise a TypeError for a class without all its methods; it says what to write for those that Keras has instead."""
    own = sorted({name for base in cls.__mro__ if not is_builtin(base) for name in vars(base)})
    texts = [f" In place of {name}: {entry.text.rstrip('.')}." for name in own if (entry := find_for(cls, name))]
    missing, page = " and ".join(sorted(cls.__abstractmethods__)), f" {PAGE}" if texts else ""
    raise TypeError(f"{cls.__name__}: expected the class to define {missing}.{''.join(texts)}{page}")


@lru_cache(maxsize=512)
def attributes_of(cls: type) -> tuple[str, ...]:
    """Return the public attributes, but for methods, that minidl's classes among the bases of ``cls`` declare."""
    return tuple(
        name
        for base in cls.__mro__
        if is_builtin(base)
        for name in (*getattr(base, "__annotations__", ()), *vars(base))
        if name[0] != "_" and not callable(getattr(base, name, None))
    )


@lru_cache(maxsize=4096)
def near_miss(name: str, known: tuple[str, ...]) -> str | None:
    """Return the one of ``known`` names that ``name`` is with a slip of the finger, or None."""
    return next((one for one in known if is_slip(name, one)), None)


def is_slip(name: str, known: str) -> bool:
    """Return whether ``name`` is ``known``, a word of five letters or more, with a letter or two wrong."""
    if len(known) < 5 or name.rstrip("s_0123456789") == known.rstrip("s_0123456789"):
        return False
    import difflib  # only an unknown name needs it

    return difflib.SequenceMatcher(None, name, known).ratio() > 0.85


def is_builtin(cls: type) -> bool:
    """Return whether a class is one of minidl's."""
    return cls.__module__.startswith("minidl.")

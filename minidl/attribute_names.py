"""Attribute names: those that an object has, and the one that a misspelled name means."""

from functools import lru_cache
from typing import Any, Never

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError, LayerError
from minidl.names import PAGE, find_for

# methods that Keras calls, and those that minidl calls in their place, if any
OF_KERAS = {"call": "forward", "update_state": "update", "reset_state": "reset", "reset_states": "reset"}
OF_KERAS |= {"update_step": "update", "__call__": "penalty", "make_train_function": "", "make_test_function": ""}
OF_KERAS |= dict.fromkeys(("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics"), "")


def name_here(made: Any, name: str) -> str:
    """Return the name under which ``made`` stores the new attribute ``name``; Keras' names are translated.

    Raises
    ------
    ArgumentError
        If a minidl class does not have the attribute, unless the class is ``open_to_names``. Custom classes may have
        any attribute except one that looks like a typo for an attribute that minidl uses.
    """
    cls: Any = type(made)
    known = attributes_of(cls)
    if name in known:
        return name
    if not is_builtin(cls):
        near = near_miss(name, known)
    elif made.open_to_names:
        other_number = (one for one in vars(made) if one in (f"{name}s", name.removesuffix("s")))
        near = near_miss(name, (*known, *vars(made))) or next(other_number, None)
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
    """Raise a TypeError for a class with abstract methods left; it says what replaces the Keras methods it defines."""
    texts = [
        f" In place of {name}: {one.text.rstrip('.')}." for name in defined_names(cls) if (one := find_for(cls, name))
    ]
    missing, page = " and ".join(sorted(cls.__abstractmethods__)), f" {PAGE}" if texts else ""
    raise TypeError(f"{cls.__name__}: expected the class to define {missing}.{''.join(texts)}{page}")


def refuse_uncalled(cls: Any) -> None:
    """Raise a `LayerError` for a method of a custom class that Keras calls and minidl does not."""
    own, fixes = defined_names(cls), getattr(cls, "uncalled", {})
    for name in own:
        entry = find_for(cls, name) if name in OF_KERAS and OF_KERAS[name] not in own else None
        if fix := fixes.get(name) or (entry and entry.fix):
            raise LayerError(f"{cls.__name__}: {name}: this method would never be called. {fix}")


def defined_names(cls: type) -> list[str]:
    """Return the names that the custom classes among ``cls`` and its bases define."""
    return sorted({name for base in cls.__mro__ if not is_builtin(base) for name in vars(base)})


@lru_cache(maxsize=512)
def attributes_of(cls: type) -> tuple[str, ...]:
    """Return the public attributes, except methods, that minidl's base classes of ``cls`` declare."""
    return tuple(
        name
        for base in cls.__mro__
        if is_builtin(base)
        for name in (*getattr(base, "__annotations__", ()), *vars(base))
        if name[0] != "_" and not callable(getattr(base, name, None))
    )


@lru_cache(maxsize=4096)
def near_miss(name: str, known: tuple[str, ...]) -> str | None:
    """Return the first of the ``known`` names that ``name`` is a typo of, or None."""
    return next((one for one in known if is_slip(name, one)), None)


def is_slip(name: str, known: str) -> bool:
    """Return whether ``name`` is ``known`` with one or two wrong letters; ``known`` must have five letters or more."""
    if len(known) < 5 or len(name) > 2 * len(known) or name.rstrip("s_0123456789") == known.rstrip("s_0123456789"):
        return False
    import difflib  # only needed for an unknown name

    return difflib.SequenceMatcher(None, name, known).ratio() > 0.85


def is_builtin(cls: type) -> bool:
    """Return whether a class is one of minidl's."""
    return cls.__module__.startswith("minidl.")

"""Settings: the attributes of configured objects, when their constructor is done."""

import itertools
from abc import ABCMeta
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np

from minidl.checks import did_you_mean
from minidl.constructor import constructor_arguments
from minidl.errors import ArgumentError, LayerError, StateError
from minidl.names import PAGE, find

T = TypeVar("T")
# What may hold scalars of NumPy, for each item of a value; and how to get the items of the types that have some.
NUMPY = itertools.repeat((np.generic, list, tuple, dict))
ITEMS: dict[type, Any] = {list: iter, tuple: iter, dict: dict.items}
ALONE = partial(itertools.repeat, times=1)

# the methods that minidl calls with all arguments of its own classes
CALLED = frozenset(
    "build forward backward backward_parameters update result initial_state penalty gradient minimize __call__".split()  # noqa: SIM905
)


class SettingsType(ABCMeta):
    """The class of classes with settings: these are watched once the constructor is done."""

    def __call__(cls: type[T], *args: Any, **keywords: Any) -> T:  # no Any: type checkers then read the constructor
        made = cls.__new__(cls)
        run_constructor(made, *args, **keywords)
        return made


class Settings(metaclass=SettingsType):
    """Abstract base: an attribute without a leading underscore that is set later passes `set_public`.

    Attributes
    ----------
    open_to_names : bool
        Class attribute: whether any attribute can be set, although the class is one of minidl's.
    """

    open_to_names = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] == "_":  # a cache: the common case in training, kept cheap
            self.__dict__[name] = value
        elif "_constructing" in self.__dict__:
            object.__setattr__(self, name, value)
        else:
            self.set_public(name, value)

    def set_public(self, name: str, value: Any) -> None:
        """Set an attribute of a finished object.

        A constructor's argument is checked and stored as the constructor would; a property checks for itself.

        Raises
        ------
        ArgumentError
            For a name that a built-in class does not have, or one that almost is one that a base class has.
        StateError
            For an argument that no longer has an effect.
        """
        who, known = type(self).__name__, getattr(type(self), name, None)
        if isinstance(known, property):
            if known.fset is None:
                raise ArgumentError(f"{who}: {name}: expected no assignment: it follows from other attributes.")
        elif callable(known) and not callable(value) and name not in self.__dict__ and is_builtin(type(self)):
            raise ArgumentError(f"{who}: {name}: expected a function, got {value!r}. It is a method.")
        elif name in self.__dict__ and name in constructor_arguments(type(self)) and name in self.stored_arguments():
            self.set_together({name: value})
            return
        elif known is None and name not in self.__dict__ and name != (here := name_here(self, name)):
            setattr(self, here, value)
            return
        object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles hold: everything but caches."""
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name."""
        return {}

    def stored_arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments by name; none where it has not stored all of them under their names."""
        try:
            return self.get_config()
        except ArgumentError:
            return {}

    def set_together(self, settings: dict[str, Any]) -> None:
        """Set some of the constructor's arguments, which it checks together."""
        fresh = vars(self.with_settings(settings))
        for name, value in settings.items():
            object.__setattr__(self, name, fresh.get(name, value))

    def with_settings(self, settings: dict[str, Any]) -> Any:
        """Return a new object with other ``settings``, arguments of the constructor, which checks them."""
        if "_fixed" in self.__dict__:
            raise StateError(f"{type(self).__name__}: {next(iter(settings))}: {self.__dict__['_fixed']}")
        made: Any = type(self)
        return made.from_config({**self.get_config(), **settings})


def run_constructor(made: Any, *args: Any, **keywords: Any) -> None:
    """Run the constructor of ``made``, a new object; NumPy's integers become Python's, and a name must be a string."""
    attributes = made.__dict__
    if "_methods_fit" not in vars(type(made)):
        check_methods(type(made))
    attributes["_constructing"] = True
    type(made).__init__(made, *args, **keywords)
    del attributes["_constructing"]
    for name, value in attributes.items():
        if any(map(isinstance, ITEMS.get(type(value), ALONE)(value), NUMPY)):
            attributes[name] = without_numpy(value)
    if not isinstance(attributes.get("name"), str | None):
        raise ArgumentError(f"{type(made).__name__}: name: expected a string, got {attributes['name']!r}.")


def without_numpy(value: Any) -> Any:
    """Return ``value``; an integer, bool or string of NumPy, alone or in a list, tuple or dict, as Python's."""
    if isinstance(value, np.generic):
        item = value.item()
        same = isinstance(value, (np.float32, np.float64)) or type(item) not in (bool, int, float, str)
        return value if same else item  # the former two come back from files as they are
    if type(value) is dict:
        return {without_numpy(key): without_numpy(item) for key, item in value.items()}
    if type(value) in (list, tuple) and any(map(isinstance, value, NUMPY)):
        return type(value)([without_numpy(item) for item in value])
    return value


def fix_settings(made: Any, why: str) -> None:
    """Refuse from now on that an argument of ``made`` is changed; ``why`` ends the message. Copies are free again."""
    made.__dict__["_fixed"] = why


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
        entry = next((entry for base in cls.__mro__ if (entry := find(base.__name__, name))), None)
        if entry is not None and entry.kind == "renamed":
            return entry.text
        hint = did_you_mean(name, [one for one in (*known, *vars(made), *dir(cls)) if one[0] != "_"])
        fix = f" {entry.text} {PAGE}" if entry is not None else hint
        raise ArgumentError(f"{cls.__name__}: expected an attribute that it has, got {name!r}.{fix}")
    if near:
        raise ArgumentError(f"{cls.__name__}: expected another name, got {name!r}. Did you mean {near!r}?")
    return name


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


def check_methods(cls: Any) -> None:
    """Raise a `LayerError` for a method that does not take the arguments with which minidl calls it; once a class."""
    import inspect  # only for the first object of a class

    for name in () if is_builtin(cls) else dir(cls):
        own = getattr(cls, name)
        known = next((vars(base)[name] for base in cls.__mro__ if is_builtin(base) and name in vars(base)), None)
        called = name in CALLED or name.startswith("on_")
        if not called or own is known or not (inspect.isfunction(own) and inspect.isfunction(known)):
            continue
        wanted, given = ([*inspect.signature(one).parameters.values()][1:] for one in (known, own))
        try:
            inspect.signature(own).bind(
                None, *(wanted[:2] if name == "update" else wanted)
            )  # a metric's weight is optional
            fits = name != "forward" or not hasattr(cls, "backward_parameters") or takes_training(given)
        except TypeError:
            fits = False
        if not fits:
            expected, got = (", ".join(one.name for one in arguments) for arguments in (wanted, given))
            raise LayerError(f"{cls.__name__}: {name}: expected the arguments ({expected}), got ({got}).")
    type.__setattr__(cls, "_methods_fit", True)


def takes_training(arguments: Any) -> bool:
    """Return whether the second of a layer's arguments of forward is ``training``, by name or as good as."""
    names = [argument.name for argument in arguments]
    if len(names) < 2 or "training" in names:
        return len(names) < 2 or names[1] == "training"
    return "train" in names[1] or names[1][0] == "_" or arguments[1].default is not arguments[1].empty

"""Configured objects: fully described by the arguments of their constructors.

A constructor stores each argument under its own name; repr, config, copies, files and the look-up
of names such as ``"adam"`` follow from that, with no code in the individual classes.
"""

import copy
import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from minidl.attribute_names import is_builtin
from minidl.checks import did_you_mean
from minidl.constructor import REQUIRED, SEVERAL, construct, constructor_arguments, constructor_parameters
from minidl.errors import ArgumentError
from minidl.names import attribute, entry_of_string, plain_name, snake_case, translate, with_article
from minidl.settings import Settings, SettingsType

T = TypeVar("T")
C = TypeVar("C", bound="Configured")


class ConfiguredType(SettingsType):
    """Metaclass of all configured classes: help and completion show every argument of a constructor."""

    @property
    def __signature__(cls) -> Any:
        import inspect

        return inspect.Signature(constructor_parameters(cls))

    def __call__(cls: type[T], *args: Any, **keywords: Any) -> T:
        try:
            return SettingsType.__call__(cls, *args, **keywords)
        except TypeError:
            if keywords.keys() <= constructor_arguments(cls).keys():
                raise
        return cls(*args, **translate(cls, keywords, constructor_arguments(cls)))


class PlainType(ConfiguredType):
    """Metaclass of configured classes without arguments, which have nothing to translate."""

    __call__ = SettingsType.__call__


class Configured(Settings, metaclass=ConfiguredType):
    """Base of layers, losses, metrics, optimizers, schedules, initializers, regularizers and callbacks.

    Attributes
    ----------
    aliases : tuple of str
        Further names under which `resolve` finds the class, such as ``"mse"``.
    registered_name : str
        Name of the class in files, if it differs from the class name.
    """

    aliases: tuple[str, ...] = ()
    registered_name: str

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name, as this object holds them."""
        # vars: an optimizer's learning_rate is a property, the current rate; its __dict__ holds the schedule
        stored, arguments = vars(self), constructor_arguments(type(self))
        config = {name: stored[name] if name in stored else getattr(self, name, REQUIRED) for name in arguments}
        for name in [name for name, value in config.items() if value is REQUIRED]:
            fix = f"Write self.{name} = {name} in __init__."
            raise ArgumentError(f"{type(self).__name__}: expected its constructor to store the argument {name}. {fix}")
        return config

    @classmethod
    def from_config(cls: type[C], config: dict[str, Any]) -> C:
        """Return a new object built from the dict that `get_config` returned."""
        return construct(cls, config)

    def nested_objects(self) -> "dict[str, Configured]":
        """Return the constructor arguments that are configured objects, by name."""
        return {name: value for name, value in self.get_config().items() if isinstance(value, Configured)}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments by name, and with ``deep`` the nested ones, as scikit-learn does.

        Examples
        --------
        >>> minidl.Dense(3, kernel_regularizer=minidl.regularizers.L2(0.5)).get_params()["kernel_regularizer__l2"]
        0.5
        """
        inside = self.nested_objects().items() if deep else ()
        deeper = {f"{name}__{inner}": value for name, part in inside for inner, value in part.get_params().items()}
        return {**self.get_config(), **deeper}

    def set_params(self: C, **params: Any) -> C:
        """Assign constructor arguments, nested ones as ``name__argument``: all of them or none. Return the object.

        Raises
        ------
        ArgumentError
            For an unknown name, with the nearest known one, or an invalid value.
        """
        with restored_on_error(_everything_in(self)):
            self._assign(params)
        return self

    def _assign(self, params: dict[str, Any]) -> None:
        who = f"{type(self).__name__}: set_params"
        own: dict[str, Any] = {}
        inside: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, nested, inner = key.partition("__")
            known = self.nested_objects() | self.get_config() if nested else self.get_config()
            if name not in known:
                names = ", ".join(known) or "no arguments"
                raise ArgumentError(f"{who}: expected one of {names}; got {key!r}.{did_you_mean(name, known)}")
            (inside.setdefault(name, {}) if nested else own)[inner or name] = value
        if len(own) > 1 and own.keys() <= self.stored_arguments().keys():
            self.set_together(own)
        else:
            for name, value in own.items():
                setattr(self, name, value)
        for name, values in inside.items():  # after the nested object itself, which may be new
            part = self.nested_objects().get(name)
            if part is None:
                got = f"{getattr(self, name)!r}. Pass an instance"
                raise ArgumentError(f"{who}: {name}__{next(iter(values))}: expected an object as {name}, got {got}.")
            part._assign(values)

    def __sklearn_clone__(self: C) -> C:
        return copy.deepcopy(self)  # for an argument of an estimator: a constructor may convert it

    if not TYPE_CHECKING:  # type checkers know the attributes
        __getattr__ = attribute

    def __repr__(self) -> str:
        shown = []
        for name, default in constructor_arguments(type(self)).items():
            value = vars(self)[name] if name in vars(self) else getattr(self, name, default)
            if value is REQUIRED or value is SEVERAL:  # the constructor does not store it
                shown.append("...")
            elif default is SEVERAL:
                shown += map(repr, value)
            elif default is REQUIRED:
                shown.append(repr(value))
            elif value is not default and repr(value) != repr(default):
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


@contextmanager
def restored_on_error(parts: Iterable[Any]) -> Iterator[None]:
    """Context that restores the attributes of ``parts``, and the dicts among them, if an exception is raised in it."""
    before = [(part, {n: dict(v) if type(v) is dict else v for n, v in vars(part).items()}) for part in parts]
    try:
        yield
    except BaseException:
        for part, attributes in before:
            vars(part).clear()
            vars(part).update(attributes)
        raise


def _everything_in(configured: Configured) -> Iterator[Configured]:
    yield configured
    for part in configured.nested_objects().values():
        yield from _everything_in(part)


Kinds = type[Configured] | tuple[type[Configured], ...]

# registered name -> class: the built-in classes, and those that the user registered
registry: dict[str, type[Configured]] = {}


def registered_name(cls: type) -> str:
    """Return the name of a class in files: the class name, unless a metric and a loss share it."""
    name: str = cls.__dict__.get("registered_name", cls.__name__)
    return name


def register(cls: type[T]) -> type[T]:
    """Class decorator: register a custom class, so that ``load_model`` and strings find it by name.

    Raises
    ------
    ArgumentError
        If the class is not derived from a minidl base class, or its name belongs to a built-in class.
    """
    if not (isinstance(cls, type) and issubclass(cls, Configured)):  # type: ignore[redundant-expr]
        raise ArgumentError(f"register: expected a class derived from one of minidl's base classes, got {cls!r}.")
    name = registered_name(cls)
    known = registry.get(name)
    if known is not None and is_builtin(known) and known.__module__ != cls.__module__:
        raise ArgumentError(f"register: expected a name of its own, got {name}: a built-in class. Rename yours.")
    registry[name] = cls
    return cls


def register_builtins(names: dict[str, Any]) -> None:
    """Register the classes among ``names``, the public names of a minidl package."""
    for value in names.values():
        if isinstance(value, type) and issubclass(value, Configured) and value is not Configured:
            registry[registered_name(value)] = value


@functools.cache
def own_names(cls: type[Configured]) -> dict[str, str]:
    """Return the snake-case name and the aliases of a class, each by its plain form."""
    return {plain_name(name): name for name in (snake_case(cls.__name__), *cls.__dict__.get("aliases", ()))}


def names_of(base: Kinds, plain: str | None = None) -> dict[str, type[Configured]]:
    """Return the registered classes derived from ``base``, by name and alias; only those called ``plain`` if given."""
    named = [cls for cls in list(registry.values()) if plain is None or plain in own_names(cls)]
    named = [cls for cls in named if issubclass(cls, base) and not getattr(cls, "__abstractmethods__", None)]
    return {name: cls for cls in named for name in own_names(cls).values()}


def resolve(value: Any, base: Kinds, who: str, *, also: Iterable[str] = ()) -> Any:
    """Return an instance of ``base``: ``value`` itself, or a new instance of the class that it names.

    ``base`` may be a tuple of base classes; messages name the first one.

    ``"leaky_relu"``, ``"LeakyReLU"`` and ``LeakyReLU()`` are equivalent. Anything else raises an `ArgumentError`,
    opened by ``who``, that lists the known names and ``also``, those that the caller handles itself.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, type) and issubclass(value, base):
        raise ArgumentError(f"{who}: expected an instance, got the class {value.__name__}. Write {value.__name__}().")
    first = base[0] if isinstance(base, tuple) else base
    kind = with_article(snake_case(first.__name__).replace("_", " "))
    if not isinstance(value, str):
        raise ArgumentError(f"{who}: expected the name of {kind} or an instance, got {value!r}.")
    for cls in reversed(names_of(base, plain_name(value)).values()):  # the last one replaces the others
        try:
            return cls()
        except TypeError as error:
            fix = f"pass an instance instead of {value!r}."
            raise ArgumentError(f"{who}: {cls.__name__} needs arguments: {fix}") from error
    entry = entry_of_string(value, first)
    if entry is not None and entry.kind == "renamed":
        return resolve(entry.text, base, who, also=also)
    names = sorted([*names_of(base), *also])
    help = f" {entry.fix}" if entry else did_you_mean(value, names)
    raise ArgumentError(f"{who}: expected one of {', '.join(names)}; got {value!r}.{help}")

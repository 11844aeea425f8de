"""Settings: setting the attributes of configured objects after construction."""

from abc import ABCMeta
from typing import Any, ClassVar, TypeVar

from minidl import checks
from minidl.attribute_names import is_builtin, name_here, refuse_unfinished
from minidl.constructor import ALONE, ITEMS, NUMPY, check_methods, constructor_arguments, is_fixed, without_numpy
from minidl.errors import ArgumentError, StateError

T = TypeVar("T")


class SettingsType(ABCMeta):
    """Metaclass of classes with settings: attributes are checked once the constructor has finished."""

    def __call__(cls: type[T], *args: Any, **keywords: Any) -> T:  # no Any: type checkers then read the constructor
        made = refuse_unfinished(cls) if getattr(cls, "__abstractmethods__", ()) else cls.__new__(cls)
        run_constructor(made, *args, **keywords)
        return made


class Settings(metaclass=SettingsType):
    """Abstract base: after construction, public attributes are set through `set_public`.

    Attributes
    ----------
    open_to_names : bool
        Class attribute: whether arbitrary attributes can be set although the class is built in.
    """

    open_to_names = False
    _counted: ClassVar[tuple[str, ...]] = ()  # attributes that count something, checked when they are set

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] == "_":  # a cache: the most common case in training, so kept fast
            self.__dict__[name] = value
        elif "_constructing" in self.__dict__:
            object.__setattr__(self, name, value)
        else:
            self.set_public(name, value)

    def set_public(self, name: str, value: Any) -> None:
        """Set a public attribute of a constructed object.

        A constructor argument is checked and stored as in the constructor; a property does its own checks.

        Raises
        ------
        ArgumentError
            For a name that a built-in class does not have or fixes, or a likely typo for an attribute of a base class.
        StateError
            For an argument that no longer has an effect.
        """
        who, known = type(self).__name__, getattr(type(self), name, None)
        if isinstance(known, property):
            if known.fset is None:
                raise ArgumentError(f"{who}: {name}: expected no assignment: it follows from other attributes.")
        elif name in self.__dict__ and name in constructor_arguments(type(self)) and name in self.stored_arguments():
            self.set_together({name: value})
            return
        elif name in self._counted:
            value = checks.integer(value, f"{who}: {name}", minimum=0)
        elif is_builtin(type(self)) and type(self.__dict__.get(name)) is dict and not isinstance(value, dict):
            raise ArgumentError(f"{who}: {name}: expected a dict, got {value!r}.")
        elif is_builtin(type(self)) and not callable(value) and (callable(known) or is_fixed(self, name)):
            raise ArgumentError(f"{who}: {name}: expected no assignment, got {value!r}. It belongs to the class.")
        elif known is None and name not in self.__dict__ and name != (here := name_here(self, name)):
            setattr(self, here, value)
            return
        object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles: all attributes except caches."""
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name."""
        return {}

    def stored_arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments by name; empty if some are not stored under their names."""
        try:
            return self.get_config()
        except ArgumentError:
            return {}

    def set_together(self, settings: dict[str, Any]) -> None:
        """Set several constructor arguments, which the constructor checks together."""
        fresh = vars(self.with_settings(settings))
        for name, value in settings.items():
            object.__setattr__(self, name, fresh.get(name, value))

    def with_settings(self, settings: dict[str, Any]) -> Any:
        """Return a new object with some constructor arguments replaced by ``settings`` and checked."""
        if "_fixed" in self.__dict__:
            raise StateError(f"{type(self).__name__}: {next(iter(settings))}: {self.__dict__['_fixed']}")
        made: Any = type(self)
        return made.from_config({**self.get_config(), **settings})


def run_constructor(made: Any, *args: Any, **keywords: Any) -> None:
    """Run the constructor of the new object ``made``; NumPy integers become Python's, and ``name`` must be a string."""
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


def fix_settings(made: Any, why: str) -> None:
    """Make the arguments of ``made`` read-only, with ``why`` as the end of the error; copies are not affected."""
    made.__dict__["_fixed"] = why

"""Constructor: its arguments, including those passed on to base classes, what it stores, and its class's methods."""

import copy
import itertools
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, Unpack, get_args, get_origin

import numpy as np

from minidl.attribute_names import is_builtin, refuse_uncalled
from minidl.errors import LayerError

T = TypeVar("T")
REQUIRED = object()  # the default of an argument without one
SEVERAL = object()  # the default of ``*arguments``

# The types that may be or contain NumPy scalars, repeated for `map`; and how to iterate over the containers.
NUMPY = itertools.repeat((np.generic, list, tuple, dict))
ITEMS: dict[type, Any] = {list: iter, tuple: iter, dict: dict.items}
ALONE = partial(itertools.repeat, times=1)

# the methods that minidl calls with all the arguments of its own definitions
CALLED = frozenset(
    "build forward backward backward_parameters update result initial_state penalty gradient minimize __call__".split()  # noqa: SIM905
)


def constructor_arguments(cls: type) -> dict[str, Any]:
    """Return the constructor's arguments with their defaults; `REQUIRED` or `SEVERAL` where there is none."""
    cached: dict[str, Any] | None = cls.__dict__.get("_constructor_arguments")
    if cached is None:
        cached = {}
        for parameter in constructor_parameters(cls):
            none = SEVERAL if parameter.kind is parameter.VAR_POSITIONAL else REQUIRED
            cached[parameter.name] = none if parameter.default is parameter.empty else parameter.default
        type.__setattr__(cls, "_constructor_arguments", cached)
    return cached


def is_fixed(made: Any, name: str) -> bool:
    """Return whether an attribute belongs to the class: a constant, or an argument of a base class."""
    constant = hasattr(type(made), name) and name not in vars(made) and not made.open_to_names
    own, *inherited = (name in constructor_arguments(one) for one in type(made).mro()[:-1])
    return constant or (any(inherited) and not own)


def construct(cls: type[T], config: dict[str, Any]) -> T:
    """Return ``cls(...)`` with the arguments in ``config``: ``*arguments`` and those before them by position.

    Arguments that the constructor itself sets for its base class, as in
    ``super().__init__(activation="relu", **keywords)``, are omitted.
    """
    defaults, places, rest = constructor_arguments(cls), list[Any](), dict(config)
    several = next((index for index, default in enumerate(defaults.values(), 1) if default is SEVERAL), 0)
    for name, default in itertools.islice(defaults.items(), several):
        if name in rest:
            places += rest.pop(name) if default is SEVERAL else [rest.pop(name)]
    while True:
        try:
            return cls(*places, **rest)
        except TypeError as error:
            again = re.search(r"got multiple values for (?:keyword )?argument '(\w+)'", str(error))
            if again is None or rest.pop(again[1], REQUIRED) is REQUIRED:
                raise


def constructor_parameters(cls: type) -> list[Any]:
    """Return the constructor's parameters; ``**keywords`` become those of the next base class's constructor.

    If the keywords are ``Unpack`` of a typed dict, only the names in it count. ``*arguments`` is an ordinary parameter,
    unless there are ``**keywords`` too: then both are passed to the base class.
    """
    return sorted(_parameters(cls.__mro__[:-1]).values(), key=lambda parameter: parameter.kind)


def _parameters(classes: tuple[type, ...]) -> dict[str, Any]:
    """Return the parameters of the first constructor among ``classes``, in their order of resolution, by name."""
    import inspect  # slow to import, and only needed for repr and save

    while classes and "__init__" not in vars(classes[0]):
        classes = classes[1:]
    own: list[Any] = [*inspect.signature(vars(classes[0])["__init__"]).parameters.values()][1:] if classes else []
    rest = next((one for one in own if one.kind is one.VAR_KEYWORD), None)
    if rest is None:
        return {one.name: one for one in own}
    unpacked = get_args(rest.annotation) if get_origin(rest.annotation) is Unpack else ()
    typed = {name for options in unpacked for name in options.__annotations__}
    passes_all = not typed and any(one.kind is one.VAR_POSITIONAL for one in own)
    found = {one.name: one for one in own if one is not rest and not (passes_all and one.kind is one.VAR_POSITIONAL)}
    for name, one in _parameters(classes[1:]).items():
        if name in found or (typed and name not in typed):
            continue
        if passes_all:
            found[name] = one
        elif one.kind is not one.VAR_POSITIONAL:  # arguments that the class sets itself
            found[name] = one.replace(kind=one.KEYWORD_ONLY)
    return found


def replace_items(value: Any, kind: type, new: Callable[[Any], Any]) -> Any:
    """Return ``value`` with each instance of ``kind`` replaced by ``new(item)``, in new lists, tuples and dicts."""
    if isinstance(value, kind):
        return new(value)
    if isinstance(value, tuple):
        items = [replace_items(item, kind, new) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, (list, dict)):
        twin = copy.copy(value)
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            twin[key] = replace_items(item, kind, new)
        return twin
    return value


def without_numpy(value: Any) -> Any:
    """Return ``value`` with NumPy integers, bools and strings, also in lists, tuples and dicts, made Python's."""
    if isinstance(value, np.generic):
        item = value.item()
        same = isinstance(value, (np.float32, np.float64)) or type(item) not in (bool, int, float, str)
        return value if same else item  # float32 and float64 scalars are restored from files unchanged
    if type(value) is dict:
        return {without_numpy(key): without_numpy(item) for key, item in value.items()}
    if type(value) in (list, tuple) and any(map(isinstance, value, NUMPY)):
        return type(value)([without_numpy(item) for item in value])
    return value


def check_methods(cls: Any) -> None:
    """Raise a `LayerError` for a method that minidl does not call, or not with its arguments; runs once per class."""
    import inspect  # only needed for the first object of a class

    refuse_uncalled(cls)
    for name in () if is_builtin(cls) else dir(cls):
        own = inspect.getattr_static(cls, name, None)  # a static method takes no self
        known = next((vars(base)[name] for base in cls.__mro__ if is_builtin(base) and name in vars(base)), None)
        called = name in CALLED or name.startswith("on_")
        if not called or own is known or not (inspect.isfunction(own) and inspect.isfunction(known)):
            continue
        if inspect.isgeneratorfunction(own) or inspect.iscoroutinefunction(own):  # calling it would run nothing
            raise LayerError(f"{cls.__name__}: {name}: expected a plain function, got one with yield or async.")
        wanted, given = ([*inspect.signature(one).parameters.values()][1:] for one in (known, own))
        passed = wanted[:2] if name == "update" else wanted  # a metric's weight is optional
        of_layer = name == "forward" and hasattr(cls, "backward_parameters")
        if not accepts(own, None, *passed) or (of_layer and not takes_training(given)):
            expected, got = (", ".join(one.name for one in arguments) for arguments in (wanted, given))
            raise LayerError(f"{cls.__name__}: {name}: expected the arguments ({expected}), got ({got}).")
    type.__setattr__(cls, "_methods_fit", True)


def accepts(function: Callable[..., Any], *arguments: Any) -> bool:
    """Return whether a function can be called with these arguments; True where Python cannot tell."""
    import inspect  # only needed for the functions of users

    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # a function written in C may have no signature
    return True


def takes_training(arguments: Any) -> bool:
    """Return whether the second argument of a layer's forward, if any, can be taken for ``training``."""
    names = [argument.name for argument in arguments]
    if len(names) < 2 or "training" in names:
        return len(names) < 2 or names[1] == "training"
    return "train" in names[1] or names[1][0] == "_" or arguments[1].default is not arguments[1].empty

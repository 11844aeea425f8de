"""Constructor: the arguments of a class's constructor, those that it passes on to a base class included."""

import re
from typing import Any, TypeVar, get_args

T = TypeVar("T")
REQUIRED = object()  # in place of the default of an argument that has none
SEVERAL = object()  # in place of the default of ``*arguments``


def constructor_arguments(cls: type) -> dict[str, Any]:
    """Return the names of the constructor's arguments and their defaults, `REQUIRED` or `SEVERAL` where none."""
    cached: dict[str, Any] | None = cls.__dict__.get("_constructor_arguments")
    if cached is None:
        cached = {}
        for parameter in constructor_parameters(cls):
            none = SEVERAL if parameter.kind is parameter.VAR_POSITIONAL else REQUIRED
            cached[parameter.name] = none if parameter.default is parameter.empty else parameter.default
        type.__setattr__(cls, "_constructor_arguments", cached)
    return cached


def construct(cls: type[T], config: dict[str, Any]) -> T:
    """Return ``cls(...)`` with the arguments of ``config``: ``*arguments`` and those before them by place.

    What a constructor passes to its base class itself, as in ``super().__init__(activation="relu", **keywords)``, is
    left to it.
    """
    defaults, places, rest = constructor_arguments(cls), list[Any](), dict(config)
    if SEVERAL in defaults.values():
        for name, default in defaults.items():
            if name in rest:
                value = rest.pop(name)
                places += value if default is SEVERAL else [value]
            if default is SEVERAL:
                break
    while True:
        try:
            return cls(*places, **rest)
        except TypeError as error:
            again = re.search(r"got multiple values for (?:keyword )?argument '(\w+)'", str(error))
            if again is None or rest.pop(again[1], REQUIRED) is REQUIRED:
                raise


def constructor_parameters(cls: type) -> list[Any]:
    """Return the constructor's parameters; ``**keywords`` become those of the next base class's constructor.

    Where the keywords are ``Unpack`` of a typed dict, only the names in it. ``*arguments`` is a parameter like others,
    unless ``**keywords`` are there too: then both are the base class's.
    """
    import inspect  # slow to import, and not needed before the first repr or save

    found: dict[str, inspect.Parameter] = {}
    inherited = passed_by_place = False
    names: list[str] = []
    for base in cls.__mro__:
        initial = base.__dict__.get("__init__")
        if initial is None or base is object:
            continue
        parameters = list(inspect.signature(initial).parameters.values())[1:]
        rest = [parameter for parameter in parameters if parameter.kind is parameter.VAR_KEYWORD]
        typed = [key for parameter in rest for kind in get_args(parameter.annotation) for key in kind.__annotations__]
        for parameter in parameters:
            several = parameter.kind is parameter.VAR_POSITIONAL
            if parameter.name in found or parameter in rest or (names and parameter.name not in names):
                continue
            if several and rest and not typed:
                passed_by_place = True
            elif not inherited or passed_by_place:
                found[parameter.name] = parameter
            elif not several:  # what it fixes itself
                found[parameter.name] = parameter.replace(kind=parameter.KEYWORD_ONLY)
        if not rest:
            break
        inherited, names = True, typed
    return sorted(found.values(), key=lambda parameter: parameter.kind)

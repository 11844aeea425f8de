"""Signature: the arguments that a function accepts, and the function behind a method or a lambda."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np


def argument_names(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's arguments; an empty list if its signature is unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY, p.KEYWORD_ONLY)]


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function accepts ``count`` inputs; True if its signature is unknown."""
    if isinstance(function, np.ufunc):
        return function.nin == count  # further positional arguments are outputs, which it would overwrite
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # no signature
    return True


def takes_upstream(function: Callable[..., Any], count: int, forward: Callable[..., Any]) -> bool:
    """Return whether a function accepts ``count`` inputs and dy, not an option that ``forward`` has too."""
    option = argument_names(function)[count : count + 1]
    return takes(function, count + 1) and not (takes(function, count) and set(option) & set(argument_names(forward)))


def author_function(function: Any) -> Any:
    """Return the function behind a bound method, a partial or a lambda that only passes arguments on.

    A lambda that calls several functions of its author, or none, is returned unchanged.
    """
    function = getattr(function, "__func__", getattr(function, "func", function))
    if getattr(function, "__name__", "") != "<lambda>":
        return function
    names, code = inspect.getclosurevars(function), function.__code__
    called = [thing for thing in {**names.globals, **names.nonlocals}.values() if not inspect.ismodule(thing)]
    methods = [getattr(type(thing), name, None) for thing in called for name in code.co_names]
    found = [thing for thing in (*called, *methods) if inspect.isfunction(thing)]
    return author_function(found[0]) if len(found) == 1 else function

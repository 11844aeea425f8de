"""Construction: what a constructor stores becomes plain, and the methods of a class are compared."""

import itertools
from functools import partial
from typing import Any

import numpy as np

from minidl.attribute_names import is_builtin
from minidl.errors import LayerError

# What may hold scalars of NumPy, for each item of a value; and how to get the items of the types that have some.
NUMPY = itertools.repeat((np.generic, list, tuple, dict))
ITEMS: dict[type, Any] = {list: iter, tuple: iter, dict: dict.items}
ALONE = partial(itertools.repeat, times=1)

# the methods that minidl calls with all arguments of its own classes
CALLED = frozenset(
    "build forward backward backward_parameters update result initial_state penalty gradient minimize __call__".split()  # noqa: SIM905
)


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
            passed = wanted[:2] if name == "update" else wanted  # a metric's weight is optional
            inspect.signature(own).bind(None, *passed)
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

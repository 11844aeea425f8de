"""Objects as JSON, and back: numbers, texts, lists, dicts, arrays, and whatever derives from `Configured`.

A class or function is stored as its name alone; a name is looked up among the classes at hand, never imported.
"""

import math
from collections.abc import Container, Iterator, Mapping
from typing import Any

import numpy as np

from minidl.checks import did_you_mean
from minidl.config import REQUIRED, Configured, constructor_arguments, registered_name, registry
from minidl.errors import ArgumentError, ModelFileError
from minidl.layers import Layer
from minidl.saving.format import CODES
from minidl.typing import Array

MODEL = ("layers", "seed", "dtype", "input_shape")  # what Sequential.get_config returns
SHOWN = 50  # mismatches that a message lists


class NamedFunction:
    """Stands for a function that a file names but ``custom_objects`` does not give."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        raise ArgumentError(
            f"{self.__name__}: expected the function itself, got its name alone, from a model file. "
            f"Pass custom_objects={{{self.__name__!r}: ...}} to load_model."
        )


class Encoder:
    """Turns values into JSON; ``arrays`` collects what goes into the binary part.

    JSON has no tuples, dicts with other keys than strings, arrays or objects: each of these becomes
    an object with a single key that says what it is.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.functions: dict[str, Any] = {}

    def encode(self, value: Any, path: str) -> Any:
        """Return ``value`` as JSON, or raise an `ArgumentError`; ``path`` names its arrays and opens the message."""
        if isinstance(value, np.bool_):
            value = bool(value)
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if type(value) is list:
            return self._encode_all(value, path)
        if type(value) is tuple:
            return {"tuple": self._encode_all(value, path)}
        if type(value) is dict:
            pairs = value.items()
            return {"dict": [[self.encode(key, path), self.encode(item, f"{path}/{key}")] for key, item in pairs]}
        if isinstance(value, np.generic) and value.dtype.name in CODES:
            return {"scalar": [value.dtype.name, self.encode(value.item(), path)]}
        if isinstance(value, np.ndarray) and value.dtype.name in CODES:
            return self._encode_array(value, path)
        if isinstance(value, Configured):
            return self._encode_object(value, path)
        if callable(value) and not isinstance(value, type):
            return {"function": self._name_of(value)}
        raise ArgumentError(
            f"save: {path}: expected numbers, text, arrays or minidl's objects, got {type(value).__name__} "
            f"{str(value)[:60]!r}. Derive its class from the minidl class it stands for."
        )

    def _encode_all(self, values: list[Any] | tuple[Any, ...], path: str) -> list[Any]:
        return [self.encode(item, f"{path}/{index}") for index, item in enumerate(values)]

    def _encode_array(self, value: Array, path: str) -> dict[str, Any]:
        name, count = path, 0
        while name in self.arrays:
            count += 1
            name = f"{path}_{count}"
        self.arrays[name] = value
        return {"array": name}

    def _encode_object(self, value: Configured, path: str) -> dict[str, Any]:
        cls = type(value)
        if registry.get(registered_name(cls), cls) is not cls:
            raise ArgumentError(
                f"save: {path}: expected a class with a name of its own, got a second {cls.__name__}. Rename yours."
            )
        described: dict[str, Any] = {"class": registered_name(cls)}
        if isinstance(value, Layer):
            described |= {"name": value.name, "trainable": bool(value.trainable)}
        config = value.get_config()
        return described | {"config": {name: self.encode(item, f"{path}/{name}") for name, item in config.items()}}

    def _name_of(self, function: Any) -> str:
        base = name = str(getattr(function, "__name__", type(function).__name__))
        count = 0
        while self.functions.setdefault(name, function) is not function:  # two lambdas
            count += 1
            name = f"{base}_{count}"
        return name


class Decoder:
    """Makes the values again, collecting every mismatch in ``problems``.

    Each value takes the arrays that it names out of ``arrays``; ``custom_objects`` comes before the registered classes.
    """

    def __init__(self, arrays: dict[str, Array], custom_objects: Mapping[str, Any]) -> None:
        self.arrays, self.custom_objects = arrays, custom_objects
        self.problems: list[str] = []

    def decode(self, value: Any, path: str) -> Any:
        """Return what ``value`` stands for; None, and one more problem, if that cannot be made."""
        if isinstance(value, list):
            return [self.decode(item, f"{path}/{index}") for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if "class" in value:
            return self._decode_object(value, path)
        match list(value.items()):
            case [("tuple", list(items))]:
                return tuple(self.decode(items, path))
            case [("dict", list(pairs))]:
                return self._decode_dict(pairs, path)
            case [("float", "nan" | "inf" | "-inf" as text)]:
                return float(text)
            case [("scalar", [str(code), item])] if code in CODES:
                return np.dtype(code).type(self.decode(item, path))
            case [("array", str(name))] if name in self.arrays:
                return self.arrays.pop(name)
            case [("function", str(name))]:
                return self.custom_objects.get(name) or NamedFunction(name)
        return self._complain(path, "a value of the file format", value)

    def _complain(self, path: str, expected: str, got: Any) -> None:
        text = got if isinstance(got, str) else repr(got)
        self.problems.append(f"{path}: expected {expected}, got {text[:300]}")

    def _decode_dict(self, pairs: list[Any], path: str) -> Any:
        if all(isinstance(pair, list) and len(pair) == 2 and not isinstance(pair[0], (list, dict)) for pair in pairs):
            found = {key: self.decode(item, f"{path}/{key}") for key, item in pairs}
            if len(found) == len(pairs):
                return found
        return self._complain(path, "pairs of a simple key, each another, and a value", pairs)

    def _decode_object(self, value: dict[str, Any], path: str) -> Any:
        cls = self._class(value["class"], path)
        if cls is None:
            return None
        kinds: dict[str, Any] = {"class": str, "config": dict}
        if issubclass(cls, Layer):
            kinds |= {"name": (str, type(None)), "trainable": bool}
        if value.keys() != kinds.keys() or not all(isinstance(value[key], kind) for key, kind in kinds.items()):
            return self._complain(path, f"{', '.join(kinds)} of a {cls.__name__}", value)
        before = len(self.problems)
        config = {name: self.decode(item, f"{path}/{name}") for name, item in value["config"].items()}
        self._check_names(cls, config, f"{path} ({cls.__name__})")
        if len(self.problems) > before:
            return None
        if issubclass(cls, registry["Sequential"]):
            config["input_shape"] = None  # not built yet: nothing is allocated before the sizes are checked
        try:
            made = cls.from_config(config)
        except Exception as error:  # whatever a constructor makes of what a stranger wrote
            return self._complain(path, f"arguments that {cls.__name__} takes", f"{type(error).__name__}: {error}")
        if isinstance(made, Layer):
            made.name, made.trainable = value["name"], value["trainable"]
        return made

    def _class(self, name: Any, path: str) -> Any:
        if not isinstance(name, str):
            return self._complain(path, "the name of a class", name)
        cls = self.custom_objects.get(name, registry.get(name))
        if isinstance(cls, type) and issubclass(cls, Configured):
            return cls
        near = did_you_mean(name, registry) if len(name) < 100 and len(self.problems) < SHOWN else ""
        fix = near or f" Pass custom_objects={{{name[:100]!r}: ...}}."
        return self._complain(path, "a class of minidl, or one that is registered", f"{name[:100]!r}.{fix}")

    def _check_names(self, cls: type[Configured], config: dict[str, Any], path: str) -> None:
        if issubclass(cls, registry["Sequential"]):
            known = dict.fromkeys(MODEL, REQUIRED)
        elif cls.get_config is Configured.get_config:
            known = constructor_arguments(cls)
        else:
            return  # a class with a config of its own checks it in from_config
        for name in known.keys() - config.keys():
            self._complain(path, f"the argument {name!r}", "none")
        for name in config.keys() - known.keys():
            self._complain(path, f"one of the arguments {', '.join(known) or 'none'}", repr(name))


def same(before: Any, now: Any) -> bool:
    """Return whether two descriptions are the same: 1, 1.0 and true are not."""
    import json  # only saving and loading need it

    return json.dumps(before, sort_keys=True) == json.dumps(now, sort_keys=True)


def differences(path: str, before: Any, now: Any, skip: Container[str] = ()) -> Iterator[str]:
    """Yield where two descriptions differ, apart from the keys in ``skip``."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*before, *now]):
            if name not in skip:
                yield from differences(f"{path}: {name}", before.get(name), now.get(name), skip)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from differences(f"{path} {index}", left, right, skip)
    elif not same(before, now):
        yield f"{path}: expected {_short(before)}, got {_short(now)}"


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class" in value:
        return str(value["class"])[:100]
    if isinstance(value, list):
        return f"{len(value)} items"
    return str(value)[:100]


def check_custom_objects(custom_objects: Any) -> Mapping[str, Any]:
    """Return ``custom_objects``, an empty dict for None; its values are classes of minidl's kinds, or functions."""
    if custom_objects is None:
        return {}
    if not isinstance(custom_objects, Mapping):
        raise ArgumentError(f"custom_objects: expected a dict of name to class or function, got {custom_objects!r}.")
    for name, value in custom_objects.items():
        known = issubclass(value, Configured) if isinstance(value, type) else callable(value)
        if not isinstance(name, str) or not known:
            raise ArgumentError(
                f"custom_objects: expected names with classes of minidl's kinds or functions, got {name!r}: {value!r}."
            )
    return custom_objects


def raise_problems(path: Any, problems: list[str]) -> None:
    """Raise a `ModelFileError` that lists ``problems``, if there are any."""
    if problems:
        shown = "\n  ".join(problems[:SHOWN])
        if len(problems) > SHOWN:
            shown += f"\n  and {len(problems) - SHOWN} more"
        raise ModelFileError(f"{path}: expected a model that can be made, got these faults:\n  {shown}")

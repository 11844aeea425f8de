"""Encoding objects as JSON and decoding them: numbers, strings, lists, dicts, arrays and `Configured` objects.

A class or function is stored as its name alone; a name is looked up among the known classes, never imported.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl.attribute_names import is_builtin
from minidl.checks import did_you_mean, is_shape
from minidl.config import Configured, registered_name, registry
from minidl.constructor import REQUIRED, constructor_arguments
from minidl.errors import ArgumentError
from minidl.layers import Layer
from minidl.saving.comparison import SHOWN, differences, mismatches, shown
from minidl.saving.format import CODES
from minidl.typing import Array, Model, Shape

LENGTH = 1 << 40  # maximum length of an axis: beyond it, sizes overflow


class NamedFunction:
    """Placeholder for a function that a file names and ``custom_objects`` lacks; calling it raises an error."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        got = f"{self.__name__}: expected the function itself, got its name alone, from a model file"
        raise ArgumentError(f"{got}. Pass custom_objects={{{self.__name__!r}: ...}} to load_model.")


class Encoder:
    """Turns values into JSON; ``arrays`` collects the arrays for the binary section.

    JSON has no tuples, dicts with non-string keys, arrays or custom objects: each of these becomes an object with a
    single key that names its type. ``who`` opens the messages. With ``outer``, whose names of functions it shares, the
    result is to be compared: it holds the values of arrays, and constructors are not checked again.
    """

    def __init__(self, who: str = "save", outer: "Encoder | None" = None) -> None:
        self.who = who
        self.arrays: dict[str, Array] = {}
        self.functions: dict[str, Any] = {} if outer is None else outer.functions
        self.compares = outer is not None

    def encode(self, value: Any, path: str) -> Any:
        """Return ``value`` as JSON, or raise an `ArgumentError`; ``path`` names its arrays and opens the message."""
        if value is None or isinstance(value, (bool, int, str)):  # NumPy's str_ and enumerations become plain
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if type(value) in (list, tuple):
            items = [self.encode(item, f"{path}/{index}") for index, item in enumerate(value)]
            return items if type(value) is list else {"tuple": items}
        if type(value) is dict:
            pairs = value.items()
            return {"dict": [[self.encode(key, path), self.encode(item, f"{path}/{key}")] for key, item in pairs]}
        if type(value) is slice:
            return {"slice": [self.encode(part, path) for part in (value.start, value.stop, value.step)]}
        if isinstance(value, np.generic) and value.dtype.name in CODES:
            return {"scalar": [value.dtype.name, self.encode(value.item(), path)]}
        if isinstance(value, np.ndarray) and value.dtype.name in CODES:
            if self.compares:
                return {"array": [str(value), value.dtype.name, value.shape]}  # 8 digits: w / w.sum() changes the last
            while path in self.arrays:  # from the keys 1 and "1" of a dict
                path += "_"
            self.arrays[path] = value
            return {"array": path}
        if isinstance(value, Configured):
            return self._encode_object(value, path)
        if callable(value) and not isinstance(value, type):
            return {"function": self._name_of(value)}
        got = f"{type(value).__name__} {str(value)[:60]!r}. Derive its class from the minidl class that it replaces."
        raise ArgumentError(f"{self.who}: {path}: expected numbers, text, arrays or minidl's objects, got {got}")

    def _encode_object(self, value: Configured, path: str) -> dict[str, Any]:
        cls, config = type(value), dict(value.get_config())
        if registry.get(registered_name(cls), cls) is not cls:
            raise ArgumentError(f"{self.who}: {path}: expected a unique name, got a second {cls.__name__}. Rename it.")
        if not (self.compares or is_builtin(cls) or isinstance(value, registry["Sequential"])):
            again = cls.from_config(config).get_config()
            for key in config:
                before, now = (Encoder(self.who, self).encode(one[key], f"{path}/{key}") for one in (config, again))
                for found in differences(f"{cls.__name__}: {key}", before, now, ("input_shape",)):
                    fix = f"Write self.{key} = {key} in __init__, and compute from it elsewhere"
                    raise ArgumentError(f"{self.who}: {path}: its constructor changes its arguments: {found}. {fix}.")
        encoded: dict[str, Any] = {"class": registered_name(cls)}
        name = value.name if isinstance(value, Layer) else config.get("name")
        if isinstance(name, str) and not is_printable(name):
            raise ArgumentError(f"{self.who}: {path}/name: expected up to 2000 printable characters, got {name!r:.99}.")
        if isinstance(value, Layer):
            config.pop("input_shape", None)  # stored under its own key
            built = value.output_shape is not None or isinstance(value, registry["Sequential"])
            shape = self.encode(value.input_shape if built else None, path)
            encoded |= {"name": value.name, "trainable": bool(value.trainable), "input_shape": shape}
        return encoded | {"config": {name: self.encode(item, f"{path}/{name}") for name, item in config.items()}}

    def _name_of(self, function: Any) -> str:
        """Return the name of a function, with a number appended if another function has it, as two lambdas do."""
        base = str(getattr(function, "__name__", type(function).__name__))
        names = itertools.chain([base], (f"{base}_{number}" for number in itertools.count(1)))
        return next(name for name in names if self.functions.setdefault(name, function) is function)


def text_of_model(model: Model) -> str:
    """Return a model's layers with their arguments as JSON; an `ArgumentError` if they contain arrays or functions."""
    import json  # slow to import, and rarely needed

    encoder = Encoder("to_json")
    content = encoder.encode(model, "model")
    if encoder.arrays or encoder.functions:
        found = ", ".join([*encoder.arrays, *encoder.functions])
        raise ArgumentError(f"to_json: expected no arrays and functions in layers, got {found}. Use model.save(path).")
    return json.dumps(content)


class Decoder:
    """Turns JSON back into values, collecting every mismatch in ``problems``.

    Each value removes the arrays that it names from ``arrays``; ``custom_objects`` override the registered classes.
    ``layers`` collects the layers, nested ones first, with the input shapes that they were built for.
    """

    def __init__(self, arrays: dict[str, Array], custom_objects: Mapping[str, Any]) -> None:
        self.arrays, self.custom_objects = arrays, custom_objects
        self.layers: list[tuple[Layer, Shape | None]] = []
        self.problems: list[str] = []

    def decode(self, value: Any, path: str) -> Any:
        """Return the decoded value; if decoding fails, add a problem and return None."""
        if isinstance(value, list):
            if not {list, dict}.intersection(map(type, value)):  # fast path for a long history
                return value
            return [self.decode(item, f"{path}/{index}") for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if "class" in value:
            return self._decode_object(value, path)
        match list(value.items()):
            case [("tuple", list(items))]:
                return tuple(self.decode(items, path))
            case [("dict", [*pairs])] if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
                found = {self.decode(key, path): self.decode(item, f"{path}/{key}") for key, item in pairs}
                if len(found) == len(pairs):
                    return found
            case [("slice", [None | int(), None | int(), None | int()] as parts)]:
                return slice(*parts)
            case [("float", "nan" | "inf" | "-inf" as text)]:
                return float(text)
            case [("scalar", [str(code), item])] if code in CODES:
                number = self.decode(item, path)
                made = np.dtype(code).type(number) if isinstance(number, (int, float)) else None
                if made is not None and type(made.item()) is type(number):
                    return made
            case [("array", str(name))] if name in self.arrays:
                return self.arrays.pop(name).copy()
            case [("function", str(name))] if is_printable(name):
                return self.custom_objects.get(name) or NamedFunction(name)
        return self._complain(path, "a value of the file format", repr(value))

    def _complain(self, path: str, expected: str, got: str) -> None:
        self.problems.append(f"{shown(path)}: expected {expected}, got {shown(got, 300)}")

    def _decode_object(self, value: dict[str, Any], path: str) -> Any:
        cls, before = self._class(value["class"], path), len(self.problems)
        if cls is None:
            return None
        keys: dict[str, Any] = {"class": str, "config": dict}
        if issubclass(cls, Layer):
            keys |= {"name": str | None, "trainable": bool, "input_shape": dict | None}
        self.problems += mismatches(path, value, keys)
        for name in (value.get("name"), dict(value["config"]).get("name")) if len(self.problems) == before else ():
            if isinstance(name, str) and not is_printable(name):
                self._complain(path, "a name of up to 2000 printable characters", repr(name))
        if len(self.problems) == before:
            config = {name: self.decode(item, f"{path}/{name}") for name, item in value["config"].items()}
            if cls.get_config in (Configured.get_config, registry["Sequential"].get_config):
                # other classes check them in from_config; an argument missing from an older file has its default
                arguments = constructor_arguments(cls).items()
                known = {name: object for name, default in arguments if name in config or default is REQUIRED}
                self.problems += mismatches(f"{path} ({cls.__name__})", config, known)
            shape = self.decode(value.get("input_shape"), f"{path}/input_shape")
            if shape is not None and not (type(shape) is tuple and is_shape(shape) and max(shape, default=0) < LENGTH):
                self._complain(f"{path}/input_shape", "a tuple of positive integers", repr(shape))
        if len(self.problems) > before:
            return None
        try:
            made = cls.from_config(config)  # a model is not built yet: its size is checked before allocation
        except Exception as error:  # a constructor may raise anything for untrusted arguments
            return self._complain(path, f"arguments that {cls.__name__} takes", f"{type(error).__name__}: {error}")
        if isinstance(made, Layer):
            made.name, made.trainable = value["name"], value["trainable"]
            self.layers.append((made, shape))
        return made

    def _class(self, name: Any, path: str) -> Any:
        if not isinstance(name, str):
            return self._complain(path, "the name of a class", repr(name))
        cls = self.custom_objects.get(name, registry.get(name))
        if isinstance(cls, type) and issubclass(cls, Configured):
            return cls
        near = did_you_mean(name, registry) if len(name) < 100 and len(self.problems) < SHOWN else ""
        fix = near or f" Pass custom_objects={{{name[:100]!r}: ...}}."
        return self._complain(path, "a class of minidl, or one that is registered", f"{name[:100]!r}.{fix}")


def is_printable(name: str) -> bool:
    """Return whether a name is allowed in a file: it must be safe to print in a terminal."""
    return len(name) <= 2000 and name.isprintable()


def check_custom_objects(custom_objects: Any) -> Mapping[str, Any]:
    """Return ``custom_objects``, or an empty dict for None; the values must be functions or subclasses of minidl's."""
    found = {} if custom_objects is None else custom_objects
    for name, value in found.items() if isinstance(found, Mapping) else [(None, None)]:
        made = issubclass(value, Configured) if isinstance(value, type) else callable(value)
        if not made or not isinstance(name, str):
            expected = "expected a dict of names to classes of minidl's kinds or functions"
            raise ArgumentError(f"custom_objects: {expected}, got {found!r}.")
    return found

"""Write tests/keras_names.json: the public names of Keras 3 with their arguments and defaults, by introspection.

``python benchmarks/keras_names.py`` needs Keras and one of its backends, such as JAX.
"""

import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

PATH = Path(__file__).parent.parent / "tests" / "keras_names.json"
MODULES = (
    "layers models losses metrics optimizers optimizers.schedules initializers regularizers constraints callbacks "
    "utils activations datasets"
)
BASES = {
    "Sequential": keras.Sequential,
    "Layer": keras.layers.Layer,
    "Loss": keras.losses.Loss,
    "Metric": keras.metrics.Metric,
    "Optimizer": keras.optimizers.Optimizer,
    "Callback": keras.callbacks.Callback,
    "LearningRateSchedule": keras.optimizers.schedules.LearningRateSchedule,
}


def arguments(thing: Any) -> list[str] | None:
    """Return the arguments of a class or function as names or ``name=default``; None for other objects."""
    if not callable(thing):
        return None
    try:
        parameters = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing).parameters.values()
    except (TypeError, ValueError):
        return None
    return [written(parameter) for parameter in parameters if parameter.name != "self"]


def written(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    if parameter.default is parameter.empty:
        return f"{star}{parameter.name}"
    return f"{parameter.name}={parameter.default!r}"


def public(thing: Any) -> Iterator[str]:
    return (name for name in sorted(dir(thing)) if name[0] != "_")


def members(cls: type) -> dict[str, Any]:
    """Return the public methods of a class with their arguments, and its properties with None."""
    return {name: arguments(getattr(cls, name)) for name in public(cls)}


def main() -> None:
    names: dict[str, Any] = {"": {name: arguments(getattr(keras, name)) for name in public(keras)}}
    for module in MODULES.split():
        found = importlib.import_module(f"keras.{module}")
        names[module] = {name: arguments(getattr(found, name)) for name in public(found)}
    stored = {
        "command": "python benchmarks/keras_names.py",
        "keras": keras.__version__,
        "names": names,
        "members": {name: members(cls) for name, cls in BASES.items()},
    }
    PATH.write_text(json.dumps(stored, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

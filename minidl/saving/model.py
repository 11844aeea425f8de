"""Saving and loading whole models: architecture, values, and the state needed to resume training.

A file never contains code. Every size is checked against the size of the file before anything is allocated.
"""

import copy
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl import __version__, files
from minidl.callbacks import History
from minidl.config import registry
from minidl.constructor import constructor_arguments
from minidl.errors import ArgumentError
from minidl.files import as_path
from minidl.layers import Layer
from minidl.layers.allocation import allocate
from minidl.layers.tree import walk
from minidl.randomness import Randomness, RandomState
from minidl.saving.comparison import file_errors, mismatches, raise_problems
from minidl.saving.fingerprint import threads
from minidl.saving.format import other_format, read_file, write_file
from minidl.saving.objects import Decoder, Encoder, check_custom_objects
from minidl.typing import Array, Model, Shape

COMPILED = ("optimizer", "loss", "metrics", "weighted_metrics", "check_gradients")  # arguments of Sequential.compile
CONTENT = {
    "format": int, "minidl": str, "environment": dict, "model": dict,
    "state": {"randomness": dict, "feature_names": list | None}, "training": dict | None, "run": dict | None,
}  # fmt: skip
TRAINING = {"compile": dict.fromkeys(COMPILED, object), "optimizer_state": dict, "history": dict | None}
GENERATOR = {"bit_generator": str, "state": {"state": int, "inc": int}, "has_uint32": int, "uinteger": int}
RANDOMNESS = {"weights": GENERATOR, "passes": int, "epochs": int}


# Saving


def save_model(model: Model, path: Any, *, include_optimizer: bool = True, who: str = "save") -> None:
    """Write ``model`` to one file, atomically; see `Sequential.save`.

    Raises an `ArgumentError`, opened by ``who``, for a value that is not finite or cannot be stored in a file.
    """
    encoder = Encoder(who)
    unknown = model.get_config().keys() - {"input_shape", *constructor_arguments(type(model))}
    if include_optimizer and unknown:
        who = f"{who}: {type(model).__name__}: its constructor does not take {', '.join(sorted(unknown))}"
        raise ArgumentError(f"{who}, so it could not be loaded. Use save_weights and load_weights.")
    content = encode_model(model, encoder, training=include_optimizer)
    write_file(path, encoder.arrays, content, who)


def encode_model(model: Model, encoder: Encoder, *, training: bool = True) -> dict[str, Any]:
    """Return the JSON object that describes ``model``; its arrays are added to the encoder."""
    if model.dtype not in ("float32", "float64"):
        raise ArgumentError(f"{encoder.who}: expected a model of float32 or float64, got {model.dtype}.")
    content = {
        "minidl": __version__,
        "environment": environment(),
        "model": encoder.encode(model, "model"),
        "state": {
            "randomness": encoder.encode(model.randomness.get_state(), "randomness"),
            "feature_names": None if model.feature_names is None else list(model.feature_names),
        },
        "training": _encode_training(model, encoder) if training and model.optimizer is not None else None,
        "run": None,
    }
    for path, layer in walk(model.sublayers()):
        for name in layer.declared.keys() & layer.views.keys():
            array = layer.views[name].copy()  # another thread may be training
            _require_finite(array, f"{encoder.who}: {layer.label}: {name}")
            encoder.arrays[f"weights/{path}/{name}"] = array
    return content


def environment() -> dict[str, str]:
    """Return the versions and settings, not stored with the model, on which bit-identical results depend."""
    import platform  # only needed for saving
    from importlib import metadata

    try:
        scipy = metadata.version("scipy")  # not loaded just for this
    except metadata.PackageNotFoundError:
        scipy = "none"
    libraries = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy}
    return {**libraries, "threads": threads(), "machine": platform.machine(), "system": sys.platform}


def encode_compile(model: Model, encoder: Encoder) -> dict[str, Any]:
    """Return the arguments of `compile` as JSON."""
    return {name: encoder.encode(getattr(model, name), name) for name in COMPILED}


def _encode_training(model: Model, encoder: Encoder) -> dict[str, Any]:
    state = model.optimizer.get_state()
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            _require_finite(value, f"{encoder.who}: {type(model.optimizer).__name__}: {name}")
    return {
        "compile": encode_compile(model, encoder),
        "optimizer_state": encoder.encode(state, "optimizer_state"),
        "history": None if model.history is None else encoder.encode(model.history.get_state(), "history"),
    }


def _require_finite(array: Array, what: str) -> None:
    if not np.isfinite(array).all():
        fix = "The run has diverged: an older file stays as it is."
        raise ArgumentError(f"{what}: expected finite values, got {array[~np.isfinite(array)][0]}. {fix}")


# Loading


def read_model(path: Any, custom_objects: Mapping[str, Any] | None, *, compile: bool) -> Model:
    """Return the model in the file ``path``: see `minidl.load_model`."""
    custom_objects = check_custom_objects(custom_objects)
    content, arrays = read_content(path, training=compile)
    with file_errors(path):
        decoder = Decoder(dict(arrays), custom_objects)
        model: Model = decoder.decode(content["model"], "model")
        randomness = decode_randomness(decoder, content)
        raise_problems(decoder.problems)
        known = isinstance(model, registry["Sequential"])
        if not known or model.seed != content["model"]["config"]["seed"]:
            raise ArgumentError(f"model: expected a Sequential with its seed, got {model!r:.100}")
        _build(model, decoder.layers, weights_of(arrays))
        model.randomness.set_state(randomness)
        model.feature_names = content["state"]["feature_names"]
        if compile and content["training"] is not None:
            _compile(model, decoder, content["training"])
        if compile or content["training"] is None:
            others = ("weights/", "run/") if content["run"] is not None else ("weights/",)
            raise_problems(f"{name}: expected no such array" for name in decoder.arrays if not name.startswith(others))
    return model


def read_content(path: Any, *, training: bool = True) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the JSON object and the arrays of a model file, with its keys checked; format 1 is converted to format 2.

    For files of other formats, ``training=False`` omits the arguments of `compile`.
    """
    path = as_path(path, "load: path")
    other = other_format(path)
    content, arrays = read_file(path) if other is None else other.read_content(path, training=training)
    with file_errors(path):
        if content["format"] == 1:
            content = _upgrade(content)
        content["state"].setdefault("feature_names", None)  # files of the first versions lack it
        raise_problems(mismatches("content", content, CONTENT))
        if content["training"] is not None:
            raise_problems(mismatches("training", content["training"], TRAINING))
    return content, arrays


def _upgrade(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a file of format 1 in format 2; format 1 did not count training passes."""
    state, training = content["state"], content["training"]
    randomness = [["weights", state["rng"]], ["passes", 0], ["epochs", state["epoch"]]]
    if training is not None and training["compile"]["optimizer"]["class"] == "LBFGS":  # its state had a rate of 1
        pairs = [pair for pair in training["optimizer_state"]["dict"] if pair[0] != "learning_rate"]
        training = {**training, "optimizer_state": {"dict": pairs}}
    model = _move_shapes(content["model"])
    return {**content, "model": model, "state": {"randomness": {"dict": randomness}}, "training": training}


def _move_shapes(value: Any) -> Any:
    """Return a description of format 1 with each model's input shape moved from its config to the object around it."""
    if isinstance(value, list):
        return [_move_shapes(item) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {name: _move_shapes(item) for name, item in value.items()}
    if "trainable" in moved:
        moved["input_shape"] = moved["config"].pop("input_shape", None)
    return moved


def decode_randomness(decoder: Decoder, content: dict[str, Any]) -> RandomState:
    """Return the state of the random numbers, or raise an error if it is not valid for a generator."""
    found: RandomState = decoder.decode(content["state"]["randomness"], "state/randomness")
    raise_problems(mismatches("state/randomness", found, RANDOMNESS))
    Randomness(0).set_state(found)
    return found


def _build(model: Model, layers: list[tuple[Layer, Shape | None]], weights: dict[str, Array]) -> None:
    """Build ``model`` with ``weights`` as its values; their shapes are checked before anything is allocated."""
    for layer, shape in reversed(layers):  # a layer comes before its nested layers, which it declares
        if shape is not None and layer.input_shape is None:
            layer.set_derived(input_shape=shape)
            if layer.sublayers() or not isinstance(layer, registry["Sequential"]):
                layer.declare(shape)
        if shape not in (None, layer.input_shape):
            raise ArgumentError(f"{layer.label}: input_shape: expected {layer.input_shape}, got {shape}")
    raise_problems(mismatches("weights", weights, expected_weights(model)))
    for path, layer in walk(model.sublayers()):  # build takes the values from here and runs no initializer
        layer.views.update({name: weights[f"{path}/{name}"] for name in layer.declared})
    if model.output_shape is not None:
        model.build((None, *model.input_shape))
    else:
        for name, layer in model.sublayers().items():
            if layer.output_shape is not None:  # a built layer in a model that is not built
                allocate({name: layer}, model.randomness.weights, model.dtype)


def weights_of(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the values of a model by path, taken from the arrays of a file."""
    return {name.removeprefix("weights/"): arrays[name] for name in arrays if name.startswith("weights/")}


def load_weights(model: Model, path: Any) -> None:
    """Copy the values in a model file into the built ``model``; names and shapes of the arrays must match."""
    path = files.model_path(path, "load_weights: path")
    model.built("load_weights")
    weights, expected = weights_of(read_content(path)[1]), expected_weights(model)
    with file_errors(path):
        raise_problems(mismatches("weights", weights, expected))
    model.set_weights([weights[name] for name in expected])


def expected_weights(model: Model) -> dict[str, Array]:
    """Return an array with the shape and dtype of each value of ``model``, by path, in the order of `get_weights`.

    No memory is allocated for them.
    """
    zero, parts = np.zeros((), model.dtype), walk(model.sublayers())
    declared = {f"{path}/{name}": layer.declared[name] for path, layer in parts for name in layer.declared}
    return {path: np.broadcast_to(zero, declaration.shape) for path, declaration in declared.items()}


def _compile(model: Model, decoder: Decoder, training: dict[str, Any]) -> None:
    arguments = {name: decoder.decode(value, name) for name, value in training["compile"].items()}
    state = decoder.decode(training["optimizer_state"], "optimizer_state")
    history = decoder.decode(training["history"], "history")
    raise_problems(decoder.problems)
    model.compile(**arguments)
    check_optimizer_state(model, state)
    model.optimizer.set_state(state)
    if history is not None:
        model.trainer.history = History()
        model.trainer.history.set_state(history)


def check_optimizer_state(model: Model, state: dict[str, Any]) -> None:
    """Raise an error unless ``state`` has the optimizer's numbers, and arrays that the next step can use."""
    values = np.empty(0, model.dtype) if model.network is None else model.parameters.values
    numbers = {n: type(value) for n, value in model.optimizer.get_state().items() if not isinstance(value, np.ndarray)}
    raise_problems(mismatches("optimizer_state", state, {name: numbers.get(name, values) for name in state}))
    optimizer, after = copy.deepcopy(model.optimizer), np.zeros_like(values)
    optimizer.set_state(state)
    vars(optimizer)["learning_rate"] = 1.0  # a schedule may be a function that the file only names
    if state.keys() - numbers:
        with np.errstate(all="ignore"):  # squares below zero would make the values NaN
            optimizer.step(after, np.zeros_like(after))
        raise_problems(mismatches("optimizer_state: values after a step", after, values))

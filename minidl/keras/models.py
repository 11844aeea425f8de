"""Models: converts a `Sequential` with all its layers between the JSON of both libraries."""

import re
from typing import Any

from minidl.errors import ArgumentError
from minidl.keras.arrays import Arrays, Names
from minidl.keras.layers import dtype_of, layer_from_keras, layer_to_keras
from minidl.keras.objects import Json, keras_object


def model_from_keras(value: Json, seed: int) -> tuple[Json, Arrays]:
    """Return a model in minidl's JSON, given Keras' JSON, and its arrays."""
    arrays = Arrays()
    dtype = dtype_of(value["config"])
    return _sequential(value, ("", ""), arrays, {"seed": seed, "dtype": dtype, "trainable": True}), arrays


def _sequential(value: Json, paths: tuple[str, str], arrays: Arrays, whole: dict[str, Any]) -> Json:
    config, who = value["config"], f"model {value['config'].get('name')!r:.100}"
    if value["class_name"] not in ("Sequential", "Functional"):
        raise ArgumentError(f"expected a Sequential model, got the class {value['class_name']!r:.100}.")
    if value["class_name"] == "Functional":
        _require_chain(config)
    if dtype_of(config) != whole["dtype"]:
        raise ArgumentError(f"{who}: dtype: expected {whole['dtype']} throughout, got {dtype_of(config)}.")
    shape, layers, names = config.get("build_input_shape"), [], Names()
    trainable = whole["trainable"] and config.get("trainable", True)
    for each in config["layers"]:
        if each["class_name"] == "InputLayer":
            shape = each["config"].get("batch_shape") or each["config"].get("batch_input_shape")
            continue
        inner = (f"{paths[0]}{each['config']['name']}", f"{paths[1]}layers/{names.next(each['class_name'])}")
        if each["class_name"] in ("Sequential", "Functional"):
            deeper = (f"{inner[0]}/", f"{inner[1]}/")
            layers.append(_sequential(each, deeper, arrays, {**whole, "trainable": trainable}))
        else:
            layer = layer_from_keras(each, whole["dtype"])
            if layer is not None:
                arrays.add(layer, *inner, trainable=trainable and layer["trainable"])
                layers.append(layer)
    return {
        "class": "Sequential",
        "config": {"layers": layers, "seed": whole["seed"], "dtype": whole["dtype"]},
        "name": config.get("name"),
        "trainable": config.get("trainable", True),
        "input_shape": _shape(shape, who),
    }


def _require_chain(config: dict[str, Json]) -> None:
    """Raise an error unless each layer of a functional model takes the output of the one before it."""
    before = ""
    for each in config["layers"]:
        nodes = re.findall(r"'keras_history': \['?([^',]+)'?, (\d+), (\d+)\]", str(each.get("inbound_nodes")))
        expected = [(before, "0", "0")] if before else []
        if nodes != expected or bool(before) == (each["class_name"] == "InputLayer"):
            raise ArgumentError(
                f"expected a Sequential model, or one whose layers form a chain, got a branch at {each['name']!r:.100}."
            )
        before = each["name"]


def _shape(batch_shape: Json, who: str) -> Json:
    if batch_shape is None:
        return None
    if None in batch_shape[1:]:
        raise ArgumentError(f"{who}: expected inputs of a fixed shape, got {batch_shape!r:.100}.")
    return {"tuple": batch_shape[1:]}


def model_to_keras(model: Json, who: str) -> tuple[Json, Arrays]:
    """Return a model in Keras' JSON, given minidl's JSON, and its arrays; ``who`` opens the messages."""
    arrays = Arrays()
    return _sequential_to_keras(model, ("", ""), arrays, model["config"]["dtype"], who), arrays


def _sequential_to_keras(
    model: Json, paths: tuple[str, str], arrays: Arrays, dtype: str, who: str, trainable: bool = True
) -> Json:
    shape, trainable = model["input_shape"], trainable and model["trainable"]
    name = model["name"] or "sequential"
    layers, names = [], Names()
    if shape is not None:
        batch_shape = [None, *shape["tuple"]]
        ids = [each["class"] for each in model["config"]["layers"]][:1] == ["Embedding"]
        given = {"batch_shape": batch_shape, "dtype": "int32" if ids else dtype, "name": f"{name}_input"}
        layers.append(keras_object("keras.layers", "InputLayer", given))
    for each in model["config"]["layers"]:
        made = None if each["class"] == "Sequential" else layer_to_keras(each, dtype, who)
        class_name = "Sequential" if made is None else made["class_name"]
        inner = (f"{paths[0]}{each['name']}", f"{paths[1]}layers/{names.next(class_name)}")
        if made is None:
            deeper = (f"{inner[0]}/", f"{inner[1]}/")
            made = _sequential_to_keras(each, deeper, arrays, dtype, who, trainable)
        else:
            arrays.add(each, *inner, trainable=trainable and each["trainable"])
        layers.append(made)
    config: dict[str, Json] = {"name": name, "trainable": model["trainable"], "dtype": dtype, "layers": layers}
    made = keras_object("keras", "Sequential", config)
    if shape is not None:
        config["build_input_shape"] = batch_shape
        made["build_config"] = {"input_shape": batch_shape}
    return made

"""Layers: a model's layers in the JSON of both libraries, and where their arrays are in Keras' file.

In the file, paths are class names numbered in their order (``layers/dense_1``), whatever the layers are called.
"""

import re
from typing import Any

from minidl.errors import ArgumentError
from minidl.keras.objects import Json, from_keras, keras_object, settings, shared_settings, to_keras

# Keras' strings, and the layers of minidl that compute the same; of ReLU, Keras takes the slope 0 at exactly 0.
ACTIVATIONS: dict[str, tuple[str, dict[str, Json]]] = {
    "relu": ("ReLU", {"slope_at_zero": 0}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.2}),
    "elu": ("ELU", {"alpha": 1.0}),
    "gelu": ("GELU", {}),
    "silu": ("SiLU", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {}),
    "softplus": ("Softplus", {}),
    "tanh": ("Tanh", {}),
}
ALIASES = {"swish": "silu"}
PLAIN = {ours: name for name, (ours, config) in ACTIVATIONS.items() if not config}  # layers without settings
SAME = ("Dropout", "ELU", "Flatten", "LeakyReLU", "Reshape", "Softmax")  # the layers with the same arguments
# The arrays of a layer in Keras' order, each with the setting that can leave it out.
ARRAYS: dict[str, tuple[tuple[str, str | None], ...]] = {"Dense": (("W", None), ("b", "use_bias"))}


class Arrays:
    """The arrays of a model, in order: where minidl has them, and where Keras."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str, bool]] = []  # minidl's name, Keras' path, trained

    def add(self, layer: dict[str, Json], path: str, keras_path: str, *, trainable: bool) -> None:
        """Add those of ``layer``, in minidl's JSON."""
        config = layer["config"]
        names = [name for name, switch in ARRAYS.get(layer["class"], ()) if switch is None or config.get(switch, True)]
        for index, name in enumerate(names):
            state = name.startswith("moving_")
            self.places.append((f"weights/{path}/{name}", f"{keras_path}/vars/{index}", trainable and not state))


def snake_case(name: str) -> str:
    """Return ``"leaky_re_lu"`` for ``"LeakyReLU"``: what Keras calls a class in its files."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Names:
    """The names of layers in one container of Keras' file: ``dense``, ``dense_1``, ..."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def next(self, class_name: str) -> str:
        """Return the name of the next layer of that class."""
        name = snake_case(class_name)
        number = self.counts[name] = self.counts.get(name, -1) + 1
        return f"{name}_{number}" if number else name


# From Keras


def model_from_keras(value: Json, seed: int) -> tuple[Json, Arrays]:
    """Return a model in minidl's JSON, given Keras', and its arrays."""
    arrays = Arrays()
    dtype = _dtype(value["config"])
    return _sequential(value, ("", ""), arrays, {"seed": seed, "dtype": dtype, "trainable": True}), arrays


def _sequential(value: Json, paths: tuple[str, str], arrays: Arrays, whole: dict[str, Any]) -> Json:
    config, who = value["config"], f"model {value['config'].get('name')!r:.100}"
    if value["class_name"] not in ("Sequential", "Functional"):
        raise ArgumentError(f"expected a Sequential model, got the class {value['class_name']!r:.100}.")
    if value["class_name"] == "Functional":
        _require_chain(config)
    if _dtype(config) != whole["dtype"]:
        raise ArgumentError(f"{who}: dtype: expected {whole['dtype']} throughout, got {_dtype(config)}.")
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


def _dtype(config: dict[str, Json]) -> str:
    given = config.get("dtype") or "float32"
    name = str(given["config"]["name"] if isinstance(given, dict) else given)
    if name not in ("float32", "float64"):
        raise ArgumentError(f"dtype: expected float32 or float64, got {name!r:.100}.")
    return name


def _shape(batch_shape: Json, who: str) -> Json:
    if batch_shape is None:
        return None
    if None in batch_shape[1:]:
        raise ArgumentError(f"{who}: expected inputs of a fixed shape, got {batch_shape!r:.100}.")
    return {"tuple": batch_shape[1:]}


def layer_from_keras(value: Json, dtype: str) -> Json:
    """Return a layer in minidl's JSON; None for one that does nothing."""
    name, config = value["class_name"], dict(value["config"])
    who = f"layer {config.get('name')!r:.100}"
    if _dtype(config) != dtype:
        raise ArgumentError(f"{who}: dtype: expected {dtype}, as the model's, got {_dtype(config)}.")
    if name == "Activation":
        made = activation_from_keras(config["activation"], who)
        if made is None:
            return None
        ours, arguments = made["class"], made["config"]
    elif name == "Dense":
        activation = activation_from_keras(config.pop("activation", None), who)
        known = {key: item for key, item in config.items() if not key.endswith("_initializer")}
        ours, arguments = name, {**settings(name, known, who), "activation": activation, **_initializers(config)}
    elif name == "ReLU":
        slope = config.pop("negative_slope", 0.0) or 0.0
        settings("ReLU", config, who)
        ours, arguments = ("LeakyReLU", {"negative_slope": slope}) if slope else ACTIVATIONS["relu"]
    elif name in SAME:
        ours, arguments = name, settings(name, config, who)
    else:
        shared = ", ".join(["Dense", "Activation", "ReLU", *SAME])
        raise ArgumentError(f"{who}: expected one of {shared} or a nested model, got {name!r:.100}.")
    return {
        "class": ours, "config": arguments, "name": config.get("name"), "trainable": config.get("trainable", True),
        "input_shape": None,
    }  # fmt: skip


def _initializers(config: dict[str, Json]) -> dict[str, Json]:
    """Return the initializers that minidl has; the arrays have their values, so that others do not matter."""
    found = {}
    for key, value in config.items():
        if key.endswith("_initializer"):
            try:
                found[key] = from_keras(value, key)
            except ArgumentError:
                continue
    return found


def activation_from_keras(value: Json, who: str) -> Json:
    """Return the activation layer that Keras' string, function or layer means; None for "linear"."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = value["config"]
    if isinstance(value, dict):
        made = layer_from_keras({**value, "config": {**value["config"], "name": None}}, _dtype(value["config"]))
        if made is not None and made["class"] in ARRAYS:
            raise ArgumentError(f"{who}: activation: expected one without arrays, got {made['class']}.")
        return made
    value = ALIASES.get(value, value)
    if value in (None, "linear"):
        return None
    if value not in ACTIVATIONS:
        raise ArgumentError(f"{who}: activation: expected one of {', '.join(ACTIVATIONS)}, got {value!r:.100}.")
    name, config = ACTIVATIONS[value]
    return {"class": name, "config": dict(config), "name": None, "trainable": True, "input_shape": None}


# To Keras


def model_to_keras(model: Json) -> tuple[Json, Arrays]:
    """Return a model in Keras' JSON, given minidl's, and its arrays."""
    arrays = Arrays()
    return _sequential_to_keras(model, ("", ""), arrays, model["config"]["dtype"], trainable=True), arrays


def _sequential_to_keras(model: Json, paths: tuple[str, str], arrays: Arrays, dtype: str, *, trainable: bool) -> Json:
    shape, trainable = model["input_shape"], trainable and model["trainable"]
    name = model["name"] or "sequential"
    layers, names = [], Names()
    if shape is not None:
        batch_shape = [None, *shape["tuple"]]
        given = {"batch_shape": batch_shape, "dtype": dtype, "name": f"{name}_input"}
        layers.append(keras_object("keras.layers", "InputLayer", given))
    for each in model["config"]["layers"]:
        made = None if each["class"] == "Sequential" else layer_to_keras(each, dtype)
        class_name = "Sequential" if made is None else made["class_name"]
        inner = (f"{paths[0]}{each['name']}", f"{paths[1]}layers/{names.next(class_name)}")
        if made is None:
            deeper = (f"{inner[0]}/", f"{inner[1]}/")
            made = _sequential_to_keras(each, deeper, arrays, dtype, trainable=trainable)
        else:
            arrays.add(each, *inner, trainable=trainable and each["trainable"])
        layers.append(made)
    config: dict[str, Json] = {"name": name, "trainable": model["trainable"], "dtype": dtype, "layers": layers}
    made = keras_object("keras", "Sequential", config)
    if shape is not None:
        config["build_input_shape"] = batch_shape
        made["build_config"] = {"input_shape": batch_shape}
    return made


def layer_to_keras(layer: Json, dtype: str) -> Json:
    """Return a layer in Keras' JSON."""
    ours, who = layer["class"], f"save: layer {layer['name']!r}"
    config = dict(layer["config"])
    if ours == "Dense":
        activation = activation_to_keras(config.pop("activation"), dtype, who)
        name, arguments = ours, {**_dense_settings(config, who), "activation": activation}
    elif ours in PLAIN and ours != "Softmax":
        name, arguments = "Activation", {"activation": PLAIN[ours]}
    elif ours == "ReLU":
        name, arguments = "ReLU", {}
    elif ours in SAME:
        name, arguments = ours, shared_settings(ours, config, who)
    else:
        raise ArgumentError(
            f"{who}: expected a layer that Keras has, got {ours}. Use a name that ends in .safetensors."
        )
    options = {"name": layer["name"] or snake_case(name), "trainable": layer["trainable"], "dtype": dtype}
    value = keras_object("keras.layers", name, {**options, **arguments})
    if layer["input_shape"] is not None:
        value["build_config"] = {"input_shape": [None, *layer["input_shape"]["tuple"]]}
    return value


def _dense_settings(config: dict[str, Json], who: str) -> dict[str, Json]:
    """Return the arguments of Dense but for its activation; an initializer that Keras lacks is left to the default."""
    found = {}
    for key, value in config.items():
        try:
            found[key] = to_keras(value, who)
        except ArgumentError:
            if not key.endswith("_initializer"):
                raise
    return found


def activation_to_keras(layer: Json, dtype: str, who: str) -> Json:
    """Return what Keras' Dense calls an activation: a string, or a layer where its settings are others."""
    if layer is None:
        return "linear"
    if layer["class"] in ("Sequential", *ARRAYS):
        raise ArgumentError(f"{who}: activation: expected one without layers or arrays, got {layer['class']}.")
    for name, (ours, config) in ACTIVATIONS.items():
        if layer["class"] == ours and (layer["config"] == config or ours == "ReLU"):
            return name
    return layer_to_keras({**layer, "input_shape": None}, dtype)

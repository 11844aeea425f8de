"""Layers: converts layers between the JSON of both libraries."""

from minidl.errors import ArgumentError
from minidl.keras.arrays import ARRAYS, snake_case
from minidl.keras.objects import Json, complete, from_keras, keras_object, settings, to_keras

# Keras' strings, and the equivalent layers of minidl; Keras' ReLU has the slope 0 at exactly 0.
ACTIVATIONS: dict[str, tuple[str, dict[str, Json]]] = {
    "selu": ("SELU", {}),
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
SAME = (  # the layers with the same arguments
    "AlphaDropout", "BatchNormalization", "Dense", "Dropout", "ELU", "Embedding", "Flatten", "GaussianNoise",
    "Identity", "LayerNormalization", "LeakyReLU", "Normalization", "PReLU", "Rescaling", "Reshape", "Softmax",
)  # fmt: skip

# From Keras


def dtype_of(config: dict[str, Json]) -> str:
    """Return the dtype of a layer or model."""
    given = config.get("dtype") or "float32"
    name = str(given["config"]["name"] if isinstance(given, dict) else given)
    if name not in ("float32", "float64"):
        raise ArgumentError(f"dtype: expected float32 or float64, got {name!r:.100}.")
    return name


def layer_from_keras(value: Json, dtype: str) -> Json:
    """Return a layer in minidl's JSON; None for one that does nothing."""
    name, config = value["class_name"], dict(value["config"])
    who = f"layer {config.get('name')!r:.100}"
    if dtype_of(config) != dtype:
        raise ArgumentError(f"{who}: dtype: expected {dtype}, as the model's, got {dtype_of(config)}.")
    if name == "Activation":
        made = activation_from_keras(config["activation"], who)
        if made is None:
            return None
        ours, arguments = made["class"], made["config"]
    elif name == "Dense":
        activation = activation_from_keras(config.pop("activation", None), who)
        ours, arguments = name, {**_arguments(name, config, who), "activation": activation}
    elif name == "ReLU":
        slope = config.pop("negative_slope", 0.0) or 0.0
        settings("ReLU", config, who)
        ours, arguments = ("LeakyReLU", {"negative_slope": slope}) if slope else ACTIVATIONS["relu"]
        arguments = complete(ours, arguments)
    elif name in SAME:
        ours, arguments = name, _arguments(name, config, who)
    else:
        shared = ", ".join(["Activation", "ReLU", *SAME])
        raise ArgumentError(f"{who}: expected one of {shared} or a nested model, got {name!r:.100}.")
    return {
        "class": ours, "config": arguments, "name": config.get("name"), "trainable": config.get("trainable", True),
        "input_shape": None,
    }  # fmt: skip


def _arguments(name: str, config: dict[str, Json], who: str) -> dict[str, Json]:
    """Return the arguments of a layer; initializers unknown to minidl are omitted, as the arrays have their values."""
    if name == "Normalization" and config.get("mean") is not None:
        raise ArgumentError(f"{who}: mean: expected one from adapt, got {config['mean']!r:.100}.")
    found = settings(name, {key: item for key, item in config.items() if not key.endswith("_initializer")}, who)
    for key, value in config.items():
        if key.endswith("_initializer"):
            try:
                found[key] = from_keras(value, key)
            except ArgumentError:
                continue
    return found


def activation_from_keras(value: Json, who: str) -> Json:
    """Return the activation layer for Keras' string, function or layer; None for "linear"."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = value["config"]
    if isinstance(value, dict):
        made = layer_from_keras({**value, "config": {**value["config"], "name": None}}, dtype_of(value["config"]))
        if made is not None and made["class"] in ARRAYS:
            raise ArgumentError(f"{who}: activation: expected one without arrays, got {made['class']}.")
        return made
    value = ALIASES.get(value, value)
    if value in (None, "linear"):
        return None
    if value not in ACTIVATIONS:
        raise ArgumentError(f"{who}: activation: expected one of {', '.join(ACTIVATIONS)}, got {value!r:.100}.")
    name, config = ACTIVATIONS[value]
    return {"class": name, "config": complete(name, config), "name": None, "trainable": True, "input_shape": None}


# To Keras


def layer_to_keras(layer: Json, dtype: str, who: str) -> Json:
    """Return a layer in Keras' JSON; ``who`` opens the messages."""
    ours, who = layer["class"], f"{who}: layer {layer['name']!r}"
    config = dict(layer["config"])
    if ours == "Dense":
        activation = activation_to_keras(config.pop("activation"), dtype, who)
        name, arguments = ours, {**_keras_arguments(ours, config, who), "activation": activation}
    elif ours not in SAME and ours != "ReLU" and activation_name(layer) is not None:
        name, arguments = "Activation", {"activation": activation_name(layer)}
    elif ours == "ReLU":
        name, arguments = "ReLU", {}
    elif ours in SAME:
        name, arguments = ours, _keras_arguments(ours, config, who)
    else:
        raise ArgumentError(
            f"{who}: expected a layer that Keras has, got {ours}. Use a name that ends in .safetensors."
        )
    options = {"name": layer["name"] or snake_case(name), "trainable": layer["trainable"], "dtype": dtype}
    value = keras_object("keras.layers", name, {**options, **arguments})
    if layer["input_shape"] is not None:
        value["build_config"] = {"input_shape": [None, *layer["input_shape"]["tuple"]]}
    return value


def _keras_arguments(name: str, config: dict[str, Json], who: str) -> dict[str, Json]:
    """Return the arguments of a layer; initializers that Keras lacks are omitted."""
    if name == "Normalization" and config.get("mean") is not None:
        raise ArgumentError(
            f"{who}: mean: expected one from adapt, as Keras' file has it, got {config['mean']!r:.100}."
        )
    found = {}
    for key, value in config.items():
        try:
            found[key] = to_keras(value, who)
        except ArgumentError:
            if not key.endswith("_initializer"):
                raise
    return found


def activation_to_keras(layer: Json, dtype: str, who: str) -> Json:
    """Return the activation argument of Keras' Dense: a string, or a layer if no string has these settings."""
    if layer is None:
        return "linear"
    if layer["class"] in ("Sequential", *ARRAYS):
        raise ArgumentError(f"{who}: activation: expected one without layers or arrays, got {layer['class']}.")
    return activation_name(layer) or layer_to_keras({**layer, "input_shape": None}, dtype, who)


def activation_name(layer: Json) -> str | None:
    """Return Keras' string for an activation with these settings, if there is one."""
    for name, (ours, config) in ACTIVATIONS.items():
        if layer["class"] == ours and (layer["config"] == complete(ours, config) or ours == "ReLU"):
            return name
    return None

"""Training: converts the arguments of `compile` and the optimizer's state between both libraries."""

from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.keras.arrays import STATE as STATES
from minidl.keras.arrays import Arrays
from minidl.keras.objects import Json, from_keras, to_keras
from minidl.numeric import rescaling_period
from minidl.typing import Array

# The arrays of an optimizer: groups in Keras' order; in a group, the arrays alternate for each parameter.
SLOTS = {
    "Adam": (("m", "v"), ("largest",)),
    "AdamW": (("m", "v"), ("largest",)),
    "SGD": (("velocity",),),
    "RMSprop": (("v",), ("u",), ("a",)),
    "Adagrad": (("v",),),
    "Lion": (("m",),),
}
STATE = "optimizer_state"


def slots_of(config: dict[str, Any], name: str) -> list[tuple[str, ...]]:
    """Return the groups of arrays that an optimizer with this ``config`` keeps."""
    absent = set()
    if name in ("SGD", "RMSprop") and not config.get("momentum", 0.0):
        absent |= {"velocity", "u"}
    if not config.get("centered", False):
        absent.add("a")
    if not config.get("amsgrad", False):
        absent.add("largest")
    return [group for group in SLOTS[name] if not absent.intersection(group)]


def factors(name: str, config: dict[str, Any], iterations: int) -> dict[str, float]:
    """Return the factors that turn minidl's arrays into Keras': deferred decay, see `rescaling_period`."""
    if name in ("Adam", "AdamW"):
        beta_1, beta_2 = config.get("beta_1", 0.9), config.get("beta_2", 0.999)
        k = 0 if config.get("amsgrad", False) else iterations % rescaling_period(beta_1, beta_2)
        v = (1 - beta_2) * beta_2**k
        return {"m": (1 - beta_1) * beta_1**k, "v": v, "largest": v}
    if name == "SGD" and config.get("momentum"):
        momentum = config["momentum"]
        return {"velocity": momentum ** (iterations % rescaling_period(momentum))}
    return {}


class State:
    """The flat parameters of a model, and which of them Keras' optimizer keeps: the trainable ones."""

    def __init__(self, places: Arrays, weights: dict[str, Array]) -> None:
        self.parts: list[tuple[slice, tuple[int, ...], bool]] = []
        self.size = 0
        for name, _, trained in places.places:
            if name.rpartition("/")[2] in STATES:
                continue
            array = weights[name]
            self.parts.append((slice(self.size, self.size + array.size), array.shape, trained))
            self.size += array.size

    def to_keras(self, flat: dict[str, Array], groups: list[tuple[str, ...]]) -> list[Array]:
        """Return the arrays of an optimizer in Keras' form and order."""
        return [
            flat[name][part].reshape(shape)
            for group in groups
            for part, shape, trained in self.parts
            if trained
            for name in group
        ]

    def from_keras(
        self, arrays: list[Array], groups: list[tuple[str, ...]], start: float, dtype: Any
    ) -> dict[str, Array]:
        """Return minidl's flat arrays, with the initial value ``start`` for parameters that are not trained."""
        flat = {name: np.full(self.size, start, dtype) for group in groups for name in group}
        waiting = iter(arrays)
        for group in groups:
            for part, shape, trained in self.parts:
                for name in group if trained else ():
                    array = next(waiting)
                    if array.shape != shape:
                        raise ArgumentError(f"optimizer: {name}: expected shape {shape}, got {array.shape}.")
                    flat[name][part] = array.reshape(-1)
        return flat


def training_from_keras(
    config: Json, variables: list[Array], state: State, dtype: str
) -> tuple[Json, dict[str, Array]]:
    """Return the ``training`` section of a model file, and its arrays."""
    if config.get("loss_weights") is not None:
        raise ArgumentError("compile: loss_weights: expected None, got others.")
    optimizer = from_keras(config["optimizer"], "optimizer")
    name, settings = optimizer["class"], optimizer["config"]
    if name not in SLOTS:
        raise ArgumentError(f"optimizer: expected one of {', '.join(SLOTS)}, got {name!r:.100}.")
    compiled = {key: from_keras(config.get(key), key) for key in ("loss", "metrics", "weighted_metrics")}
    pairs: list[list[Any]] = [["iterations", int(variables[0]) if variables else 0]]
    rest = variables[1:]
    if not isinstance(settings.get("learning_rate"), dict):
        settings["learning_rate"] = _shortest(rest[0] if rest else settings["learning_rate"])
        pairs.append(["learning_rate", settings["learning_rate"]])
        rest = rest[1:]
    groups, iterations, arrays = slots_of(settings, name), pairs[0][1], {}
    expected = sum(len(group) for group in groups) * sum(trained for *_, trained in state.parts)
    if len(rest) != expected and (rest or iterations):
        raise ArgumentError(f"optimizer: expected {expected} arrays for {name}, got {len(rest)}.")
    if iterations:
        start = settings.get("initial_accumulator_value", 0.1) if name == "Adagrad" else 0.0
        scale = factors(name, settings, iterations)
        for key, flat in state.from_keras(rest, groups, start, np.float64).items():
            arrays[f"{STATE}/{key}"] = (flat / scale.get(key, 1.0)).astype(dtype)
            pairs.append([key, {"array": f"{STATE}/{key}"}])
    compiled |= {"optimizer": optimizer, "check_gradients": None}
    return {"compile": compiled, STATE: {"dict": pairs}, "history": None}, arrays


def _shortest(rate: Any) -> float:
    """Return a rate without the digits added by float32: 0.001 for 0.0010000000474974513."""
    return float(str(np.float32(rate)))


def training_to_keras(training: Json, arrays: dict[str, Array], state: State, who: str) -> tuple[Json, list[Array]]:
    """Return Keras' ``compile_config``, and the variables of its optimizer."""
    compiled = training["compile"]
    optimizer = to_keras(compiled["optimizer"], f"{who}: optimizer")
    name, settings = optimizer["class_name"], compiled["optimizer"]["config"]
    found = {key: to_keras(compiled[key], f"{who}: {key}") for key in ("loss", "metrics", "weighted_metrics")}
    values = dict(training[STATE]["dict"])
    iterations = values["iterations"]
    variables = [np.array(iterations, np.int32)]
    if "learning_rate" in values:
        variables.append(np.array(values["learning_rate"], np.float32))
    groups, scale = slots_of(settings, name), factors(name, settings, iterations)
    others = values.keys() - {"iterations", "learning_rate"}.union(*groups)
    if others:
        raise ArgumentError(f"{who}: optimizer: expected a state that Keras has too, got {', '.join(sorted(others))}.")
    start = settings.get("initial_accumulator_value", 0.1) if name == "Adagrad" else 0.0
    flat = {}
    for key in (key for group in groups for key in group):
        array = arrays[values[key]["array"]] if key in values else np.full(state.size, start, np.float32)
        flat[key] = (array * np.float64(scale.get(key, 1.0))).astype(array.dtype)
    variables += state.to_keras(flat, groups)
    config = {"optimizer": optimizer, "loss_weights": None, "run_eagerly": False, "steps_per_execution": 1}
    return {**config, **found, "jit_compile": "auto"}, variables

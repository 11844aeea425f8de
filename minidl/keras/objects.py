"""Objects: initializers, regularizers, losses, metrics, optimizers and schedules in the JSON of both libraries.

minidl uses Keras' names and arguments, so most values differ only in their keys.
"""

from typing import Any

from minidl.config import registry
from minidl.constructor import constructor_arguments
from minidl.errors import ArgumentError

Json = Any

# The classes of minidl with an equivalent in Keras, by Keras' module.
SHARED = {
    "keras.initializers": (
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Ones Orthogonal RandomNormal "
        "RandomUniform TruncatedNormal VarianceScaling Zeros"
    ),
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.regularizers": "L1 L1L2 L2",
    "keras.losses": (
        "BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy "
        "CategoricalHinge CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError "
        "MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson "
        "SparseCategoricalCrossentropy SquaredHinge"
    ),
    "keras.metrics": (
        "AUC BinaryAccuracy CategoricalAccuracy F1Score FBetaScore FalseNegatives FalsePositives LogCoshError "
        "MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Precision R2Score "
        "Recall RootMeanSquaredError SparseCategoricalAccuracy SparseTopKCategoricalAccuracy TopKCategoricalAccuracy "
        "TrueNegatives TruePositives"
    ),
    "keras.optimizers": "SGD RMSprop Adagrad Adam AdamW Lion",
    "keras.optimizers.schedules": (
        "CosineDecay ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay"
    ),
}
# Settings of Keras that minidl lacks, and the values at which they have no effect.
ONLY: dict[str, list[Json]] = {
    "activity_regularizer": [None], "kernel_constraint": [None], "bias_constraint": [None], "beta_constraint": [None],
    "gamma_constraint": [None], "embeddings_constraint": [None], "alpha_constraint": [None], "lora_rank": [None],
    "quantization_config": [None], "noise_shape": [None], "synchronized": [False], "renorm": [False],
    "renorm_clipping": [None], "rms_scaling": [False], "axis": [-1, [-1]], "reduction": ["sum_over_batch_size"],
    "ignore_class": [None], "amsgrad": [False], "use_ema": [False], "ema_overwrite_frequency": [None],
    "loss_scale_factor": [None], "gradient_accumulation_steps": [None], "max_value": [None], "threshold": [0, 0.0],
    "curve": ["ROC"], "multi_label": [False], "num_labels": [None], "label_weights": [None], "from_logits": [False],
    "top_k": [None], "from_sorted_ids": [False], "mask_zero": [False], "input_length": [None], "shared_axes": [None],
    "num_regressors": [0],
}  # fmt: skip
FREE = (  # settings that change nothing here
    "name", "dtype", "seed", "trainable", "input_axes", "output_axes", "ema_momentum", "renorm_momentum", "data_format",
    "num_thresholds", "summation_method", "is_legacy_optimizer", "jit_compile", "lora_alpha", "thresholds",
)  # fmt: skip


def from_keras(value: Json, who: str) -> Json:
    """Convert a value from Keras' JSON to minidl's, or raise an `ArgumentError` that starts with ``who``."""
    if isinstance(value, list):
        return [from_keras(item, who) for item in value]
    if not isinstance(value, dict):
        return value
    name, config = value.get("class_name"), value.get("config")
    if name == "__tuple__":
        return {"tuple": from_keras(value["items"], who)}
    if not isinstance(name, str) or not isinstance(config, dict):
        raise ArgumentError(f"{who}: expected a value of minidl, got {str(value)[:200]}.")
    if not any(name in names.split() for names in SHARED.values()):
        raise ArgumentError(f"{who}: expected a class that minidl shares with Keras, got {name!r:.100}.")
    ours = f"{name}Metric" if str(value.get("module")).startswith("keras.metrics") else name
    ours = ours if ours in registry else name  # a loss and a metric may share a name
    return {"class": ours, "config": settings(ours, config, f"{who}: {name}")}


def settings(name: str, config: dict[str, Json], who: str) -> dict[str, Json]:
    """Return the arguments of minidl's class ``name`` in Keras' ``config``; its other settings must have no effect."""
    known = constructor_arguments(registry[name])
    found = {}
    for key, value in config.items():
        if key in known:
            found[key] = from_keras(value, who)
        elif key not in FREE and value not in ONLY.get(key, ()):
            expected = f"{ONLY[key][0]!r}" if key in ONLY else "no such setting"
            raise ArgumentError(f"{who}: {key}: expected {expected}, as minidl has it, got {value!r:.100}.")
    return complete(name, found)  # a file of an older Keras may lack some


def complete(name: str, config: dict[str, Json]) -> dict[str, Json]:
    """Return ``config``, completed with the defaults of minidl's class ``name``."""
    defaults = constructor_arguments(registry[name])
    plain = {key: value for key, value in defaults.items() if isinstance(value, (str, int, float, type(None)))}
    return {**plain, **config}


def to_keras(value: Json, who: str) -> Json:
    """Convert a value from minidl's JSON to Keras', or raise an `ArgumentError` that starts with ``who``."""
    if isinstance(value, list):
        return [to_keras(item, who) for item in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return to_keras(value["tuple"], who)
    ours = str(value.get("class"))
    name = ours.removesuffix("Metric")
    homes = [module for module, names in SHARED.items() if name in names.split()]
    if not homes:
        raise ArgumentError(f"{who}: expected something that Keras has, got {value.get('class') or value!s:.100}.")
    module = "keras.metrics" if name != ours else homes[0]
    return keras_object(module, name, shared_settings(ours, value["config"], f"{who}: {name}"))


def shared_settings(name: str, config: dict[str, Json], who: str) -> dict[str, Json]:
    """Return the arguments that Keras has too; the others must have their defaults."""
    defaults = constructor_arguments(registry[name])
    found = {}
    for key, value in config.items():
        if key not in LACKING.get(name, ()):
            found[key] = to_keras(value, who)
        elif value != defaults[key]:
            raise ArgumentError(
                f"{who}: {key}: expected {defaults[key]!r}, all that Keras can say, got {value!r:.100}."
            )
    return found


LACKING = {  # arguments that Keras lacks
    "Precision": ("average",),
    "Recall": ("average",),
    "SparseCategoricalCrossentropy": ("label_smoothing",),
    "SparseCategoricalCrossentropyMetric": ("label_smoothing",),
}


def keras_object(module: str, name: str, config: dict[str, Json]) -> dict[str, Json]:
    """Return the result of Keras' ``serialize_keras_object``."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None}

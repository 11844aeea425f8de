"""Write tests/keras_values.json: values of Keras' losses, metrics, optimizers, schedules and constraints, in float64.

``python benchmarks/keras_values.py`` needs Keras and JAX. The data is stored with the values.
"""

import json
import os
from pathlib import Path
from typing import Any

os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu")

import jax
import keras
import numpy as np

PATH = Path(__file__).parent.parent / "tests" / "keras_values.json"
ROWS, OUTPUTS = 7, 3
START = [-1.2, 1.0, 0.5, 2.0]  # a point in Rosenbrock's valley, as in optimizer_trajectories.py
STEPS = [1, 2, 3, *range(10, 101, 10)]
STEEP = {"learning_rate": 0.01}


def data() -> dict[str, Any]:
    """Return the fixed predictions and targets, by kind."""
    rng = np.random.default_rng(16)
    logits, labels = rng.normal(size=(ROWS, OUTPUTS)) * 2, rng.integers(0, OUTPUTS, ROWS)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return {
        "numbers": rng.normal(size=(ROWS, OUTPUTS)) * 2,
        "logits": logits,
        "probabilities": probabilities,
        "coarse": probabilities.round(1),  # with ties
        "rates": np.exp(logits / 3),
        "real": rng.normal(size=(ROWS, OUTPUTS)) * 2,
        "positive": np.exp(rng.normal(size=(ROWS, OUTPUTS))),
        "yes_no": rng.integers(0, 2, (ROWS, OUTPUTS)).astype(float),
        "one_column": np.array([[0.0, 1, 0, 1, 1, 0, 1]]).T,
        "scores": np.array([[0.1, 0.4, 0.4, 0.9, 0.3, 0.6, 0.7]]).T,
        "labels": labels,
        "one_hot": np.eye(OUTPUTS)[labels],
        "soft": rng.dirichlet(np.ones(OUTPUTS), ROWS),
        "weights": rng.uniform(0.5, 2, ROWS),
    }


# the class, its arguments, the predictions, the targets
LOSSES: list[tuple[str, dict[str, Any], str, str]] = [
    ("BinaryCrossentropy", {}, "probabilities", "yes_no"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "logits", "yes_no"),
    ("BinaryFocalCrossentropy", {}, "probabilities", "yes_no"),
    ("BinaryFocalCrossentropy", {}, "probabilities", "soft"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}, "probabilities", "yes_no"),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 3.0, "label_smoothing": 0.1}, "logits", "yes_no"),
    ("CategoricalCrossentropy", {}, "probabilities", "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "logits", "one_hot"),
    ("CategoricalFocalCrossentropy", {}, "probabilities", "one_hot"),
    ("CategoricalFocalCrossentropy", {"alpha": 0.6, "gamma": 1.5}, "probabilities", "soft"),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "logits", "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "probabilities", "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "logits", "labels"),
    ("CategoricalHinge", {}, "numbers", "one_hot"),
    ("CosineSimilarity", {}, "numbers", "real"),
    ("Hinge", {}, "numbers", "yes_no"),
    ("SquaredHinge", {}, "numbers", "yes_no"),
    ("Huber", {"delta": 0.7}, "numbers", "real"),
    ("KLDivergence", {}, "probabilities", "soft"),
    ("LogCosh", {}, "numbers", "real"),
    ("MeanAbsoluteError", {}, "numbers", "real"),
    ("MeanAbsolutePercentageError", {}, "numbers", "real"),
    ("MeanSquaredError", {}, "numbers", "real"),
    ("MeanSquaredLogarithmicError", {}, "rates", "positive"),
    ("Poisson", {}, "rates", "positive"),
]
METRICS: list[tuple[str, dict[str, Any], str, str]] = [
    ("Accuracy", {}, "yes_no", "one_hot"),
    ("BinaryAccuracy", {"threshold": 0.3}, "probabilities", "yes_no"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "logits", "yes_no"),
    ("CategoricalAccuracy", {}, "probabilities", "one_hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "probabilities", "one_hot"),
    ("CategoricalHinge", {}, "numbers", "one_hot"),
    ("CosineSimilarity", {}, "numbers", "real"),
    ("F1Score", {"threshold": 0.35}, "probabilities", "yes_no"),
    ("FBetaScore", {"beta": 0.5, "average": "macro"}, "probabilities", "one_hot"),
    ("FalseNegatives", {}, "probabilities", "yes_no"),
    ("FalsePositives", {"thresholds": 0.2}, "probabilities", "yes_no"),
    ("TrueNegatives", {"thresholds": [0.15, 0.25, 0.75]}, "probabilities", "yes_no"),
    ("TruePositives", {"thresholds": [0.15, 0.25, 0.75]}, "probabilities", "yes_no"),
    ("Hinge", {}, "numbers", "yes_no"),
    ("KLDivergence", {}, "probabilities", "soft"),
    ("LogCoshError", {}, "numbers", "real"),
    ("MeanAbsoluteError", {}, "numbers", "real"),
    ("MeanAbsolutePercentageError", {}, "numbers", "real"),
    ("MeanSquaredError", {}, "numbers", "real"),
    ("MeanSquaredLogarithmicError", {}, "rates", "positive"),
    ("Poisson", {}, "rates", "positive"),
    ("Precision", {"thresholds": [0.15, 0.25, 0.75]}, "probabilities", "yes_no"),
    ("Precision", {"top_k": 2}, "probabilities", "one_hot"),
    ("Precision", {"thresholds": 0.3, "top_k": 2, "class_id": 1}, "probabilities", "one_hot"),
    ("Recall", {"thresholds": [0.15, 0.25, 0.75], "class_id": 2}, "probabilities", "yes_no"),
    ("Recall", {"top_k": 1}, "probabilities", "one_hot"),
    ("R2Score", {}, "numbers", "real"),
    ("RootMeanSquaredError", {}, "numbers", "real"),
    ("SparseCategoricalAccuracy", {}, "probabilities", "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "logits", "labels"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "probabilities", "labels"),
    ("SquaredHinge", {}, "numbers", "yes_no"),
    ("TopKCategoricalAccuracy", {"k": 2}, "probabilities", "one_hot"),
    ("AUC", {"curve": "ROC", "thresholds": "every score"}, "scores", "one_column"),
    ("AUC", {"curve": "PR", "thresholds": "every score"}, "scores", "one_column"),
    ("AUC", {"curve": "PR", "thresholds": "every score"}, "coarse", "yes_no"),
    ("AUC", {"multi_label": True, "thresholds": "every score"}, "coarse", "yes_no"),
]
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.002, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.9, "centered": True, "epsilon": 1e-3}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adam", {**STEEP, "amsgrad": True, "beta_2": 0.9, "epsilon": 1e-12}),
    ("AdamW", {**STEEP, "amsgrad": True, "beta_2": 0.9, "epsilon": 1e-12, "weight_decay": 0.1}),
    ("Adamax", {"learning_rate": 0.02}),
    ("Adamax", {"learning_rate": 0.005, "beta_1": 0.5, "beta_2": 0.8, "weight_decay": 0.1}),
    ("Lion", {"learning_rate": 0.01}),
    ("SGD", {"learning_rate": 0.002, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 7}),
    ("Adam", {**STEEP, "epsilon": 1e-12, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 10}),
]
SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 7}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 6, "t_mul": 1.0, "m_mul": 0.8}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.5, "alpha": 0.1}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 9, "power": 2.0, "cycle": True}),
]
CONSTRAINTS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 1.5, "axis": 1}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.5, "rate": 0.3}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": [0, 1]}),
]


def losses(arrays: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, arguments, predictions, targets in LOSSES:
        loss = getattr(keras.losses, name)(**arguments, dtype="float64")

        def value(p: Any, loss: Any = loss, targets: str = targets) -> Any:
            return loss(arrays[targets], p)

        p = arrays[predictions]
        function = loss.name.removesuffix("_loss")
        rows = getattr(keras.losses, function)(arrays[targets], p, **arguments)
        found.append(
            case(name, arguments, predictions, targets)
            | {
                "value": float(value(p)),
                "gradient": np.asarray(jax.grad(value)(p)).tolist(),
                "function": function,
                "rows": np.asarray(rows).tolist(),
            }
        )
    return found


def metrics(arrays: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, arguments, predictions, targets in METRICS:
        given = dict(arguments)
        if "thresholds" in given and given["thresholds"] == "every score":
            scores = np.unique(arrays[predictions])
            given["thresholds"] = ((scores[1:] + scores[:-1]) / 2).tolist()
        values = []
        for weights in (None, arrays["weights"]):
            metric = getattr(keras.metrics, name)(**given, dtype="float64")
            for part in (slice(0, 3), slice(3, None)):
                y, p = arrays[targets][part], arrays[predictions][part]
                metric.update_state(y, p, sample_weight=None if weights is None else weights[part])
            values.append(np.asarray(metric.result()).tolist())
        found.append(case(name, arguments, predictions, targets) | {"value": values[0], "weighted": values[1]})
    return found


def gradient(w: np.ndarray) -> np.ndarray:
    g = np.zeros_like(w)
    g[:-1] = -2.0 * (1.0 - w[:-1]) - 40.0 * w[:-1] * (w[1:] - w[:-1] ** 2)
    g[1:] += 20.0 * (w[1:] - w[:-1] ** 2)
    return g


def optimizers() -> list[dict[str, Any]]:
    found = []
    for name, arguments in OPTIMIZERS:
        variable = keras.Variable(np.array(START), dtype="float64")
        optimizer = getattr(keras.optimizers, name)(**arguments)
        optimizer.build([variable])

        def step(variable: Any = variable, optimizer: Any = optimizer) -> np.ndarray:
            w = np.asarray(variable.value, np.float64)
            optimizer.apply([keras.ops.array(gradient(w), dtype="float64")])
            return np.asarray(variable.value, np.float64)

        every = [step().tolist() for _ in range(STEPS[-1])]
        walk = [every[count - 1] for count in STEPS]
        optimizer.finalize_variable_values([variable])
        found.append({"class": name, "arguments": arguments, "walk": walk, "end": np.asarray(variable.value).tolist()})
    return found


def schedules() -> list[dict[str, Any]]:
    found = []
    for name, arguments in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(**arguments)
        rates = [float(schedule(step)) for step in range(41)]
        found.append({"class": name, "arguments": arguments, "rates": rates})
    return found


def constraints(arrays: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, arguments in CONSTRAINTS:
        w = getattr(keras.constraints, name)(**arguments)(keras.ops.array(arrays["real"], dtype="float64"))
        found.append({"class": name, "arguments": arguments, "value": np.asarray(w).tolist()})
    return found


def case(name: str, arguments: dict[str, Any], predictions: str, targets: str) -> dict[str, Any]:
    return {"class": name, "arguments": arguments, "y_pred": predictions, "y_true": targets}


def main() -> None:
    keras.config.set_floatx("float64")
    keras.config.set_epsilon(1e-12)
    arrays = data()
    stored = {
        "command": "python benchmarks/keras_values.py",
        "keras": keras.__version__,
        "data": {name: array.tolist() for name, array in arrays.items()},
        "start": START,
        "steps": STEPS,
        "losses": losses(arrays),
        "metrics": metrics(arrays),
        "optimizers": optimizers(),
        "schedules": schedules(),
        "constraints": constraints(arrays),
    }
    PATH.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

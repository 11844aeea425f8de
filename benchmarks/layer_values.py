"""Write tests/layer_values.json: outputs, gradients and states of Keras' layers, in float64 where Keras supports it.

Run ``KERAS_BACKEND=jax JAX_ENABLE_X64=1 python benchmarks/layer_values.py`` with Keras and JAX installed; minidl's
tests compare its layers with these numbers. Each case consists of a class, its arguments and the shape of a batch.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parent.parent / "tests" / "layer_values.json"
CASES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("BatchNormalization", {}, (5, 3)),
    ("BatchNormalization", {}, (1, 3)),
    ("BatchNormalization", {"momentum": 0.5, "epsilon": 0.1, "center": False}, (4, 2, 3)),
    ("BatchNormalization", {"axis": 1, "scale": False}, (6, 2)),
    ("LayerNormalization", {}, (4, 5)),
    ("LayerNormalization", {"epsilon": 1e-5, "scale": False}, (3, 2, 4)),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, (3, 2, 4)),
    ("Normalization", {}, (6, 3)),
    ("Normalization", {"axis": None}, (6, 3)),
    ("Normalization", {"axis": 1}, (6, 3, 2)),
    ("Normalization", {"axis": [1, 2], "invert": True}, (6, 3, 2)),
    ("Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 0.25, 0.0]}, (2, 3)),
    ("Normalization", {"mean": 0.5, "variance": 4.0, "invert": True}, (2, 3)),
    ("Embedding", {"input_dim": 5, "output_dim": 3}, (6,)),
    ("Embedding", {"input_dim": 4, "output_dim": 2}, (3, 5)),
    ("PReLU", {}, (4, 3)),
    ("PReLU", {"shared_axes": [1]}, (4, 3, 2)),
    ("Activation", {"activation": "selu"}, (4, 3)),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, (4, 3)),
    ("Identity", {}, (2, 3)),
    ("GaussianNoise", {"stddev": 0.5}, (2, 3)),
    ("AlphaDropout", {"rate": 0.5}, (2, 3)),
]
STOCHASTIC = ("GaussianNoise", "AlphaDropout")


def values(name: str, arguments: dict[str, Any], shape: tuple[int, ...], seed: int) -> dict[str, Any]:
    """Return a layer's input, parameters and upstream gradient, and its results in training and inference."""
    import jax
    import keras

    rng = np.random.default_rng(seed)
    ids = name == "Embedding"
    x = rng.integers(0, arguments["input_dim"], shape) if ids else rng.normal(2.0, 3.0, shape)
    layer = getattr(keras.layers, name)(**arguments, dtype="float64")
    if name == "Normalization" and "mean" not in arguments:
        layer.adapt(x)
    else:
        layer.build(shape)
    trained = [rng.normal(1.0, 0.5, weight.shape) for weight in layer.trainable_weights]
    others = [np.asarray(weight.value) for weight in layer.non_trainable_variables]
    found: dict[str, Any] = {"layer": name, "arguments": arguments, "x": x, "trained": trained}
    for training in (True, False):
        if name in STOCHASTIC and training:
            continue
        mode = {"training": training} if "training" in inspect.signature(layer.call).parameters else {}
        y, state = layer.stateless_call(trained, others, x, **mode)
        dy = rng.normal(size=y.shape)

        def loss(trained: Any, x: Any, dy: Any = dy, mode: dict[str, bool] = mode) -> Any:
            return (layer.stateless_call(trained, others, x, **mode)[0] * dy).sum()

        gradients, dx = jax.grad(loss, argnums=(0, 1), allow_int=True)(trained, x)
        results = {"y": y, "dy": dy, "gradients": gradients}
        if not ids:
            results["dx"] = dx
        if name == "BatchNormalization":
            results["state"] = state
        found["training" if training else "inference"] = results
    return found


def main() -> None:
    import jax
    import keras

    keras.config.set_floatx("float64")
    cases = [values(*case, seed) for seed, case in enumerate(CASES)]
    numbers = jax.tree.map(lambda leaf: leaf if isinstance(leaf, (str, bool)) else np.asarray(leaf).tolist(), cases)
    record = {"made by": f"Keras {keras.__version__}, JAX {jax.__version__}", "cases": numbers}
    FILE.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Predictions of a trained network: latency for one row, throughput for 1e5 rows.

Inputs and outputs are NumPy arrays, as in a service.
"""

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import common
import numpy as np
import peers
from common import Contender
from networks import SMALL, Network

NETWORKS = [SMALL, Network((784, 128, 64, 10))]
Predict = Callable[[np.ndarray], Any]


def minidl_predict(network: Network) -> Predict:
    return peers.minidl_model(network).predict


def minidl_call(network: Network) -> Predict:
    return peers.minidl_model(network)


def torch_predict(network: Network, compiled: bool = False) -> Predict:
    import torch
    from torch import nn

    model, _, _ = peers.torch_parts(network, fused=False)
    model = nn.Sequential(model, nn.Softmax(1)).eval()  # returns probabilities, like the others
    return peers.torch_predict(torch.compile(model) if compiled else model)


def jax_predict(network: Network) -> Predict:
    import jax

    scores, _, (parameters, _) = peers.jax_parts(network)
    forward = jax.jit(lambda parameters, x: jax.nn.softmax(scores(parameters, x)))
    return lambda x: np.asarray(forward(parameters, x))


def keras_predict(network: Network) -> Predict:
    model = peers.keras_model(network)
    return lambda x: model.predict(x, batch_size=1024, verbose=0)  # much faster than with the default of 32


def keras_call(network: Network) -> Predict:
    model = peers.keras_model(network)
    return lambda x: np.asarray(model(x))


def sklearn_predict(network: Network) -> Predict:
    model = peers.sklearn_model(network, 32)
    model.partial_fit(*network.data(32), classes=np.arange(network.sizes[-1]))
    return model.predict_proba


CONTENDERS: dict[str, tuple[Callable[[Network], Predict], tuple[str, ...]]] = {
    "minidl predict": (minidl_predict, ("numpy",)),
    "minidl model(x)": (minidl_call, ("numpy",)),
    "torch model(x)": (torch_predict, ("torch",)),
    "torch, compiled": (partial(torch_predict, compiled=True), ("torch",)),
    "JAX jit": (jax_predict, ("jax", "optax")),
    "Keras predict": (keras_predict, ("keras", "jax")),
    "Keras model(x)": (keras_call, ("keras", "jax")),
    "sklearn predict_proba": (sklearn_predict, ("sklearn",)),
}


def repeated(predict: Predict, x: np.ndarray) -> Callable[[int], None]:
    def run(n: int) -> None:
        for _ in range(n):
            predict(x)

    return run


def main() -> None:
    arguments = common.options(__doc__)
    tables, numbers = {}, []
    for network in NETWORKS[: 1 if arguments.quick else None]:
        built = {name: build(network) for name, (build, modules) in CONTENDERS.items() if common.installed(*modules)}
        for rows in (1, 10_000 if arguments.quick else 100_000):
            x, _ = network.data(rows)
            contenders = {name: Contender(repeated(predict, x)) for name, predict in built.items()}
            times = common.interleaved(contenders, arguments.rounds)
            numbers.append({"network": network.name, "rows": rows, "seconds": times})
            lines = []
            for name in CONTENDERS:
                if name not in times:
                    lines.append([name, "not installed", "", ""])
                    continue
                median = statistics.median(times[name])
                lines.append([name, common.duration(median), f"{rows / median:,.0f}"])
                lines[-1].append(common.factor(common.ratio(times, "minidl predict", name)))
            header = ["contender", "time", "rows a second", "minidl predict / it"]
            tables[f"{network.name}, {rows:,} row{'s' * (rows > 1)}"] = common.table(header, lines)
    common.report("predict", arguments, tables, numbers)


if __name__ == "__main__":
    main()

"""Activations and cross-entropies of minidl compared with SciPy, plain NumPy and torch: time and accuracy.

In float32, on arrays of three sizes; losses are timed with their gradients, layers forward and
backward. The error is the largest on 1e5 values between about -40 and 40, in units in the last place (ulp) of float32,
compared with float64.
``tests/test_ulps.py`` checks against mpmath that minidl stays within 4 ulp for both dtypes and values up to 1e4.
"""

import statistics
from collections.abc import Callable
from typing import Any

import common
import numpy as np
from common import Contender
from scipy import special

from minidl import Input, Sequential, layers, losses, normal, numeric

SHAPES = ((32, 10), (128, 128), (1024, 512))


def numpy_softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def numpy_log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def labels(z: np.ndarray) -> np.ndarray:
    return np.arange(len(z)) % z.shape[1]


def yes_no(z: np.ndarray) -> np.ndarray:
    return (np.arange(z.size).reshape(z.shape) % 3 == 0).astype(z.dtype)


def minidl_loss(loss: Any, targets: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], Any]:
    return lambda z: (loss.forward(z, targets(z)), loss.backward())


def softmax_loss(log_softmax: Any, softmax: Any) -> Callable[[np.ndarray], Any]:
    """Return the sparse categorical cross-entropy of logits, built from the two functions."""

    def compute(z: np.ndarray) -> tuple[Any, np.ndarray]:
        chosen = np.arange(len(z)), labels(z)
        value, dz = -log_softmax(z)[chosen].mean(), softmax(z)
        dz[chosen] -= 1
        return value, dz / len(z)

    return compute


def sigmoid_loss(softplus: Any, sigmoid: Any) -> Callable[[np.ndarray], Any]:
    """Return the binary cross-entropy of logits, built from the two functions."""

    def compute(z: np.ndarray) -> tuple[Any, np.ndarray]:
        y = yes_no(z)
        return (softplus(z) - y * z).mean(), (sigmoid(z) - y) / np.float32(z.size)

    return compute


def numpy_sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def numpy_softplus(z: np.ndarray) -> np.ndarray:
    return np.logaddexp(z.dtype.type(0), z)


def scipy_softplus(z: np.ndarray) -> np.ndarray:
    return -special.log_expit(-z)


# name: minidl's, SciPy's, plain NumPy's
KERNELS: dict[str, tuple[Callable[[np.ndarray], Any] | None, ...]] = {
    "sigmoid": (numeric.sigmoid, special.expit, numpy_sigmoid),
    "softplus": (numeric.softplus, scipy_softplus, numpy_softplus),
    "normal cdf (GELU)": (normal.normal_cdf, special.ndtr, None),
    "softmax": (numeric.softmax, lambda z: special.softmax(z, axis=1), numpy_softmax),
    "log_softmax": (numeric.log_softmax, lambda z: special.log_softmax(z, axis=1), numpy_log_softmax),
    "sparse categorical cross-entropy": (
        minidl_loss(losses.SparseCategoricalCrossentropy(from_logits=True), labels),
        softmax_loss(lambda z: special.log_softmax(z, axis=1), lambda z: special.softmax(z, axis=1)),
        softmax_loss(numpy_log_softmax, numpy_softmax),
    ),
    "binary cross-entropy": (
        minidl_loss(losses.BinaryCrossentropy(from_logits=True), yes_no),
        sigmoid_loss(scipy_softplus, special.expit),
        sigmoid_loss(numpy_softplus, numpy_sigmoid),
    ),
}
NAMES = ("minidl", "scipy", "numpy")
LAYERS = (
    "ReLU", "LeakyReLU", "PReLU", "Sigmoid", "Tanh", "ELU", "SELU", "GELU", "SiLU", "Softplus", "Softmax",
    "BatchNormalization", "LayerNormalization", "Dropout",
)  # fmt: skip
OF_TORCH = {"BatchNormalization": "BatchNorm1d", "LayerNormalization": "LayerNorm"}  # the names that differ
ARGUMENTS = {"Dropout": (0.5,), "Softmax": (-1,), "BatchNorm1d": (256,), "LayerNorm": (256,)}


def repeated(kernel: Callable[[np.ndarray], Any], z: np.ndarray) -> Contender:
    def run(n: int) -> None:
        for _ in range(n):
            kernel(z)

    return Contender(run)


def worst_ulp(kernel: Callable[[np.ndarray], Any], exact: Callable[[np.ndarray], Any]) -> float:
    """Return the largest error of an elementwise float32 kernel, in ulp relative to ``exact`` in float64."""
    z = (np.random.default_rng(0).standard_normal((10_000, 10)) * 10).astype(np.float32)
    truth = exact(z.astype(np.float64))
    unit = np.spacing(np.maximum(np.abs(truth), np.finfo(np.float32).tiny).astype(np.float32)).astype(np.float64)
    return float((np.abs(kernel(z) - truth) / unit).max())


def layer_pass(name: str, x: np.ndarray, dy: np.ndarray) -> Callable[[np.ndarray], Any]:
    """Return a training pass of minidl's layer, forward and backward."""
    layer = getattr(layers, name)(*ARGUMENTS.get(name, ()))
    Sequential([Input(x.shape[1:]), layer], seed=0)
    return lambda x: (layer.forward(x, True), layer.backward(dy))


def torch_pass(name: str, x: np.ndarray, dy: np.ndarray) -> Callable[[np.ndarray], Any]:
    """Return the same pass of torch's module, with the gradients of its parameters."""
    import torch

    module = getattr(torch.nn, name)(*ARGUMENTS.get(name, ()))
    tensor, gradient = torch.tensor(x, requires_grad=True), torch.tensor(dy)
    inputs = [tensor, *module.parameters()]
    return lambda x: torch.autograd.grad(module(tensor), inputs, gradient)


def layer_table(arguments: Any) -> tuple[str, list[Any]]:
    """Return the table of layers on 1,024 x 256 values, and its numbers."""
    x, dy = np.random.default_rng(0).standard_normal((2, 1024, 256)).astype(np.float32)
    rows, numbers = [], []
    for name in LAYERS:
        found = {"minidl": repeated(layer_pass(name, x, dy), x)}
        if common.installed("torch"):
            found["torch"] = repeated(torch_pass(OF_TORCH.get(name, name), x, dy), x)
        times = common.interleaved(found, arguments.rounds, 0.02)
        medians = [
            common.duration(statistics.median(times[who]) if who in times else None) for who in ("minidl", "torch")
        ]
        rows.append([name, *medians, common.factor(common.ratio(times, "minidl", "torch"))])
        numbers.append({"layer": name, "seconds": times})
    return common.table(["layer", "minidl", "torch", "minidl / torch"], rows), numbers


def errors(kernels: tuple[Any, ...]) -> list[str]:
    """Return the errors of the three kernels, which lose digits to different degrees."""
    exact = kernels[0]  # run in float64
    return ["-" if kernel is None else f"{worst_ulp(kernel, exact):,.1f}" for kernel in kernels]


def main() -> None:
    arguments = common.options(__doc__)
    tables, numbers = {}, []
    for shape in SHAPES[: 2 if arguments.quick else None]:
        z = (np.random.default_rng(0).standard_normal(shape) * 3).astype(np.float32)
        rows = []
        for name, kernels in KERNELS.items():
            found = {who: repeated(kernel, z) for who, kernel in zip(NAMES, kernels, strict=True) if kernel}
            times = common.interleaved(found, arguments.rounds, 0.02)
            faster = common.best_of(times, ("scipy", "numpy")) or ""
            medians = [common.duration(statistics.median(times[who])) if who in times else "-" for who in NAMES]
            rows.append([name, *medians, common.factor(common.ratio(times, "minidl", faster))])
            numbers.append({"kernel": name, "shape": shape, "seconds": times})
        tables[f"{shape[0]:,} x {shape[1]}"] = common.table(["kernel", *NAMES, "minidl / the faster"], rows)
    tables["layers, forward and backward, 1,024 x 256"], of_layers = layer_table(arguments)
    elementwise = {name: errors(kernels) for name, kernels in KERNELS.items() if "entropy" not in name}
    tables["largest error, ulp"] = common.table(["kernel", *NAMES], [[name, *e] for name, e in elementwise.items()])
    common.report("kernels", arguments, tables, {"times": numbers, "layers": of_layers, "ulp": elementwise})


if __name__ == "__main__":
    main()

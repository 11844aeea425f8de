"""Operators: the ONNX equivalents of minidl's layers, by class name."""

from collections.abc import Callable
from typing import Any

import numpy as np

SMALLEST = 1e-7  # the smallest divisor of `Normalization`
INT64 = 7  # ONNX's code for the dtype
Graph = Any  # a `minidl.onnx.Graph`, which is built on this table


def _dense(graph: Graph, layer: Any, x: str) -> str:
    bias = [graph.constant(layer.b)] if layer.use_bias else []
    return graph.add("Gemm", x, graph.constant(layer.W), *bias)


def _reshape(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Reshape", x, graph.constant(np.array([0, *layer.output_shape])))  # 0 copies the input's length


def _silu(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _inference_identity(graph: Graph, layer: Any, x: str) -> str:
    return x


def _columns(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Gather", x, graph.constant(np.array(layer.numbers())), axis=-1)


def _row(graph: Graph, layers: Any, x: str) -> str:
    for layer in layers:
        x = graph.layer(layer, x)
    return x


def _residual(graph: Graph, layer: Any, x: str) -> str:
    around = [] if layer.projection is None else [layer.projection]
    return graph.add("Add", _row(graph, layer.layers, x), _row(graph, around, x))


def _concatenate(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Concat", *[_row(graph, row, x) for row in layer.rows], axis=-1)


def _operator(name: str, *arguments: str, **attributes: Any) -> Callable[[Graph, Any, str], str]:
    """Return a function that adds one node, whose attributes are the layer's (``ours=theirs``) and fixed ones."""

    def add(graph: Graph, layer: Any, x: str) -> str:
        pairs = [argument.split("=") for argument in arguments]
        own: dict[str, Any] = {theirs: float(getattr(layer, ours)) for ours, theirs in pairs}
        return graph.add(name, x, **own, **attributes)

    return add


def _batch_normalization(graph: Graph, layer: Any, x: str) -> str:
    scale = (layer.gamma if layer.scale else 1.0) / np.sqrt(layer.moving_variance + layer.epsilon)
    y = graph.add("Mul", graph.add("Sub", x, graph.constant(layer.moving_mean)), graph.constant(scale))
    return graph.add("Add", y, graph.constant(layer.beta)) if layer.center else y


def _layer_normalization(graph: Graph, layer: Any, x: str) -> str:
    axes = 1 if isinstance(layer.axis, int) else len(layer.axis)
    scale = layer.gamma if layer.scale else np.ones(layer.input_shape[-axes:])
    bias = [graph.constant(layer.beta)] if layer.center else []
    return graph.add("LayerNormalization", x, graph.constant(scale), *bias, axis=-axes, epsilon=layer.epsilon)


def _normalization(graph: Graph, layer: Any, x: str) -> str:
    mean, scale = layer.adapt_mean, np.maximum(np.sqrt(layer.adapt_variance), SMALLEST)
    if layer.invert:
        return graph.add("Add", graph.add("Mul", x, graph.constant(scale)), graph.constant(mean))
    return graph.add("Div", graph.add("Sub", x, graph.constant(mean)), graph.constant(scale))


def _rescaling(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Add", graph.add("Mul", x, graph.constant(layer.scale)), graph.constant(layer.offset))


def _embedding(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Gather", graph.constant(layer.W), graph.add("Cast", x, to=INT64))


def _prelu(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("PRelu", x, graph.constant(layer.alpha))


OPERATORS: dict[str, Callable[[Graph, Any, str], str]] = {
    "Columns": _columns,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "Residual": _residual,
    "Sigmoid": _operator("Sigmoid"),
    "Tanh": _operator("Tanh"),
    "ReLU": _operator("Relu"),
    "LeakyReLU": _operator("LeakyRelu", "negative_slope=alpha"),
    "ELU": _operator("Elu", "alpha=alpha"),
    "GELU": _operator("Gelu"),
    "SiLU": _silu,
    "Softplus": _operator("Softplus"),
    "Softmax": _operator("Softmax", axis=-1),
    "SELU": _operator("Selu"),
    "PReLU": _prelu,
    "Dropout": _inference_identity,
    "AlphaDropout": _inference_identity,
    "GaussianNoise": _inference_identity,
    "Identity": _inference_identity,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Embedding": _embedding,
    "Flatten": _operator("Flatten", axis=1),
    "Reshape": _reshape,
}

"""Gradient functions of the kinds that public bug reports are about, each in a right and in a wrong form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.foreign.functions import (
    attention,
    attention_backward,
    average_pool,
    batch_norm,
    batch_norm_backward,
    convolve,
    convolve_backward,
    cross_entropy,
    cross_entropy_backward,
    dropout,
    elu,
    gelu,
    gelu_exact,
    gelu_of_tanh,
    in_memory_order,
    layer_norm_with,
    lookup_backward,
    max_pool,
    max_pool_backward,
    recurrent,
    recurrent_backward,
    row_sum,
    softmax,
    spread,
)

RNG = np.random.default_rng(7)
X, Z = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4))
SIGNALS, IMAGES = RNG.normal(size=(5, 6)), RNG.normal(size=(5, 4, 6))


class Pair(NamedTuple):
    """One forward function with a right and a wrong backward function."""

    name: str
    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any]
    inputs: Any = X
    parameters: dict[str, Any] | None = None
    options: dict[str, Any] = {}


PAIRS = [
    Pair("ties of a maximum", max_pool(2, 2), max_pool_backward(2, 2, "add"), max_pool_backward(2, 2, "every tie")),
    Pair("windows overlap", max_pool(3, 1), max_pool_backward(3, 1, "add"), max_pool_backward(3, 1, "assign"), SIGNALS),
    Pair(
        "return in the loop", max_pool(2, 2), max_pool_backward(2, 2, "add"), max_pool_backward(2, 2, "first"), SIGNALS
    ),
    Pair("stride", convolve, convolve_backward(2), convolve_backward(1), SIGNALS, {"w": RNG.normal(size=2)}),
    Pair("axes of a pooling", average_pool, spread("kept"), spread("swapped"), IMAGES),
    Pair(
        "gradient through time",
        recurrent,
        recurrent_backward(True),
        recurrent_backward(False),
        X,
        {"w": RNG.normal(size=3), "u": RNG.normal(size=(3, 3))},
    ),
    Pair("mean term", *layer_norm_with(True), layer_norm_with(False)[1]),
    Pair("variance by N - 1", batch_norm, batch_norm_backward(0), batch_norm_backward(1), X, {"gamma": np.ones(4)}),
    Pair(
        "diagonal of softmax",
        lambda x: (softmax(x),) * 2,
        lambda y, dy: y * (dy - row_sum(dy * y)),
        lambda y, dy: y * (1 - y) * dy,
    ),
    Pair(
        "precedence in ELU",
        elu,
        lambda x, dy: dy * np.where(x > 0, 1, 0.5 * np.exp(np.minimum(x, 0))),
        lambda x, dy: dy * np.where(x > 0, 1, 0.5 * np.expm1(np.minimum(x, 0))),
    ),
    Pair(
        "half a loss",
        lambda p, t: (((p - t) ** 2).mean(), p - t),
        lambda d, dy: 2 * dy * d / d.size,
        lambda d, dy: dy * d / d.size,
        (X, Z),
        None,
        {"constants": ("t",)},
    ),
    Pair(
        "sign of a loss",
        cross_entropy,
        cross_entropy_backward(1),
        cross_entropy_backward(-1),
        (X, RNG.integers(0, 4, 5)),
    ),
    Pair(
        "sum of a broadcast bias",
        lambda x, b: (x + b, None),
        lambda _, dy: (dy, dy.sum(axis=0)),
        lambda _, dy: (dy, dy),
        X,
        {"b": np.zeros(4)},
    ),
    Pair(
        "slope of each feature",
        lambda x, a: (np.where(x > 0, x, a * x), (x, a)),
        lambda c, dy: (dy * np.where(c[0] > 0, 1, c[1]), (dy * np.minimum(c[0], 0)).sum(axis=0)),
        lambda c, dy: (dy * np.where(c[0] > 0, 1, c[1]), np.full(4, (dy * np.minimum(c[0], 0)).sum())),
        X,
        {"a": np.full(4, 0.2)},
    ),
    Pair("order in memory", lambda x: (np.maximum(x, 0), x), lambda x, dy: dy * (x > 0), in_memory_order),
    Pair("scale of dropout", dropout, lambda mask, dy: dy * mask, lambda mask, dy: dy * (mask > 0)),
    Pair(
        "ids that repeat",
        lambda ids, W: (W[ids], (ids, W.shape)),
        lookup_backward(True),
        lookup_backward(False),
        RNG.integers(0, 3, (5, 3)),
        {"W": RNG.normal(size=(3, 2))},
    ),
    Pair(
        "scale of attention",
        attention,
        attention_backward(True),
        attention_backward(False),
        RNG.normal(size=(3, 4)),
        {"k": RNG.normal(size=(5, 4)), "v": RNG.normal(size=(5, 2))},
    ),
    Pair("GELU of the other kind", gelu, gelu_exact, gelu_of_tanh),
    Pair(
        "axis of a log-sum-exp",
        lambda x: (np.log(np.exp(x).sum(axis=1)), x),
        lambda x, dy: dy[:, None] * softmax(x),
        lambda x, dy: dy[:, None] * softmax(x.T).T,
    ),
    Pair(
        "length of a vector",
        lambda x: (x / np.sqrt(1 + row_sum(x * x)), x),
        lambda x, dy: dy / np.sqrt(1 + row_sum(x * x)) - x * row_sum(dy * x) / (1 + row_sum(x * x)) ** 1.5,
        lambda x, dy: dy / np.sqrt(1 + row_sum(x * x)),
    ),
    Pair(
        "transposes of an inverse",
        lambda a: (np.linalg.inv(a + 4 * np.eye(3)),) * 2,
        lambda y, dy: -y.T @ dy @ y.T,
        lambda y, dy: -y @ dy @ y,
        RNG.normal(size=(3, 3)),
        None,
        {"batched": False},
    ),
    Pair(
        "a clip lets all pass",
        lambda x: (np.clip(x, -1, 1), x),
        lambda x, dy: dy * (abs(x) <= 1),
        lambda x, dy: dy.copy(),
    ),
]

"""Gradient functions of the kinds that public bug reports are about, each in a right and in a wrong form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.special import ndtr

from minidl.testing import certify_function

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


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def row_sum(a):
    return a.sum(axis=-1, keepdims=True)


def windows(x, size, step):
    return [(n, slice(start, start + size)) for n, start in enumerate(range(0, x.shape[1] - size + 1, step))]


def max_pool(size, step):
    def forward(x):
        return np.stack([x[:, part].max(axis=1) for _, part in windows(x, size, step)], axis=1), x

    return forward


def max_pool_backward(size, step, way):
    def backward(x, dy):
        dx = np.zeros_like(x)
        rows = np.arange(len(x))
        for n, part in windows(x, size, step):
            where = part.start + x[:, part].argmax(axis=1)
            if way == "add":
                dx[rows, where] += dy[:, n]
            elif way == "assign":
                dx[rows, where] = dy[:, n]
            elif way == "every tie":
                dx[:, part] += dy[:, n, None] * (x[:, part] == x[:, part].max(axis=1, keepdims=True))
            else:
                dx[rows, where] += dy[:, n]
                return dx
        return dx

    return backward


def convolve(x, w):
    return np.stack([x[:, part] @ w for _, part in windows(x, len(w), 2)], axis=1), (x, w)


def convolve_backward(step):
    def backward(cache, dy):
        x, w = cache
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for n in range(dy.shape[1]):
            dx[:, step * n : step * n + len(w)] += dy[:, n, None] * w
            dw += dy[:, n] @ x[:, 2 * n : 2 * n + len(w)]
        return dx, dw

    return backward


def average_pool(x):
    rows, high, wide = x.shape
    return x.reshape(rows, high // 2, 2, wide // 2, 2).mean(axis=(2, 4)), x.shape


def recurrent(x, w, u):
    states = [np.zeros((len(x), len(u)), x.dtype)]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t, None] * w + states[-1] @ u))
    return states[-1], (x, w, u, states)


def recurrent_backward(through_time):
    def backward(cache, dh):
        x, w, u, states = cache
        dx, dw, du = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u)
        for t in reversed(range(x.shape[1])):
            dz = dh * (1 - states[t + 1] ** 2)
            dx[:, t] = dz @ w
            dw += x[:, t] @ dz
            du += states[t].T @ dz
            dh = dz @ u.T if through_time else 0 * dh
        return dx, dw, du

    return backward


def layer_norm(x):
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-3)
    return (x - x.mean(axis=-1, keepdims=True)) / s, s


def layer_norm_with(mean_term):
    def forward(x):
        y, s = layer_norm(x)
        return y, (y, s)

    def backward(cache, dy):
        y, s = cache
        mean = dy.mean(axis=-1, keepdims=True) if mean_term else 0
        return (dy - mean - y * (dy * y).mean(axis=-1, keepdims=True)) / s

    return forward, backward


def batch_norm(x, gamma):
    s = np.sqrt(x.var(axis=0) + 1e-3)
    n = (x - x.mean(axis=0)) / s
    return gamma * n, (n, s, gamma)


def batch_norm_backward(rows_less):
    def backward(cache, dy):
        n, s, gamma = cache
        dn = dy * gamma
        variance_term = n * (dn * n).sum(axis=0) / (len(n) - rows_less)
        return (dn - dn.mean(axis=0) - variance_term) / s, (dy * n).sum(axis=0)

    return backward


def dropout(x):
    mask = (np.random.rand(*x.shape) > 0.4) / 0.6  # noqa: NPY002
    return x * mask, mask


def cross_entropy(z, labels):
    p = softmax(z)
    return -np.log(p[np.arange(len(z)), labels]).mean(), (p, labels)


def cross_entropy_backward(sign):
    def backward(cache, dy):
        p, labels = cache
        return dy * sign * (p - np.eye(p.shape[1])[labels]) / len(p)

    return backward


def attention(q, k, v):
    p = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return p @ v, (q, k, v, p)


def attention_backward(scaled):
    def backward(cache, dy):
        q, k, v, p = cache
        dp = dy @ v.T
        ds = p * (dp - row_sum(dp * p)) / (np.sqrt(q.shape[1]) if scaled else 1)
        return ds @ k, ds.T @ q, p.T @ dy

    return backward


def gelu(x):
    return x * ndtr(x), x


def gelu_exact(x, dy):
    return dy * (ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


def gelu_of_tanh(x, dy):
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2))


def in_memory_order(x, dy):
    """ReLU on the memory of two arrays, which need not lie there in the same order."""
    dx = dy.ravel(order="K") * (x.ravel(order="K") > 0)
    return dx.reshape(x.shape)


def spread(axes):
    def backward(shape, dy):
        rows, high, wide = shape
        if axes == "swapped":
            return np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2).reshape(rows, wide, high).transpose(0, 2, 1) / 4
        return np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2) / 4

    return backward


def elu(x):
    return np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))), x


def lookup_backward(add):
    def backward(cache, dy):
        ids, shape = cache
        dW = np.zeros(shape)
        if add:
            np.add.at(dW, ids, dy)
        else:
            dW[ids] += dy
        return dW

    return backward


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


def certificate(pair, backward):
    return certify_function(pair.forward, backward, pair.inputs, pair.parameters, on_fail="return", **pair.options)


def test_there_are_twenty():
    assert len({pair.name for pair in PAIRS}) >= 20


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_right_gradient_is_not_blamed(pair):
    result = certificate(pair, pair.right)
    assert result.outcome == "PASS", str(result)


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_wrong_gradient_is_found(pair):
    assert certificate(pair, pair.wrong).outcome == "FAIL"

"""NumPy by hand: minidl's training step written as one straight-line program.

It uses the same mathematics on the same flat vectors, and Adam in the same blocks, and gives the same digits. Nothing
is checked or exchangeable: the extra time that minidl takes is the price of its objects and checks.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network
from peers.shared import Batches, Run, turns
from scipy.linalg.blas import saxpy

BETA_1, BETA_2 = 0.9, 0.999
BLOCK = 9_984  # values that Adam updates at a time: they fit in the cache
PERIOD = 100  # steps between rescalings of the moving averages; in between, the decay is a scalar factor


def by_hand_step(network: Network, batches: Batches) -> Run:
    step = training_step(network, len(batches[0][0]))

    def run(n: int) -> float:
        for x, y in turns(batches, n):
            loss = step(x, y)
        return loss

    return run


def by_hand_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> tuple[Run, Any]:
    """Return ``run(epochs)``, which trains on shuffled batches, and None because it cannot predict."""
    step, rng = training_step(network, batch), np.random.default_rng(0)

    def run(n: int) -> float:
        for _ in range(n):
            order = rng.permutation(len(x))
            for start in range(0, len(x), batch):
                rows = order[start : start + batch]
                loss = step(x.take(rows, axis=0), y.take(rows, axis=0))
        return loss

    return run, None


def training_step(network: Network, rows: int) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return ``step(x, y)`` for batches of ``rows`` rows; it updates the weights and returns the loss."""
    values = np.concatenate([array.ravel() for array in network.weights()])
    gradients, m, v, scratch = (np.zeros_like(values) for _ in range(4))
    p, dp = views(values, network), views(gradients, network)
    layers = list(zip(p[::2], p[1::2], dp[::2], dp[1::2], strict=True))
    blocks = [
        [vector[start : start + BLOCK] for vector in (values, gradients, m, v, scratch)]
        for start in range(0, values.size, BLOCK)
    ]
    ones = np.ones(rows, "float32")
    activate = {"relu": relu, "tanh": tanh}[network.activation]
    loss_and_slope = {"classes": softmax_loss, "binary": sigmoid_loss, "regression": squared_loss}[network.task]
    t = 0

    def step(x: np.ndarray, y: np.ndarray) -> float:
        nonlocal t
        inputs, slopes = [], []
        for W, b, _, _ in layers:
            inputs.append(x)
            z = x.dot(W)
            z += b
            if len(inputs) < len(layers):
                x, slope = activate(z)
                slopes.append(slope)
        loss, dz = loss_and_slope(z, y)
        for level in reversed(range(len(layers))):
            W, _, dW, db = layers[level]
            np.dot(inputs[level].T, dz, out=dW)
            np.dot(ones, dz, out=db)
            if level > 0:
                dz = dz.dot(W.T) * slopes[level - 1]
        t += 1
        adam(blocks, t)
        return loss

    return step


def views(vector: np.ndarray, network: Network) -> list[np.ndarray]:
    """Return W and b of each layer in turn, as views of a flat vector."""
    shapes = [array.shape for array in network.weights()]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes, strict=True)]


def relu(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return max(z, 0) and its derivative."""
    slope = (z >= 0).astype(z.dtype)
    return z * slope, slope


def tanh(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return tanh(z) and its derivative."""
    e = np.exp(-2 * np.abs(z))
    return np.tanh(z), 4 * e / (1 + e) ** 2


def softmax_loss(z: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean cross-entropy of the labels and its gradient with respect to the logits."""
    rows = len(z)
    d = z.T.astype(np.float64, order="C")
    d -= np.maximum.reduce(d, axis=0)
    e = np.exp(d)
    at_label = labels * rows + np.arange(rows)
    d = d.take(at_label)
    e.reshape(-1)[at_label] = 0
    others = np.add.reduce(e, axis=0)
    excess = others + np.expm1(d)
    e.reshape(-1)[at_label] = -others
    return float(np.add.reduce(np.log1p(excess) - d)) / rows, (e / (rows * (1 + excess))).T.astype(z.dtype, order="C")


def sigmoid_loss(z: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean cross-entropy of 0/1 targets and its gradient with respect to the logits."""
    e = np.exp(-np.abs(z))
    miss = ~np.signbit(z) - y
    loss = float((z * miss + np.log1p(e)).sum(dtype=np.float64)) / z.size
    return loss, (miss - np.copysign(e / (1 + e), z)) * (1 / z.size)


def squared_loss(z: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean squared error and its gradient."""
    d = z - y
    return float(np.square(d, dtype=np.float64).sum()) / d.size, d * (2 / d.size)


def adam(blocks: list[list[np.ndarray]], t: int) -> None:
    """Update the values by step t = 1, 2, ... of Adam."""
    k = t % PERIOD
    root = math.sqrt((1 - BETA_2) * BETA_2**k / (1 - BETA_2**t))
    rate = -RATE * (1 - BETA_1) * BETA_1**k / (1 - BETA_1**t) / root
    epsilon = np.array(EPSILON / root, "float32")
    for w, g, m, v, r in blocks:
        if k == 0:
            np.multiply(m, BETA_1**PERIOD, out=m)
            np.multiply(v, BETA_2**PERIOD, out=v)
        saxpy(g, m, a=BETA_1**-k)
        np.multiply(g, g, out=r)
        saxpy(r, v, a=BETA_2**-k)
        np.sqrt(v, out=r)
        np.add(r, epsilon, out=r)
        np.divide(m, r, out=r)
        saxpy(r, w, a=rate)

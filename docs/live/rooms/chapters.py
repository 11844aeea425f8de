"""Chapters: figures of the course, recomputed for the settings of the sliders.

Each function returns a chart, either ``lines`` and ``bars`` with their axes or a ``map`` with paths on it, and a
``text`` that describes it.
"""

import functools

import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.initializers import RandomNormal
from minidl.losses import BinaryCrossentropy
from minidl.metrics import F1Score, Precision, Recall
from minidl.optimizers import SGD, Adam

LOW, HIGH, CELLS = -4.0, 8.0, 64  # range and resolution of the cost landscape
STARTS = ((-3.0, -3.0), (-3.0, 6.0), (6.0, -3.0), (6.0, 6.0))
LANDSCAPES = ("a bowl", "a valley without end", "a trough")
LAYERS, WIDTH = 8, 64  # size of the network whose signals are followed
RACE_STEPS, RACE_EVERY = 240, 8


def line(name, x, y, **style):
    """Return one curve of a chart."""
    return {"name": name, "x": np.round(np.ravel(x), 5).tolist(), "y": np.round(np.ravel(y), 5).tolist(), **style}


@functools.cache
def landscape(kind):
    """Return inputs and targets of a unit with two parameters, their names, and the cost over the plane."""
    rng = np.random.default_rng(0)
    hours = rng.normal(size=(100, 1))
    passed = (rng.uniform(size=(100, 1)) < 1 / (1 + np.exp(-2 * hours))).astype(float)
    x = np.hstack([hours, hours if kind == "a trough" else np.ones_like(hours)])
    y = (hours > 0).astype(float) if kind == "a valley without end" else passed
    loss, axis = BinaryCrossentropy(from_logits=True), np.linspace(LOW, HIGH, CELLS)
    cost = np.array([[loss.forward(x @ [[u], [v]], y) for u in axis] for v in axis[::-1]])  # top row first
    return x, y, ("W[0]", "W[1]") if kind == "a trough" else ("W", "b"), cost


def one_minimum(kind, steps, rate):
    """Chapter 2: gradient descent on the cost of one unit, from four corners of the landscape."""
    x, y, names, cost = landscape(LANDSCAPES[kind])
    loss, paths = BinaryCrossentropy(from_logits=True), []
    for start in STARTS:
        w, path = np.array(start), [start]
        for _ in range(steps):
            loss.forward(x @ w[:, np.newaxis], y)
            w = w - rate * (x.T @ loss.backward())[:, 0]
            path.append(tuple(w))
        paths.append(line("", *np.transpose(path)))
    heights = np.log(cost)
    heights = (heights - heights.min()) / np.ptp(heights)
    ends = [loss.forward(x @ [[path["x"][-1]], [path["y"][-1]]], y) for path in paths]
    costs = ", ".join(f"{J:.3f}" for J in ends)
    return {
        "map": {"side": CELLS, "values": np.rint(127 * heights).astype(int).ravel().tolist(), "range": [LOW, HIGH]},
        "lines": paths,
        "axes": {"x": names[0], "y": names[1]},
        "text": f"{LANDSCAPES[kind]}: J = {costs} after {steps} steps with rate {rate:.3g}",
    }


@functools.cache
def rare_event():
    """Return probabilities and labels of 2,000 samples, one in seven of them positive."""
    rng = np.random.default_rng(0)

    def draw(count):
        x = rng.normal(size=(count, 2))
        chance = 1 / (1 + np.exp(3 - 1.5 * x.sum(axis=1, keepdims=True)))
        return x, (rng.uniform(size=(count, 1)) < chance).astype(float)

    (x, y), (x_new, y_new) = draw(400), draw(2_000)
    model = Sequential([Input((2,)), Dense(1, activation="sigmoid")], dtype="float64", seed=0)
    model.compile(Adam(0.05), "binary_crossentropy")
    model.fit(x, y, batch_size=400, epochs=200, verbose=0)
    return model.predict(x_new, verbose=0), y_new


@functools.cache
def scores_at(threshold):
    """Return precision, recall and F1 at a threshold."""
    probability, y = rare_event()
    found = []
    for metric in (Precision(threshold), Recall(threshold), F1Score("micro", threshold=threshold)):
        metric.update(y, probability)
        found.append(float(metric.result()))
    return found


def threshold(value):
    """Chapter 3: the effect of the threshold on precision, recall and F1."""
    probability, y = rare_event()
    thresholds = np.linspace(0.02, 0.9, 45)
    curves = np.transpose([scores_at(round(float(t), 4)) for t in thresholds])
    said, true = probability > value, y == 1
    counts = [int(np.sum(a & b)) for a, b in ((said, true), (said, ~true), (~said, true), (~said, ~true))]
    best = thresholds[np.argmax(curves[2])]
    names = ("precision", "recall", "F1")
    now = ", ".join(f"{name} {score:.2f}" for name, score in zip(names, scores_at(value), strict=True))
    return {
        "lines": [line(name, thresholds, curve) for name, curve in zip(names, curves, strict=True)],
        "rule": value,
        "axes": {"x": "threshold", "y": "", "y_range": [0, 1.05]},
        "text": "TP {}, FP {}, FN {}, TN {}; ".format(*counts) + f"{now}. F1 is best at {best:.2f}.",
    }


def how_to_start(scale, activation):
    """Chapter 7: signal and gradient sizes in each layer of a deep network, for a scale of the initial weights."""
    size = scale / np.sqrt(WIDTH)
    hidden = [
        Dense(WIDTH, activation=("tanh", "relu")[activation], kernel_initializer=RandomNormal(stddev=size))
        for _ in range(LAYERS)
    ]
    model = Sequential([Input((WIDTH,)), *hidden], seed=0, dtype="float64")
    rng, signals = np.random.default_rng(0), []
    x = rng.normal(size=(200, WIDTH))
    for layer in model.layers:
        x = layer(x)
        signals.append(float(x.std()))
    model.forward(rng.normal(size=(200, WIDTH)))
    model.backward(rng.normal(size=(200, WIDTH)))
    gradients = [float(layer.dW.std()) for layer in model.layers if isinstance(layer, Dense)]
    signals = signals[-LAYERS:]
    numbers = np.arange(1, LAYERS + 1)
    return {
        "lines": [
            line("outputs of the layer", numbers, np.log10(np.maximum(signals, 1e-12))),
            line("gradients of its weights", numbers, np.log10(np.maximum(gradients, 1e-12))),
        ],
        "axes": {"x": "layer", "y": "log10 of the standard deviation", "y_range": [-8, 4]},
        "text": f"Weights of standard deviation {size:.3g}: from the first layer to the last, the outputs change by a "
        f"factor of {signals[-1] / signals[0]:.2g}, the gradients by {gradients[-1] / max(gradients[0], 1e-300):.2g}.",
    }


def activations(seed):
    """Chapter 8: training on two spirals with each activation, from the same start and on the same data."""
    x, y = datasets.spirals(400, turns=1.5, seed=0)
    lines, ends = [], []
    for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
        hidden = [Dense(32, activation=name, kernel_initializer="he_normal") for _ in range(2)]
        model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=seed)
        model.compile(Adam(0.01), "binary_crossentropy")
        order, costs = np.random.default_rng(seed), []
        for _ in range(RACE_STEPS // RACE_EVERY):
            costs.append(float(model.test_on_batch(x, y)))
            for _ in range(RACE_EVERY):
                rows = order.integers(0, 400, 64)
                model.train_on_batch(x[rows], y[rows])
        lines.append(line(name.replace("_", " "), RACE_EVERY * np.arange(len(costs)), costs))
        ends.append((costs[-1], name.replace("_", " ")))
    ranking = ", ".join(f"{name} {cost:.3f}" for cost, name in sorted(ends))
    axes = {"x": "steps", "y": "cost", "y_range": [0, 0.8]}
    return {"lines": lines, "axes": axes, "text": f"After {RACE_STEPS} steps: {ranking}."}


def depth(layers, noise):
    """Chapter 13: each layer of a network with two ReLU units per layer folds [0, 1] once more."""
    hidden = [Dense(2, activation="relu") for _ in range(layers)]
    model = Sequential([Input((1,)), *hidden, Dense(1)], dtype="float64")
    out, rng = np.array([[2.0], [-4.0]]), np.random.default_rng(0)
    weights = []
    for level in range(layers):
        weights += [np.ones((1, 2)) if level == 0 else out @ np.ones((1, 2)), np.array([0.0, -0.5])]
    weights += [out, np.zeros(1)]
    model.set_weights([w + noise * rng.normal(size=w.shape) for w in weights])
    x = np.linspace(0, 1, 2**10 + 1)[:, np.newaxis]
    y = model.predict(x, verbose=0)
    slopes = np.diff(y[:, 0]) * 2**10
    pieces = 1 + int(np.sum(np.abs(np.diff(slopes)) > 1e-6)) if noise == 0 else None
    found = f"{pieces} linear pieces" if pieces else "the folds move: each weight had to be exact"
    axes = {"x": "x", "y": "", "y_range": [-0.1, 1.2]}
    return {"lines": [line("output", x, y)], "axes": axes, "text": f"{2 * layers} units in {layers} layers: {found}."}


def hyperparameters(rate, momentum):
    """Chapter 12: the cost by step of a network on two moons, for a learning rate and a momentum."""
    x, y = datasets.moons(200, noise=0.15, seed=0)
    lines = []
    for chosen in ((0.5, 0.0), (rate, momentum)):
        model = Sequential([Input((2,)), Dense(16, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
        model.compile(SGD(chosen[0], momentum=chosen[1]), "binary_crossentropy")
        costs = [float(model.train_on_batch(x, y)) for _ in range(200)]
        lines.append(line("rate {:.3g}, momentum {:g}".format(*chosen), np.arange(200), costs))
    return {
        "lines": lines,
        "axes": {"x": "steps", "y": "cost", "y_range": [0, 1]},
        "text": f"Cost {costs[0]:.3f} at the start, {costs[-1]:.4f} after 200 steps of the whole data set.",
    }

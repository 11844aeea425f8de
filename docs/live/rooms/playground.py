"""Playground: a small network that learns to colour the plane a few steps at a time, and its computations."""

import base64
import functools

import numpy as np
import points

from minidl import Dense, Dropout, Input, Sequential, regularizers
from minidl.explain import explain
from minidl.optimizers import SGD, Adam, RMSprop

SAMPLES, TRAINED = 400, 300  # the remaining samples are the test set
SIDE = 48  # cells per side of the output's map
COARSE = 2  # a hidden unit's map has one cell for this many cells in each direction
EDGE = 1.1 * points.EDGE  # the maps reach from -EDGE to EDGE
OPTIMIZERS = {"sgd": SGD, "momentum": functools.partial(SGD, momentum=0.9), "rmsprop": RMSprop, "adam": Adam}
REGULARIZERS = {"none": None, "l1": regularizers.L1, "l2": regularizers.L2}


class Playground:
    """A data set and a model with the settings of the page."""

    def __init__(self, data, noise, hidden, activation, optimizer, rate, regularizer, strength, dropout, batch, seed):
        self.classifies = data not in points.REGRESSION
        self.x, self.y = points.draw(data, SAMPLES, noise, seed)
        self.rng = np.random.default_rng(seed)
        self.batch, self.steps, self.order = batch, 0, np.empty(0, int)
        kind = REGULARIZERS[regularizer]
        layers = [Input((2,))]
        for units in hidden:
            penalty = None if kind is None else kind(strength)
            layers.append(Dense(units, activation=activation, kernel_regularizer=penalty))
            layers += [Dropout(dropout)] if dropout else []
        layers.append(Dense(1, activation="sigmoid" if self.classifies else None))
        self.model = Sequential(layers, seed=seed)
        loss, metrics = ("binary_crossentropy", ["accuracy"]) if self.classifies else ("mse", [])
        self.model.compile(OPTIMIZERS[optimizer](rate), loss, metrics)
        axis = np.linspace(-EDGE, EDGE, SIDE, dtype=np.float32)
        self.grid = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)  # top row first

    def train(self, steps):
        """Train for ``steps`` batches, reshuffling the training set after each pass."""
        for _ in range(steps):
            if len(self.order) < self.batch:
                self.order = self.rng.permutation(TRAINED)
            rows, self.order = self.order[: self.batch], self.order[self.batch :]
            self.model.train_on_batch(self.x[rows], self.y[rows])
            self.steps += 1

    def scores(self):
        """Return loss and accuracy on the training and test sets."""
        found = {}
        for name, rows in (("train", slice(TRAINED)), ("test", slice(TRAINED, None))):
            values = self.model.evaluate(self.x[rows], self.y[rows], SAMPLES, 0, return_dict=True)
            found[name] = {key: float(value) for key, value in values.items()}
        return found

    def maps(self):
        """Return the outputs over the plane, and those of each hidden unit, as one byte per cell."""
        output = self.model.predict(self.grid, verbose=0)[:, 0]
        shown = self.grid.reshape(SIDE, SIDE, 2)[::COARSE, ::COARSE].reshape(-1, 2)
        units, y = [], shown
        for layer in self.model.layers[:-1]:
            y = layer(y)
            if isinstance(layer, Dense):
                units.append(as_bytes(y / max(np.abs(y).max(), 1e-6)).T)
        low, high = (0.0, 1.0) if self.classifies else (-1.0, 1.0)
        return as_bytes(2 * (output - low) / (high - low) - 1), units

    @np.errstate(all="ignore")  # diverging models are shown as well
    def frame(self):
        """Return everything that the page draws, in a form that JSON supports."""
        output, units = self.maps()
        return {
            "step": self.steps,
            "epoch": self.steps * self.batch / TRAINED,
            "scores": self.scores(),
            "output": text_of(output),
            "units": [text_of(layer) for layer in units],
            "weights": [np.round(layer.W, 2).tolist() for layer in self.model.layers if isinstance(layer, Dense)],
        }


def as_bytes(values):
    """Return values from -1 to 1 as bytes from 0 to 255; NaN becomes the middle value."""
    return np.rint(127.5 + 127.5 * np.clip(np.nan_to_num(values), -1, 1)).astype(np.uint8)


def text_of(array):
    """Return bytes as text."""
    return base64.b64encode(array.tobytes()).decode()


playground = None


def start(**settings):
    """Create the data and the model; return the points and the first frame."""
    global playground
    playground = Playground(**settings)
    return {
        "points": playground.x.round(3).tolist(),
        "targets": playground.y.round(3).tolist(),
        "trained": TRAINED,
        "classifies": playground.classifies,
        "side": SIDE,
        "unit_side": SIDE // COARSE,
        "edge": EDGE,
        "parameters": playground.model.count_params(),
        **playground.frame(),
    }


def tick(steps):
    """Train for ``steps`` steps and return the next frame."""
    playground.train(steps)
    return playground.frame()


def probe(x, y):
    """Return the sample nearest to (x, y), the model's prediction there, and a worked step on this sample."""
    nearest = int(np.argmin(((playground.x - np.array([x, y])) ** 2).sum(axis=1)))
    rows, targets = playground.x[nearest : nearest + 1], playground.y[nearest : nearest + 1]
    return {
        "point": playground.x[nearest].round(3).tolist(),
        "target": float(targets[0]),
        "output": float(playground.model.predict(rows, verbose=0)[0, 0]),
        "text": explain(playground.model, rows, targets, digits=3),
    }

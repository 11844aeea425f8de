"""Reproduce what the course published: the cost curves and accuracies of its cat or not networks.

    python examples/course_results.py FOLDER [--iterations N]

FOLDER holds the course's golden.json, train_catvnoncat.h5 and test_catvnoncat.h5; they carry no licence and
are no part of this project. Needs h5py. All iterations of the three networks take some minutes.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from minidl import Dense, Input, ReLU, Sequential, Sigmoid
from minidl.callbacks import Callback
from minidl.optimizers import SGD


class Result(NamedTuple):
    """What one network gave, and what was published."""

    costs: dict[int, tuple[float, float]]  # iteration -> ours, published
    train_accuracy: float
    test_accuracy: float
    published_accuracies: tuple[float, float]

    @property
    def largest_error(self):
        return max(abs(ours - published) for ours, published in self.costs.values())


class Costs(Callback):
    """Keeps the cost before each update, which is the loss of a full-batch epoch."""

    def __init__(self):
        self.costs = []

    def on_epoch_end(self, epoch, logs=None):
        self.costs.append(logs["loss"])


def load_pictures(folder):
    """Return x_train, y_train, x_test, y_test: pixels as rows of 12,288 numbers in [0, 1]."""
    arrays = []
    for part in ("train", "test"):
        with h5py.File(Path(folder) / f"{part}_catvnoncat.h5") as file:
            arrays += [file[f"{part}_set_x"][:].reshape(-1, 12288) / 255, file[f"{part}_set_y"][:]]
    return arrays


def initial_weights(name, sizes):
    """Return W and b of each layer as the course drew them: W is (units, inputs) there, transposed here."""
    random = np.random.RandomState(1)
    weights = []
    for inputs, units in pairwise(sizes):
        if name == "logistic_regression":
            W = np.zeros((units, inputs))
        else:
            W = random.randn(units, inputs)
            W = W * 0.01 if name == "two_layer" else W / np.sqrt(inputs)
        weights += [W.T, np.zeros(units)]
    return weights


def reproduce(folder, name, iterations=None, dtype="float64", rate_factor=1.0):
    """Train the network ``name`` of golden.json for ``iterations`` steps (all by default)."""
    golden = json.loads((Path(folder) / "golden.json").read_text())[name]
    x_train, y_train, x_test, y_test = load_pictures(folder)
    # The course's programs take 0 as the slope of ReLU at 0. At the deep network's first step 89 inputs of its third
    # ReLU are exactly 0: with minidl's default, the notes' slope 1, its costs differ by 6e-4 after 100 iterations.
    activations = {"relu": lambda: ReLU(slope_at_zero=0), "sigmoid": Sigmoid}
    layers = [
        Dense(n, activation=activations[g]()) for n, g in zip(golden["layers"][1:], golden["activations"], strict=True)
    ]
    model = Sequential([Input((12288,)), *layers], dtype=dtype)
    model.set_weights(initial_weights(name, golden["layers"]))
    model.compile(SGD(golden["learning_rate"] * rate_factor), "binary_crossentropy", metrics=["accuracy"])
    costs = Costs()
    iterations = iterations or golden["iterations"]
    model.fit(x_train, y_train, batch_size=len(x_train), epochs=iterations, shuffle=False, verbose=0, callbacks=[costs])
    return Result(
        {int(i): (costs.costs[int(i)], cost) for i, cost in golden["cost"].items() if int(i) < iterations},
        model.evaluate(x_train, y_train, verbose=0)[1],
        model.evaluate(x_test, y_test, verbose=0)[1],
        (golden["train_accuracy"], golden["test_accuracy"]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--iterations", type=int, help="stop early; the accuracies are those of the last iteration")
    options = parser.parse_args()
    runs = [("logistic_regression", "float64"), ("two_layer", "float64"), ("deep", "float64"), ("deep", "float32")]
    for name, dtype in runs:
        result = reproduce(options.folder, name, options.iterations, dtype)
        print(f"{name} in {dtype}: {len(result.costs)} costs, largest difference {result.largest_error:.1e}")
        for part, ours, published in zip(("train", "test"), result[1:3], result.published_accuracies, strict=True):
            print(f"  {part} accuracy {ours:.4f}, published {published:.4f}")


if __name__ == "__main__":
    main()

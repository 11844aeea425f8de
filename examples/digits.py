"""Train a classifier of handwritten digits, print its scores, and draw the learning curves and its mistakes.

Run: ``python examples/digits.py``; it classifies over 98% of 360 test digits correctly, and needs matplotlib for the
pictures, which go to ``build/digits``, or to ``--folder``.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np

from minidl import Dense, Dropout, Input, Sequential
from minidl.callbacks import History
from minidl.datasets import digits
from minidl.metrics import F1Score, Precision, Recall
from minidl.optimizers import Adam
from minidl.optimizers.schedules import CosineDecay
from minidl.plotting import plot_history, plot_images
from minidl.typing import Array

EPOCHS = 40
STEPS = EPOCHS * 41  # an epoch is 41 batches of 32: nine tenths of the 1,437 digits


def build(seed: int = 0) -> Sequential:
    """Return a compiled model of two wide layers; Dropout keeps them from memorising the training digits."""
    model = Sequential(
        [
            Input((64,)),
            Dense(512, activation="relu"),
            Dropout(0.5),
            Dense(256, activation="relu"),
            Dropout(0.5),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile(Adam(CosineDecay(2e-3, decay_steps=STEPS)), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def print_scores(y: Array, probabilities: Array) -> None:
    scores = []
    for metric in (Precision("largest", average=None), Recall("largest", average=None), F1Score()):
        metric.update(y, probabilities)
        scores.append(metric.result())
    print("\ndigit  precision  recall    F1  rows")
    for digit, (precision, recall, f1) in enumerate(zip(*scores, strict=True)):
        print(f"{digit:5}  {precision:9.3f}  {recall:6.3f}  {f1:.3f}  {np.sum(y == digit):4}")


def draw_curves(history: History, path: Path) -> None:
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    plot_history(history, "loss", ax=left)
    plot_history(history, "accuracy", ax=right)
    figure.savefig(path, dpi=120)


def draw_mistakes(x: Array, y: Array, predicted: Array, path: Path) -> None:
    wrong = np.flatnonzero(predicted != y)
    titles = [f"{y[row]} as {predicted[row]}" for row in wrong]
    ax = plot_images(1 - x[wrong].reshape(-1, 8, 8), titles, columns=5, limits=(0, 1))
    ax.figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a classifier of handwritten digits.")
    parser.add_argument("--folder", type=Path, default=Path("build/digits"), help="where the two pictures go")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and dropout")
    arguments = parser.parse_args()
    matplotlib.use("Agg")  # draw into files, whether or not there is a screen
    arguments.folder.mkdir(parents=True, exist_ok=True)

    (x_train, y_train), (x_test, y_test) = digits()
    model = build(arguments.seed)
    model.summary()
    history = model.fit(
        x_train, y_train, epochs=EPOCHS, batch_size=32, verbose=1, validation_split=0.1, split="stratify"
    )

    probabilities = model.predict(x_test)
    predicted = probabilities.argmax(axis=1)
    print_scores(y_test, probabilities)
    count = np.sum(predicted != y_test)
    print(f"\ntest accuracy: {np.mean(predicted == y_test):.2%} of {len(y_test)} digits, {count} mistakes")

    curves, mistakes = arguments.folder / "training_curves.png", arguments.folder / "mistakes.png"
    draw_curves(history, curves)
    draw_mistakes(x_test, y_test, predicted, mistakes)
    print(f"pictures: {curves}, {mistakes}")


if __name__ == "__main__":
    main()

"""The networks that the benchmarks train, the same for minidl and every peer.

All use float32 and Adam with rate 0.001 and epsilon 1e-7, and start from the same weights on the same rows.
"""

from typing import NamedTuple

import numpy as np

RATE, EPSILON = 0.001, 1e-7


class Network(NamedTuple):
    """A stack of dense layers with one activation between them, and the task that it learns."""

    sizes: tuple[int, ...]
    activation: str = "relu"
    task: str = "classes"  # "classes": softmax; "binary": sigmoid; "regression": mean squared error
    normalization: str = ""  # "batch" or "layer": before each activation, with epsilon 0.001 and momentum 0.99

    @property
    def name(self) -> str:
        hidden = self.sizes[1:-1]
        inner = f"{len(hidden)} x {hidden[0]}" if len(hidden) > 3 else "-".join(map(str, hidden))
        kind = "" if self.activation == "relu" and self.task == "classes" else f" {self.activation}, {self.task}"
        kind += f", {self.normalization} normalisation" if self.normalization else ""
        return f"{self.sizes[0]}-{inner}-{self.sizes[-1]}{kind}"

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(inputs, units) of every dense layer."""
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def weights(self, seed: int = 0) -> list[np.ndarray]:
        """Return W and b of every layer in turn: Glorot uniform weights and zeros."""
        rng = np.random.default_rng(seed)
        arrays: list[np.ndarray] = []
        for inputs, units in self.pairs:
            limit = np.sqrt(6 / (inputs + units))
            arrays += [rng.uniform(-limit, limit, (inputs, units)).astype("float32"), np.zeros(units, "float32")]
        return arrays

    def data(self, rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return x (rows, inputs) and targets: labels, or an array (rows, outputs).

        Every row appears twice, with contradictory targets: a network that had memorised its batch would have
        gradients so small that their squares are denormal numbers, which cost some of the contenders 100 cycles each.
        """
        rng = np.random.default_rng(seed)
        half = (rows + 1) // 2
        x = rng.standard_normal((half, self.sizes[0]), dtype="float32")
        score = x @ rng.standard_normal((self.sizes[0], self.sizes[-1]), dtype="float32") / np.sqrt(self.sizes[0])
        if self.task == "classes":
            first = score.argmax(axis=1)
            second = (first + 1) % self.sizes[-1]
        elif self.task == "binary":
            first = (score > 0).astype("float32")
            second = 1 - first
        else:
            first = score.astype("float32")
            second = first + 1
        y = np.stack([first, second], axis=1).reshape(2 * half, *first.shape[1:])
        return x.repeat(2, axis=0)[:rows], y[:rows]

    def batches(self, rows: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the (x, y) batches to cycle through: one batch of `data`; for one row, one for each of its targets."""
        x, y = self.data(max(rows, 2))
        return [(x[start : start + rows], y[start : start + rows]) for start in range(0, len(x), rows)]


SMALL = Network((20, 64, 64, 2))
MNIST = Network((784, 128, 10))
WIDE = Network((784, 512, 512, 10))
LARGE = Network((1024, 1024, 1024, 10))
DEEP = Network((16, *[32] * 12, 4))
SMOOTH = Network((100, 256, 256, 1), activation="tanh", task="binary")
REGRESSION = Network((8, 128, 128, 1), task="regression")

# (network, rows per batch); the first four are the project's goals
CASES = [
    (SMALL, 32),
    (MNIST, 128),
    (WIDE, 128),
    (LARGE, 1024),
    (DEEP, 32),
    (SMOOTH, 256),
    (REGRESSION, 1),
    (REGRESSION, 1024),
]
# The same with normalisation before each activation.
NORMALISED = [
    (SMALL._replace(normalization="batch"), 32),
    (SMALL._replace(normalization="layer"), 32),
    (WIDE._replace(normalization="batch"), 128),
    (WIDE._replace(normalization="layer"), 128),
    (LARGE._replace(normalization="batch"), 1024),
    (LARGE._replace(normalization="layer"), 1024),
]

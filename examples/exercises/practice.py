"""Practice: the exercises of chapters 12 to 14, from model selection to classification."""

from typing import Any

import numpy as np
from exercise import Computation, Differentiation, Exercise

from minidl.layers import Layer
from minidl.losses import SparseCategoricalCrossentropy

Rng = np.random.Generator


def softmax(z: np.ndarray) -> np.ndarray:
    """Return the softmax of each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def split(rows: int, fraction: float, seed: int, *, order: Any = None) -> tuple[Any, ...]:
    """Return the indices of the training and validation rows."""
    order = np.random.default_rng(seed).permutation(rows) if order is None else order
    count = int(np.floor(rows * (1 - fraction)))
    return order[:count], order[count:]


def stopped(losses: np.ndarray, patience: int, *, strict: bool = True, late: int = 0) -> tuple[int, int]:
    """Return the epoch with the best loss and the epoch after which training stops."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] or (not strict and loss <= losses[best]):
            best = epoch
        elif epoch - best >= patience + late:
            return best, epoch
    return best, len(losses) - 1


def curve(rng: Rng) -> tuple[Any, ...]:
    """Return validation losses that fall and rise, with ties, and a patience."""
    return np.round(np.abs(np.linspace(-1, 1.5, 16)) + rng.normal(0, 0.15, 16), 1), int(rng.integers(1, 4))


def folded(x: np.ndarray, depth: int) -> np.ndarray:
    """Return the tent map applied ``depth`` times."""
    for _ in range(depth):
        x = 2 * np.maximum(x, 0) - 4 * np.maximum(x - 0.5, 0)
    return x


def certify_block(layer: type[Layer], seed: int) -> Any:
    """Certify a learner's residual block."""
    from minidl.testing import certify

    return certify(layer, input_shape=(4,), seed=seed, level="quick", on_fail="return")


def certify_cross_entropy(backward: Any, seed: int) -> Any:
    """Certify a learner's gradient of the mean softmax cross-entropy."""
    from minidl.testing import certify_function

    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 5)

    def loss(z: np.ndarray) -> Any:
        return np.asarray(SparseCategoricalCrossentropy(from_logits=True).forward(z, labels)), (z, labels)

    def gradient(cache: Any) -> Any:
        return backward(*cache)

    return certify_function(
        loss, gradient, rng.normal(size=(5, 4)), batched=False, source=backward, seed=seed, on_fail="return"
    )


EXERCISES: tuple[Exercise, ...] = (
    Computation(
        "12.1",
        "split_rows",
        '''def split_rows(rows, fraction, seed):
    """Return the row numbers for training and those for validation, a fraction of all.

    Shuffle by np.random.default_rng(seed).permutation(rows); floor(rows * (1 - fraction)) rows train, the first ones.
    """
    raise NotImplementedError
''',
        draw=lambda rng: (int(rng.integers(11, 30)), 0.25, int(rng.integers(1000))),
        truth=split,
        outputs=("training", "validation"),
        slips={
            "the rows are not shuffled": lambda n, f, s: split(n, f, s, order=np.arange(n)),
            "training and validation are exchanged": lambda n, f, s: split(n, f, s)[::-1],
            "the first rows are for training": lambda n, f, s: split(n, f, s, order=split(n, 0, s)[0][::-1]),
            "the fraction is that of the validation": lambda n, f, s: split(n, 1 - f, s),
            "the sets overlap: a row that trains cannot judge": lambda n, f, s: (split(n, 0, s)[0], split(n, f, s)[1]),
            "sorting undoes the shuffling": lambda n, f, s: tuple(np.sort(part) for part in split(n, f, s)),
        },
    ),
    Computation(
        "12.2",
        "early_stopping",
        '''def early_stopping(losses, patience):
    """Return the epoch with the best validation loss, and the epoch after which training stops; both count from 0.

    Training stops when the loss has not been below its best for ``patience`` epochs in a row, or at the end.
    """
    raise NotImplementedError
''',
        draw=curve,
        truth=stopped,
        outputs=("best", "last"),
        slips={
            "an equal loss is no improvement: use <": lambda v, p: stopped(v, p, strict=False),
            "training continues for one epoch too long": lambda v, p: stopped(v, p, late=1),
            "training stops one epoch too early": lambda v, p: stopped(v, p, late=-1),
            "the best epoch of all is unknown when training stops": lambda v, p: (int(np.argmin(v)), stopped(v, p)[1]),
            "best and last are exchanged": lambda v, p: stopped(v, p)[::-1],
            "epochs count from 0": lambda v, p: tuple(e + 1 for e in stopped(v, p)),
        },
    ),
    Computation(
        "13.1",
        "fold",
        '''def fold(x, depth):
    """Return t(t(...t(x))), depth times the tent t(x) = 2 relu(x) - 4 relu(x - 1/2)."""
    raise NotImplementedError
''',
        draw=lambda rng: (rng.uniform(0, 1, 9), int(rng.integers(2, 5))),
        truth=folded,
        outputs=("y",),
        slips={
            "the tent is applied once too often": lambda x, depth: folded(x, depth + 1),
            "the tent is applied once too little": lambda x, depth: folded(x, depth - 1),
            "the tent is applied only once": lambda x, depth: folded(x, 1),
            "relu is missing: without it, the network is linear": lambda x, depth: (
                (-2) ** depth * x + 2 * (1 - (-2) ** depth) / 3
            ),
            "x is not fed back: each fold takes the output of the last": lambda x, depth: depth * folded(x, 1),
        },
    ),
    Differentiation(
        "13.2",
        "Residual",
        '''class Residual(Layer):
    """y = x + relu(x @ W)."""

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], input_shape[0]), "glorot_uniform")
        return input_shape

    def forward(self, x, training=False):
        self._x, self._h = x, np.maximum(x @ self.W, 0)
        return x + self._h

    def backward(self, dy):
        raise NotImplementedError
''',
        certify=certify_block,
    ),
    Computation(
        "14.1",
        "softmax",
        '''def softmax(z):
    """Return exp(z) / sum(exp(z)) for each row of z, (m, classes); finite for z from -1000 to 1000."""
    raise NotImplementedError
''',
        draw=lambda rng: (rng.normal(size=(5, 4)) * rng.choice([1.0, 1000.0], (5, 1)),),
        truth=softmax,
        outputs=("p",),
        slips={
            "exp overflows: subtract the largest z of each row first": lambda z: (
                np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            ),
            "each row has its own sum: use axis=1, keepdims=True": lambda z: (
                np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            ),
            "classes are columns: use axis=1": lambda z: softmax(z.T).T,
            "the sum is not divided by": lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
            "a sigmoid for each class does not sum to 1": lambda z: 1 / (1 + np.exp(-z)),
            "the sign of z is turned round": lambda z: softmax(-z),
        },
    ),
    Differentiation(
        "14.2",
        "cross_entropy_gradient",
        '''def cross_entropy_gradient(z, labels):
    """Return dJ/dz, (m, classes), of the mean cross-entropy of softmax(z) and the integer labels, (m,)."""
    raise NotImplementedError
''',
        certify=certify_cross_entropy,
    ),
)

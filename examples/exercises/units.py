"""Units: the exercises of chapters 1 to 5, from a single unit to matrices."""

from itertools import pairwise
from typing import Any

import numpy as np
from exercise import Computation, Exercise

from minidl.layers import Sigmoid
from minidl.losses import BinaryCrossentropy
from minidl.numeric import sigmoid

Rng = np.random.Generator


def cost(a: np.ndarray, y: np.ndarray) -> float:
    """Return the cost J of predicted probabilities."""
    return BinaryCrossentropy().forward(a, y)


def labels(rng: Rng, rows: int) -> np.ndarray:
    """Return labels of shape (rows, 1) that include both 0 and 1."""
    return (np.arange(rows) % 2 == rng.integers(2))[:, None].astype(float)


def samples(rng: Rng) -> tuple[Any, ...]:
    """Return W, b, x, y of one unit."""
    rows, inputs = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    return rng.normal(size=(inputs, 1)), rng.normal(size=1), rng.normal(size=(rows, inputs)), labels(rng, rows)


def step(
    W: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray, sign: int = -1, mean: bool = True, error: Any = None
) -> Any:
    """Return W and b after a gradient descent step, optionally with a mistake."""
    dz = (sigmoid(x @ W + b) - y if error is None else error) / (len(x) if mean else 1)
    return W + sign * 0.1 * x.T @ dz, b + sign * 0.1 * dz.sum(axis=0)


def counts(probability: np.ndarray, y: np.ndarray, said: np.ndarray | None = None) -> tuple[int, ...]:
    """Return TP, FP, FN, TN."""
    said, true = probability > 0.5 if said is None else said, y == 1
    return tuple(int(np.sum(part)) for part in (said & true, said & ~true, ~said & true, ~said & ~true))


def judged(rng: Rng) -> tuple[Any, ...]:
    """Return probabilities, some of them exactly 0.5, and labels."""
    probability = rng.uniform(size=(24, 1))
    probability[:4], y = 0.5, (rng.uniform(size=(24, 1)) < 0.4).astype(float)
    y[:8] = np.array([[0, 1, 0, 1, 0, 1, 1, 0]]).T
    probability[4:8] = np.array([[0.9, 0.9, 0.1, 0.1]]).T
    return probability, y


def three_scores(TP: Any, FP: Any, FN: Any) -> tuple[Any, ...]:
    """Return precision, recall and F1."""
    return TP / (TP + FP), TP / (TP + FN), 2 * TP / (2 * TP + FP + FN)


def network(rng: Rng) -> tuple[Any, ...]:
    """Return X and the parameters of a 3-4-1 network."""
    arrays = [rng.normal(size=shape) for shape in ((3, 4), (4,), (4, 1), (1,))]
    return (rng.normal(size=(5, 3)), *arrays)


def outputs(X: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray) -> np.ndarray:
    """Return the outputs of the 3-4-1 network."""
    return Sigmoid().forward(Sigmoid().forward(X @ W1 + b1) @ W2 + b2)


def number_of_parameters(sizes: list[int]) -> int:
    """Return the number of weights and biases."""
    return sum((inputs + 1) * units for inputs, units in pairwise(sizes))


EXERCISES: tuple[Exercise, ...] = (
    Computation(
        "1.1",
        "cost",
        '''def cost(a, y):
    """Return J, the mean cross-entropy of the probabilities a and the labels y, both (m, 1)."""
    raise NotImplementedError
''',
        draw=lambda rng: (rng.uniform(0.05, 0.95, (6, 1)), labels(rng, 6)),
        truth=cost,
        outputs=("J",),
        slips={
            "the minus before the sum is missing": lambda a, y: -cost(a, y),
            "this is the sum: divide by m": lambda a, y: cost(a, y) * len(a),
            "the term of the labels that are 0 is missing": lambda a, y: -np.mean(y * np.log(a)),
            "the logarithm is the natural one, not that to base 2": lambda a, y: cost(a, y) / np.log(2),
            "the logarithm is the natural one, not that to base 10": lambda a, y: cost(a, y) / np.log(10),
            "a and y are exchanged in a term": lambda a, y: -np.mean(y * np.log(a) + (1 - a) * np.log(1 - a)),
            "this is the loss of each sample: take the mean": lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)),
        },
    ),
    Computation(
        "1.2",
        "cost_from_logits",
        '''def cost_from_logits(z, y):
    """Return J from z, (m, 1), with a = sigmoid(z): finite and exact for z from -1000 to 1000."""
    raise NotImplementedError
''',
        draw=lambda rng: (rng.choice([-1000.0, -40.0, -1.0, 0.5, 40.0, 1000.0], (8, 1)), labels(rng, 8)),
        truth=lambda z, y: BinaryCrossentropy(from_logits=True).forward(z, y),
        outputs=("J",),
        slips={
            "a is rounded to 1 for large z, and log(1 - a) is lost: write log(1 + exp(-z)) instead": lambda z, y: (
                -np.mean(y * np.log(1 / (1 + np.exp(-z))) + (1 - y) * np.log(1 - 1 / (1 + np.exp(-z))))
            ),
            "a is clipped: that hides the infinity and loses the digits": lambda z, y: cost(
                np.clip(1 / (1 + np.exp(-z)), 1e-7, 1 - 1e-7), y
            ),
            "exp(-z) overflows for very negative z: use exp(-abs(z))": lambda z, y: np.mean(
                (1 - y) * z + np.log(1 + np.exp(-z))
            ),
            "exp(z) overflows for large z: use exp(-abs(z))": lambda z, y: np.mean(np.log(1 + np.exp(z)) - y * z),
            "this is the sum: divide by m": lambda z, y: len(z) * BinaryCrossentropy(from_logits=True).forward(z, y),
            "y and 1 - y are exchanged": lambda z, y: BinaryCrossentropy(from_logits=True).forward(z, 1 - y),
        },
    ),
    Computation(
        "2.1",
        "gradient_step",
        '''def gradient_step(W, b, x, y):
    """Return W and b after one step of gradient descent, with a rate of 0.1; x is (m, n), y is (m, 1)."""
    raise NotImplementedError
''',
        draw=samples,
        truth=step,
        outputs=("W", "b"),
        slips={
            "the step goes uphill: subtract the gradient, with dz = A - Y": lambda W, b, x, y: step(W, b, x, y, sign=1),
            "the gradient lacks the 1/m of the mean": lambda W, b, x, y: step(W, b, x, y, mean=False),
            "the sigmoid is missing": lambda W, b, x, y: step(W, b, x, y, error=x @ W + b - y),
            "dz has the factor a (1 - a): for the cross-entropy it cancels": lambda W, b, x, y: step(
                W, b, x, y, error=(sigmoid(x @ W + b) - y) * sigmoid(x @ W + b) * (1 - sigmoid(x @ W + b))
            ),
            "b does not move": lambda W, b, x, y: (step(W, b, x, y)[0], b),
            "db lacks the 1/m, which dW has": lambda W, b, x, y: (step(W, b, x, y)[0], step(W, b, x, y, mean=False)[1]),
        },
    ),
    Computation(
        "2.2",
        "is_separable",
        '''def is_separable(x, y):
    """Return 1.0 if some threshold on the one feature x, (m,), separates the labels y, (m,), else 0.0.

    Values that are equal but have different labels cannot be separated.
    """
    raise NotImplementedError
''',
        draw=lambda rng: _line(rng),
        truth=lambda x, y: float(_separable(x, y)),
        outputs=("answer",),
        slips={
            "the labels may also be 1 on the left and 0 on the right": lambda x, y: float(
                x[y == 0].max() < x[y == 1].min()
            ),
            "a tie between the classes cannot be separated: use < and not <=": lambda x, y: float(
                x[y == 0].max() <= x[y == 1].min() or x[y == 1].max() <= x[y == 0].min()
            ),
            "the threshold need not be at 0": lambda x, y: float(
                np.all((x > 0) == (y == 1)) or np.all((x < 0) == (y == 1))
            ),
            "the answer is turned round": lambda x, y: float(not _separable(x, y)),
            "means that differ do not separate": lambda x, y: float(x[y == 0].mean() != x[y == 1].mean()),
        },
    ),
    Computation(
        "3.1",
        "confusion_counts",
        '''def confusion_counts(probability, y):
    """Return TP, FP, FN, TN; a probability above 0.5 says yes, exactly 0.5 says no. Both are (m, 1)."""
    raise NotImplementedError
''',
        draw=judged,
        truth=counts,
        outputs=("TP", "FP", "FN", "TN"),
        slips={
            "exactly 0.5 says no here: use > and not >=": lambda p, y: counts(p, y, p >= 0.5),
            "FP and FN are exchanged": lambda p, y: tuple(counts(p, y)[i] for i in (0, 2, 1, 3)),
            "positive means y = 1": lambda p, y: counts(p, 1 - y),
            "TP and TN are exchanged": lambda p, y: tuple(counts(p, y)[i] for i in (3, 1, 2, 0)),
            "these are fractions: return counts": lambda p, y: tuple(n / len(y) for n in counts(p, y)),
            "yes is a probability above 0.5, not below": lambda p, y: counts(p, y, p < 0.5),
        },
    ),
    Computation(
        "3.2",
        "precision_recall_f1",
        '''def precision_recall_f1(TP, FP, FN):
    """Return precision, recall and F1."""
    raise NotImplementedError
''',
        draw=lambda rng: tuple(map(float, rng.integers(1, 40, 3))),
        truth=three_scores,
        outputs=("precision", "recall", "F1"),
        slips={
            "precision and recall are exchanged": lambda TP, FP, FN: tuple(
                three_scores(TP, FP, FN)[i] for i in (1, 0, 2)
            ),
            "F1 is the harmonic mean, not the arithmetic one": lambda TP, FP, FN: (
                *three_scores(TP, FP, FN)[:2],
                sum(three_scores(TP, FP, FN)[:2]) / 2,
            ),
            "F1 is the harmonic mean, not the geometric one": lambda TP, FP, FN: (
                *three_scores(TP, FP, FN)[:2],
                np.sqrt(np.prod(three_scores(TP, FP, FN)[:2])),
            ),
            "F1 lacks its factor 2": lambda TP, FP, FN: (
                *three_scores(TP, FP, FN)[:2],
                three_scores(TP, FP, FN)[2] / 2,
            ),
            "precision divides by all that were said to be positive, TP + FP": lambda TP, FP, FN: (
                TP / (TP + FP + FN),
                *three_scores(TP, FP, FN)[1:],
            ),
            "F1 = 2 TP / (2 TP + FP + FN): both mistakes are in it": lambda TP, FP, FN: (
                *three_scores(TP, FP, FN)[:2],
                2 * TP / (2 * TP + FP),
            ),
        },
    ),
    Computation(
        "4.1",
        "forward",
        '''def forward(X, W1, b1, W2, b2):
    """Return A2 of the network 3-4-1 with sigmoids; observations are rows, units are columns of W."""
    raise NotImplementedError
''',
        draw=network,
        truth=outputs,
        outputs=("A2",),
        slips={
            "the output layer lacks its sigmoid": lambda X, W1, b1, W2, b2: sigmoid(X @ W1 + b1) @ W2 + b2,
            "the hidden layer lacks its sigmoid": lambda X, W1, b1, W2, b2: sigmoid((X @ W1 + b1) @ W2 + b2),
            "b1 is missing": lambda X, W1, b1, W2, b2: outputs(X, W1, 0 * b1, W2, b2),
            "b2 is missing": lambda X, W1, b1, W2, b2: outputs(X, W1, b1, W2, 0 * b2),
            "the hidden activation is tanh here: use the sigmoid": lambda X, W1, b1, W2, b2: sigmoid(
                np.tanh(X @ W1 + b1) @ W2 + b2
            ),
            "the sigmoid has a minus in its exponent": lambda X, W1, b1, W2, b2: sigmoid(
                -(sigmoid(-(X @ W1 + b1)) @ W2 + b2)
            ),
            "observations are rows here: return (m, 1), not (1, m)": lambda *arrays: outputs(*arrays).T,
        },
    ),
    Computation(
        "4.2",
        "count_parameters",
        '''def count_parameters(sizes):
    """Return the number of weights and biases of a network such as [3, 4, 1]."""
    raise NotImplementedError
''',
        draw=lambda rng: (rng.integers(1, 9, rng.integers(3, 6)).tolist(),),
        truth=number_of_parameters,
        outputs=("count",),
        slips={
            "the biases are missing": lambda sizes: sum(a * b for a, b in pairwise(sizes)),
            "a bias is one number for each unit of the layer, not of the layer below": lambda sizes: sum(
                a * b + a for a, b in pairwise(sizes)
            ),
            "one bias a layer is too few: each unit has one": lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes)),
            "the inputs have no bias": lambda sizes: number_of_parameters(sizes) + sizes[0],
            "the last layer is missing": lambda sizes: number_of_parameters(sizes[:-1]),
            "the first layer is missing": lambda sizes: number_of_parameters(sizes[1:]),
        },
    ),
    Computation(
        "5.1",
        "unit_by_unit",
        '''def unit_by_unit(x, units):
    """Return z, (m, n): column k is x @ w + b for units[k] = (w, b), with w of shape (inputs,) and a number b.

    Use one product of matrices.
    """
    raise NotImplementedError
''',
        draw=lambda rng: (rng.normal(size=(5, 3)), [(rng.normal(size=3), float(rng.normal())) for _ in range(4)]),
        truth=lambda x, units: np.stack([x @ w + b for w, b in units], axis=1),
        outputs=("z",),
        slips={
            "the biases are missing": lambda x, units: np.stack([x @ w for w, b in units], axis=1),
            "observations are rows: the result is (m, n)": lambda x, units: np.stack([x @ w + b for w, b in units]),
            "each unit has its own bias": lambda x, units: np.stack([x @ w + units[0][1] for w, b in units], axis=1),
            "the biases are subtracted": lambda x, units: np.stack([x @ w - b for w, b in units], axis=1),
            "z is linear: there is no sigmoid yet": lambda x, units: sigmoid(
                np.stack([x @ w + b for w, b in units], axis=1)
            ),
        },
    ),
    Computation(
        "5.2",
        "standardize",
        '''def standardize(x):
    """Return x, (m, n), with the mean 0 and the standard deviation 1 (dividing by m) in each column; no loop."""
    raise NotImplementedError
''',
        draw=lambda rng: (rng.normal(3, 2, (7, 3)) * [1, 10, 100],),
        truth=lambda x: (x - x.mean(axis=0)) / x.std(axis=0),
        outputs=("x",),
        slips={
            "columns are features: use axis=0": lambda x: (
                (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
            ),
            "each column has its own mean and deviation: use axis=0": lambda x: (x - x.mean()) / x.std(),
            "this divides by the variance: take its root": lambda x: (x - x.mean(axis=0)) / x.var(axis=0),
            "the mean is not subtracted": lambda x: x / x.std(axis=0),
            "the deviation is not divided by": lambda x: x - x.mean(axis=0),
            "the deviation divides by m here, not by m - 1": lambda x: (x - x.mean(axis=0)) / x.std(axis=0, ddof=1),
        },
    ),
)


def _separable(x: np.ndarray, y: np.ndarray) -> bool:
    zeros, ones = x[y == 0], x[y == 1]
    return bool(zeros.max() < ones.min() or ones.max() < zeros.min())


def _line(rng: Rng) -> tuple[Any, ...]:
    """Return a feature and labels: separated in either direction, with a tie between the classes, or mixed."""
    x, kind = np.sort(rng.normal(2, 1, 6)), rng.integers(4)
    y = (np.arange(6) > 2).astype(float)
    if kind == 1:
        y = 1 - y
    elif kind == 2:
        x[3] = x[2]
    elif kind == 3:
        y = np.roll(y, 1)
    return x, y

"""Gradients: the exercises of chapters 6 to 11, graded by the certification kit if they involve gradients."""

from typing import Any

import numpy as np
from exercise import Computation, Differentiation, Exercise

from minidl.layers import Dense, Input, Layer, LeakyReLU
from minidl.losses import Loss
from minidl.numeric import sigmoid
from minidl.sequential import Sequential

Rng = np.random.Generator


def certify_layer(layer: type[Layer], seed: int) -> Any:
    """Certify a learner's layer on samples with five features."""
    from minidl.testing import certify

    return certify(layer, input_shape=(5,), seed=seed, level="quick", on_fail="return")


def dense(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> Any:
    """Return the output of a dense layer, and the values that its backward needs."""
    return x @ W + b, (x, W)


def certify_dense(backward: Any, seed: int) -> Any:
    """Certify a learner's backward of `dense`."""
    from minidl.testing import certify_function

    rng = np.random.default_rng(seed)
    parameters = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    return certify_function(dense, backward, rng.normal(size=(4, 3)), parameters, seed=seed, on_fail="return")


def relu_layer(A: np.ndarray, W: np.ndarray, b: np.ndarray) -> Any:
    """Return relu(A W + b), and the values that its backward needs: A, W and Z."""
    Z = A @ W + b
    return np.maximum(Z, 0), (A, W, Z)


def certify_relu_layer(backward: Any, seed: int) -> Any:
    """Certify a learner's backward of `relu_layer`."""
    from minidl.testing import certify_function

    rng = np.random.default_rng(seed)
    parameters = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    return certify_function(relu_layer, backward, rng.normal(size=(4, 3)), parameters, seed=seed, on_fail="return")


def certify_leaky(layer: type[Layer], seed: int) -> Any:
    """Certify a learner's LeakyReLU, and compare its output with the library's."""
    x = np.linspace(-2, 2, 9)[:, None]
    y, expected = np.asarray(layer().forward(x)), LeakyReLU().forward(x)
    if y.shape != expected.shape or not np.allclose(y, expected):
        raise ValueError(
            f"forward of {x.ravel().tolist()}: expected {expected.ravel().tolist()}, got {y.ravel().tolist()}"
        )
    return certify_layer(layer, seed)


def certify_squares(loss: type[Loss], seed: int) -> Any:
    """Certify a learner's loss."""
    from minidl.testing import certify_loss

    return certify_loss(loss(), seed=seed, level="quick", on_fail="return")


def trained(rng: Rng) -> tuple[Any, ...]:
    """Return X, Y and the parameters of a 3-4-1 network."""
    arrays = [rng.normal(size=shape) for shape in ((3, 4), (4,), (4, 1), (1,))]
    return rng.normal(size=(5, 3)), (rng.uniform(size=(5, 1)) < 0.5).astype(float), *arrays


def four_gradients(
    X: np.ndarray,
    Y: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    *,
    mean: bool = True,
    slope: Any = None,
    at: str = "",
) -> tuple[Any, ...]:
    """Return dW1, db1, dW2, db2 of the 3-4-1 network, optionally with a mistake."""
    A1 = sigmoid(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    dZ2 = (Y - A2 if at == "sign" else A2 - Y) / (len(X) if mean else 1)
    if at == "output":
        dZ2 = dZ2 * A2 * (1 - A2)
    dZ1 = dZ2 @ W2.T * (A1 * (1 - A1) if slope is None else slope(A1))
    m = len(X) if at == "bias" else 1
    return X.T @ dZ1, m * dZ1.sum(axis=0), A1.T @ dZ2, m * dZ2.sum(axis=0)


def deep_gradients(X: np.ndarray, Y: np.ndarray, weights: list[np.ndarray]) -> tuple[Any, ...]:
    """Return the gradient of each W of a network with bias-free ReLU layers that ends in a sigmoid."""
    widths = [W.shape[1] for W in weights]
    hidden = [Dense(n, activation="relu", use_bias=False) for n in widths[:-1]]
    layers = [Input((len(weights[0]),)), *hidden, Dense(widths[-1], activation="sigmoid", use_bias=False)]
    model = Sequential(layers, dtype="float64")
    model.set_weights(weights)
    model.compile("sgd", "binary_crossentropy")
    model.loss_and_gradients(X, Y)
    return tuple(layer.dW.copy() for layer in model.layers)


def by_hand(X: np.ndarray, Y: np.ndarray, weights: list[np.ndarray], *, at: str) -> tuple[Any, ...]:
    """Return the gradients of `deep_gradients` with a mistake."""
    inputs = [X]
    for W in weights[:-1]:
        inputs.append(np.maximum(inputs[-1] @ W, 0))
    Z = inputs[-1] @ weights[-1]
    dZ = (np.maximum(Z, 0) if at == "linear" else sigmoid(Z)) - Y
    dZ = dZ * sigmoid(Z) * (1 - sigmoid(Z)) if at == "output" else dZ
    dZ = dZ if at == "mean" else dZ / len(X)
    found: list[np.ndarray] = []
    for A, W in zip(reversed(inputs), reversed(weights), strict=True):
        found.insert(0, A.T @ dZ)
        dZ = dZ @ W.T
        if at != "mask":
            dZ = dZ * (A > 0)
    return tuple(reversed(found) if at == "order" else found)


def glorot(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return Glorot uniform weights."""
    limit = np.sqrt(6 / sum(shape))
    return np.random.default_rng(seed).uniform(-limit, limit, shape)


def he(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return He normal weights."""
    return np.random.default_rng(seed).normal(size=shape) * np.sqrt(2 / shape[0])


def shape_and_seed(rng: Rng) -> tuple[Any, ...]:
    """Return (inputs, units) and a seed."""
    return (int(rng.integers(2, 9)), int(rng.integers(10, 20))), int(rng.integers(1000))


def merged(W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray) -> tuple[Any, ...]:
    """Return the W and b that are equivalent to two linear layers."""
    return W1 @ W2, b1 @ W2 + b2


def uniform(shape: tuple[int, int], seed: int, low: float, high: float) -> np.ndarray:
    """Return uniform numbers from ``low`` to ``high``."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def dead(outputs: np.ndarray, slip: Any = None) -> float:
    """Return the fraction of columns that are 0 everywhere."""
    return float(np.mean(~(outputs > 0).any(axis=0) if slip is None else slip(outputs)))


def some_dead(rng: Rng) -> tuple[Any, ...]:
    """Return outputs of ReLU units, some of which are dead."""
    outputs = np.maximum(rng.normal(size=(6, 8)), 0)
    outputs[:, : rng.integers(1, 6)] = 0
    return (outputs,)


EXERCISES: tuple[Exercise, ...] = (
    Differentiation(
        "6.1",
        "dense_backward",
        '''def dense_backward(cache, dy):
    """Return dx, dW, db of y = x @ W + b, given cache = (x, W) and dy = dL/dy; dy already has the 1/m."""
    raise NotImplementedError
''',
        certify=certify_dense,
    ),
    Computation(
        "6.2",
        "network_gradients",
        '''def network_gradients(X, Y, W1, b1, W2, b2):
    """Return dW1, db1, dW2, db2 of the mean cross-entropy of the network 3-4-1 with sigmoids; db is (units,)."""
    raise NotImplementedError
''',
        draw=trained,
        truth=four_gradients,
        outputs=("dW1", "db1", "dW2", "db2"),
        slips={
            "all gradients lack the 1/m of the mean": lambda *a: four_gradients(*a, mean=False),
            "db lacks the 1/m, which dW has": lambda *a: four_gradients(*a, at="bias"),
            "dZ2 is A2 - Y, not Y - A2": lambda *a: four_gradients(*a, at="sign"),
            "dZ2 has the factor A2 (1 - A2): for the cross-entropy it cancels": lambda *a: four_gradients(
                *a, at="output"
            ),
            "dZ1 lacks the derivative of the hidden sigmoid": lambda *a: four_gradients(*a, slope=np.ones_like),
            "that is the derivative of tanh: for the sigmoid it is A1 (1 - A1)": lambda *a: four_gradients(
                *a, slope=lambda A: 1 - A**2
            ),
        },
    ),
    Computation(
        "7.1",
        "glorot_uniform",
        '''def glorot_uniform(shape, seed):
    """Return weights of shape (inputs, units), uniform on (-limit, limit), limit = sqrt(6 / (inputs + units)).

    Draw them by np.random.default_rng(seed).uniform(-limit, limit, shape).
    """
    raise NotImplementedError
''',
        draw=shape_and_seed,
        truth=glorot,
        outputs=("W",),
        slips={
            "the weights are all positive: draw from -limit to limit": lambda s, seed: uniform(
                s, seed, 0, np.sqrt(6 / sum(s))
            ),
            "the root is missing": lambda s, seed: uniform(s, seed, -6 / sum(s), 6 / sum(s)),
            "only the inputs are counted: that is LeCun's or He's rule": lambda s, seed: uniform(
                s, seed, -np.sqrt(6 / s[0]), np.sqrt(6 / s[0])
            ),
            "sqrt(2 / (inputs + units)) is the standard deviation; the limit has a 6": lambda s, seed: uniform(
                s, seed, -np.sqrt(2 / sum(s)), np.sqrt(2 / sum(s))
            ),
            "that is what the notes advise, rand * 0.001: positive, and tiny": lambda s, seed: uniform(
                s, seed, 0, 0.001
            ),
            "inputs times units: add them": lambda s, seed: uniform(
                s, seed, -np.sqrt(6 / (s[0] * s[1])), np.sqrt(6 / (s[0] * s[1]))
            ),
        },
    ),
    Computation(
        "7.2",
        "he_normal",
        '''def he_normal(shape, seed):
    """Return weights of shape (inputs, units) with the standard deviation sqrt(2 / inputs).

    Draw them by np.random.default_rng(seed).normal(size=shape).
    """
    raise NotImplementedError
''',
        draw=shape_and_seed,
        truth=he,
        outputs=("W",),
        slips={
            "the root is missing": lambda s, seed: he(s, seed) * np.sqrt(2 / s[0]),
            "the units are counted: count the inputs": lambda s, seed: he(s, seed) * np.sqrt(s[0] / s[1]),
            "that is LeCun's rule: ReLU needs the 2": lambda s, seed: he(s, seed) / np.sqrt(2),
            "that is Glorot's rule: He counts the inputs only": lambda s, seed: he(s, seed) * np.sqrt(s[0] / sum(s)),
            "the numbers are not scaled": lambda s, seed: he(s, seed) / np.sqrt(2 / s[0]),
            "this divides where it should multiply": lambda s, seed: he(s, seed) / (2 / s[0]),
        },
    ),
    Differentiation(
        "8.1",
        "MySigmoid",
        """class MySigmoid(Layer):
    def forward(self, x, training=False):
        self._y = 1 / (1 + np.exp(-x))
        return self._y

    def backward(self, dy):
        raise NotImplementedError
""",
        certify=certify_layer,
    ),
    Differentiation(
        "8.2",
        "MyTanh",
        """class MyTanh(Layer):
    def forward(self, x, training=False):
        self._y = np.tanh(x)
        return self._y

    def backward(self, dy):
        raise NotImplementedError
""",
        certify=certify_layer,
    ),
    Differentiation(
        "9.1",
        "MyLeakyReLU",
        '''class MyLeakyReLU(Layer):
    """max(0.01 x, x); the derivative at 0 is 1."""

    def forward(self, x, training=False):
        raise NotImplementedError

    def backward(self, dy):
        raise NotImplementedError
''',
        certify=certify_leaky,
    ),
    Computation(
        "9.2",
        "fraction_of_dead_units",
        '''def fraction_of_dead_units(outputs):
    """Return the fraction of ReLU units, the columns of outputs (m, units), that are 0 for every sample."""
    raise NotImplementedError
''',
        draw=some_dead,
        truth=dead,
        outputs=("fraction",),
        slips={
            "that is the fraction of zeros: a dead unit is 0 for every sample": lambda o: dead(o, lambda o: o == 0),
            "units are columns: use axis=0": lambda o: dead(o, lambda o: ~(o > 0).any(axis=1)),
            "a unit that is 0 for some sample is not dead: it must be 0 for all": lambda o: dead(
                o, lambda o: (o == 0).any(axis=0)
            ),
            "that is the fraction of units that live": lambda o: 1 - dead(o),
            "that is their number: divide by the number of units": lambda o: dead(o) * o.shape[1],
            "divide by the number of units, not of samples": lambda o: dead(o) * o.shape[1] / o.shape[0],
        },
    ),
    Computation(
        "10.1",
        "merge",
        '''def merge(W1, b1, W2, b2):
    """Return the W and b of the one layer that equals two linear layers, (x @ W1 + b1) @ W2 + b2."""
    raise NotImplementedError
''',
        draw=lambda rng: tuple(rng.normal(size=shape) for shape in ((3, 3), (3,), (3, 3), (3,))),
        truth=merged,
        outputs=("W", "b"),
        slips={
            "the first bias passes through W2 too: b1 @ W2 + b2": lambda W1, b1, W2, b2: (W1 @ W2, b1 + b2),
            "the bias of the first layer is missing": lambda W1, b1, W2, b2: (W1 @ W2, b2),
            "b2 is missing": lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2),
            "the notes write W2 W1; observations are rows here, so it is W1 @ W2": lambda W1, b1, W2, b2: (
                W2 @ W1,
                b1 @ W2 + b2,
            ),
            "the first bias goes through W2, not through W1": lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W1 + b2),
            "the matrices are multiplied, not added": lambda W1, b1, W2, b2: (W1 + W2, b1 @ W2 + b2),
        },
    ),
    Differentiation(
        "10.2",
        "MySquaredError",
        '''class MySquaredError(Loss):
    """The mean of (y_pred - y_true)**2 over all values."""

    def forward(self, y_pred, y_true, sample_weight=None):
        self._d = y_pred - y_true
        return self.mean(self._d**2, sample_weight)

    def backward(self):
        """self.share(a) divides the derivatives a of all values by their number, as self.mean does."""
        raise NotImplementedError
''',
        certify=certify_squares,
    ),
    Differentiation(
        "11.1",
        "linear_activation_backward",
        '''def linear_activation_backward(cache, dA):
    """Return dA_prev, dW, db of A = relu(A_prev @ W + b), given cache = (A_prev, W, Z) and dA = dL/dA."""
    raise NotImplementedError
''',
        certify=certify_relu_layer,
    ),
    Computation(
        "11.2",
        "deep_gradients",
        '''def deep_gradients(X, Y, weights):
    """Return a tuple with dW of each layer, from the lowest up.

    The network has layers relu(A @ W) and ends in sigmoid(A @ W); there are no biases, and the loss is the mean
    cross-entropy.
    """
    raise NotImplementedError
''',
        draw=lambda rng: (
            rng.normal(size=(6, 3)),
            (rng.uniform(size=(6, 1)) < 0.5).astype(float),
            [rng.normal(size=shape) for shape in ((3, 4), (4, 4), (4, 1))],
        ),
        truth=deep_gradients,
        outputs=("dW1", "dW2", "dW3"),
        slips={
            "the gradients lack the 1/m of the mean": lambda *a: by_hand(*a, at="mean"),
            "the derivative of ReLU is missing on the way down": lambda *a: by_hand(*a, at="mask"),
            "the gradients are in the order in which they were found: return the lowest first": lambda *a: by_hand(
                *a, at="order"
            ),
            "dZ of the last layer has the factor A (1 - A): for the cross-entropy it cancels": lambda *a: by_hand(
                *a, at="output"
            ),
            "the last layer is a sigmoid, not a ReLU: start from A - Y": lambda *a: by_hand(*a, at="linear"),
            "dZ of the last layer is A - Y, not Y - A": lambda *a: tuple(-dW for dW in deep_gradients(*a)),
        },
    ),
)

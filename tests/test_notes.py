"""The course notes' own formulas, written out in their orientation, against the layers.

Observations stand in columns there: X is (n, m), W[l] is (n[l], n[l-1]). The formulas are evaluated in longdouble:
as they stand, 1 - A loses in float64 the digits that the layers keep.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Dense, Input, LeakyReLU, ReLU, Sequential, Sigmoid, Tanh
from minidl.losses import BinaryCrossentropy
from minidl.optimizers import SGD

G = {
    "sigmoid": (lambda Z: 1 / (1 + np.exp(-Z)), lambda Z: np.exp(-Z) / (1 + np.exp(-Z)) ** 2),
    "tanh": (np.tanh, lambda Z: 1 - np.tanh(Z) ** 2),
    "relu": (lambda Z: np.maximum(0, Z), lambda Z: np.where(Z < 0, 0.0, 1.0)),
    "leaky_relu": (lambda Z: np.maximum(0.01 * Z, Z), lambda Z: np.where(Z < 0, 0.01, 1.0)),
}
LAYERS = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU, "leaky_relu": LeakyReLU}


def notes_forward(X, W, b, names):
    """Z[l] = W[l] A[l-1] + b[l], A[l] = g[l](Z[l]); the caches of every layer."""
    A, Z = [X.astype(np.longdouble)], [None]
    for weights, bias, name in zip(W, b, names, strict=True):
        Z.append(weights @ A[-1] + bias)
        A.append(G[name][0](Z[-1]))
    return A, Z


def notes_cost(AL, Y):
    """J = -(1/m) sum(Y log A + (1 - Y) log(1 - A))."""
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


def notes_backward(A, Z, W, Y, names):
    """Return dA[L], dZ[L] and the lists dZ, dW, db, dA of all layers, with the notes' 1/m."""
    m, layers = Y.shape[1], len(W)
    dA = [None] * (layers + 1)
    dZ, dW, db = [None] * (layers + 1), [None] * layers, [None] * layers
    dA[layers] = -Y / A[layers] + (1 - Y) / (1 - A[layers])
    for layer in range(layers, 0, -1):
        dZ[layer] = dA[layer] * G[names[layer - 1]][1](Z[layer])
        dW[layer - 1] = dZ[layer] @ A[layer - 1].T / m
        db[layer - 1] = dZ[layer].sum(axis=1, keepdims=True) / m
        dA[layer - 1] = W[layer - 1].T @ dZ[layer]
    return dA, dZ, dW, db


@st.composite
def networks(draw):
    """A random network with a sigmoid output, its data, and the model that should equal it."""
    sizes = [*draw(st.lists(st.integers(1, 6), min_size=2, max_size=5)), 1]
    names = [draw(st.sampled_from(sorted(G))) for _ in sizes[1:-1]] + ["sigmoid"]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    m = draw(st.integers(1, 12))
    W = [rng.normal(size=(n, k)) for k, n in pairwise(sizes)]
    b = [rng.normal(size=(n, 1)) for n in sizes[1:]]
    X, Y = rng.normal(size=(sizes[0], m)), rng.integers(0, 2, (1, m)).astype(float)
    layers = [Input((sizes[0],))]
    for n, name in zip(sizes[1:], names, strict=True):
        layers += [Dense(n), LAYERS[name]()]
    model = Sequential(layers, dtype="float64", seed=0)
    model.set_weights([part for weights, bias in zip(W, b, strict=True) for part in (weights.T, bias[:, 0])])
    model.compile("sgd", "binary_crossentropy")
    return W, b, names, X, Y, model


def agree(ours, notes):
    notes = np.asarray(notes, float)
    np.testing.assert_allclose(ours, notes, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(notes).max(initial=0)))


@given(networks())
def test_forward_is_the_notes_forward(network):
    W, b, names, X, _, model = network
    A, Z = notes_forward(X, W, b, names)
    x = X.T
    for index, layer in enumerate(model.layers):
        x = layer.forward(x)
        agree(x.T, (Z if index % 2 == 0 else A)[index // 2 + 1])


@given(networks())
def test_the_cost_and_its_derivative_are_the_notes(network):
    W, b, names, X, Y, _ = network
    Z = notes_forward(X, W, b, names)[1][-1].astype(float)
    A = G["sigmoid"][0](Z.astype(np.longdouble))
    on_logits = BinaryCrossentropy(from_logits=True)
    agree(on_logits.forward(Z.T, Y.T), notes_cost(A, Y))
    agree(Y.shape[1] * on_logits.backward().T, A - Y)
    loss, A = BinaryCrossentropy(), np.clip(A.astype(float), 1e-300, 1 - 1e-16)
    agree(loss.forward(A.T, Y.T), notes_cost(A.astype(np.longdouble), Y))
    agree(Y.shape[1] * loss.backward().T, -Y / A.astype(np.longdouble) + (1 - Y) / (1 - A.astype(np.longdouble)))


@given(networks())
def test_backward_layer_by_layer_is_the_notes_backward(network):
    W, b, names, X, Y, model = network
    A, Z = notes_forward(X, W, b, names)
    dA, dZ, dW, db = notes_backward(A, Z, W, Y, names)
    m = Y.shape[1]
    model.forward(X.T)
    dy = (dA[-1].T / m).astype(float)
    for index in range(len(model.layers) - 1, -1, -1):
        layer, depth = model.layers[index], index // 2 + 1
        dy = layer.backward(dy)
        if index % 2:
            agree(m * dy.T, dZ[depth])
        else:
            agree(layer.dW.T, dW[depth - 1])
            agree(layer.db[:, None], db[depth - 1])
            agree(m * dy.T, dA[depth - 1])


@given(networks())
def test_a_training_pass_has_the_notes_gradients(network):
    W, b, names, X, Y, model = network
    A, Z = notes_forward(X, W, b, names)
    _, _, dW, db = notes_backward(A, Z, W, Y, names)
    loss, _ = model.loss_and_gradients(X.T, Y.T)
    agree(loss, notes_cost(A[-1], Y))
    for layer, weights, bias in zip(model.layers[::2], dW, db, strict=True):
        agree(layer.dW.T, weights)
        agree(layer.db[:, None], bias)


def separate(initializer, hidden=4, seed=0):
    """Train on XOR; return the columns of the hidden weights and the final loss."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(float)
    model = Sequential(
        [
            Input((2,)),
            Dense(hidden, kernel_initializer=initializer),
            Tanh(),
            Dense(1, kernel_initializer=initializer),
            Sigmoid(),
        ],
        dtype="float64",
        seed=1,
    )
    model.compile(SGD(1.0), "binary_crossentropy")
    history = model.fit(x, y, batch_size=200, epochs=2000, verbose=0)
    return model.layers[0].W, history.history["loss"][-1]


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_equal_initial_weights_never_separate(value):
    W, loss = separate(lambda rng, shape, dtype: np.full(shape, value, dtype))
    assert np.ptp(W, axis=1).max() <= 1e-12  # rounding alone: all hidden units stay one unit
    assert loss > 0.5


def test_small_random_initial_weights_separate():
    W, loss = separate("random_normal")
    assert np.ptp(W, axis=1).min() > 0.5
    assert loss < 0.15


def test_zero_initial_weights_are_fine_for_logistic_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = (x @ [1.0, -2.0, 0.5] > 0).astype(float)
    model = Sequential([Input((3,)), Dense(1, kernel_initializer="zeros"), Sigmoid()], dtype="float64")
    model.compile(SGD(1.0), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=200, epochs=300, verbose=0)
    assert history.history["loss"][0] == pytest.approx(np.log(2), abs=1e-12)
    assert history.history["accuracy"][-1] >= 0.99

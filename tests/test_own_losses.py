"""A layer's own loss: a part of every reported loss, its gradient a part of backward."""

import numpy as np
import pytest

from minidl import Dense, Dropout, Input, Layer, LayerError, NonFiniteError, Residual, Sequential
from minidl.optimizers import Adam
from minidl.regularizers import L2
from minidl.testing import CertificationError, certify, certify_model, gradient_property, numerical_gradient

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))
Y = RNG.normal(size=(64, 1))


class Activity(Layer):
    """y = x, with the penalty factor * sum(x**2) / rows."""

    def __init__(self, factor=0.1):
        self.factor = factor

    def forward(self, x, training=False):
        self._x = x
        return x

    def own_loss(self):
        return self.factor * np.sum(self._x**2) / len(self._x)

    def backward(self, dy):
        return dy + 2 * self.factor * self._x / len(self._x)


class Gate(Layer):
    """y = x * p with p = softmax(gamma), and the penalty sum(p**2): balanced features cost least."""

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "glorot_uniform")
        return input_shape

    def forward(self, x, training=False):
        e = np.exp(self.gamma)
        self._x, self._p = x, e / e.sum()
        return x * self._p

    def own_loss(self):
        return np.sum(self._p**2)

    def backward(self, dy):
        dp = (dy * self._x).sum(axis=0) + 2 * self._p
        self.dgamma = self._p * (dp - (dp * self._p).sum())
        return dy * self._p


class Held(Layer):
    def __init__(self, part):
        self.part = part

    def build(self, input_shape):
        return self.part["inner"].declare(input_shape)

    def forward(self, x, training=False):
        return self.part["inner"].forward(x, training)

    def backward(self, dy):
        return self.part["inner"].backward(dy)


MODELS = {
    "activity": lambda: [Dense(3), Activity(), Dense(1)],
    "at the bottom": lambda: [Activity(), Dense(1)],
    "at the top": lambda: [Dense(1), Activity(0.3)],
    "parameters": lambda: [Gate(), Dense(1)],
    "two": lambda: [Gate(), Dense(3, kernel_regularizer=L2(0.1)), Activity(), Dense(1)],
    "inside a layer": lambda: [Residual(Dense(4), Activity()), Held({"inner": Gate()}), Dense(1)],
    "inside a model inside a layer": lambda: [Residual(Sequential([Dense(4), Activity()])), Gate(), Dense(1)],
    "inside a model": lambda: [Sequential([Dense(3), Activity()]), Dense(1)],
}


def own(model, x):
    """Return the own losses for these samples, by hand."""
    model.network.forward(x)
    return sum(part.own_loss() for _, part in model.network.parts if isinstance(part, (Activity, Gate)))


def mse(model, x, y):
    return np.mean((model.predict(x) - y) ** 2) + model.network.penalty()


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_an_own_loss_is_part_of_every_reported_loss(make):
    model = Sequential([Input((4,)), *make()], seed=0, dtype="float64")
    model.compile("sgd", "mse", metrics=["mse"])
    expected = mse(model, X, Y) + own(model, X)
    assert own(model, X) > 0.01
    np.testing.assert_allclose(model.evaluate(X, Y, batch_size=64, verbose=0)[0], expected, rtol=1e-12)
    parts = [(mse(model, x, y) + own(model, x)) / 4 for x, y in zip(np.split(X, 4), np.split(Y, 4), strict=True)]
    np.testing.assert_allclose(model.evaluate(X, Y, batch_size=16, verbose=0)[0], sum(parts), rtol=1e-12)
    np.testing.assert_allclose(model.trace(X, Y).loss, expected, rtol=1e-12)
    np.testing.assert_allclose(model.loss_and_gradients(X, Y)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(model.copy().train_on_batch(X, Y)[0], expected, rtol=1e-12)
    logs = model.fit(X, Y, batch_size=64, validation_data=(X, Y), verbose=0).history
    np.testing.assert_allclose(logs["loss"], [expected], rtol=1e-12)
    np.testing.assert_allclose(logs["val_loss"], [mse(model, X, Y) + own(model, X)], rtol=1e-12)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_gradients_of_a_model_contain_those_of_its_own_losses(make):
    model = Sequential([Input((4,)), *make()], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    values = model.parameters.values

    def loss(vector):
        before = values.copy()
        values[...] = vector
        result = model.loss_and_gradients(X, Y)[0]
        values[...] = before
        return np.array([result])

    expected, error = numerical_gradient(loss, values.copy(), np.ones(1))
    gradients = model.loss_and_gradients(X, Y)[1]
    assert np.all(np.abs(gradients - expected) <= error + 1e-10)
    assert error.max() < 1e-7


def test_an_own_loss_is_trained():
    model = Sequential([Input((4,)), Dense(3), Activity(10.0), Dense(1)], seed=0)
    model.compile(Adam(0.05), "mse")
    losses = model.fit(X, Y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_lbfgs_minimises_own_losses():
    model = Sequential([Input((4,)), Gate(), Dense(1)], seed=0, dtype="float64")
    model.compile("lbfgs", "mse")
    model.fit(X, Y, epochs=30, verbose=0)
    assert np.abs(model.loss_and_gradients(X, Y)[1]).max() < 1e-3


def test_evaluating_during_training_leaves_its_own_losses_unchanged():
    model = Sequential([Input((4,)), Dropout(0.5), Activity(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.forward(X[:8], training=True)
    before = model.layers[1].own_loss()
    model.evaluate(X, Y, verbose=0)
    assert model.layers[1].own_loss() == before


@pytest.mark.parametrize("value", [None, np.ones(3), "0.1", True, 1j])
def test_an_own_loss_that_is_no_number_is_named(value):
    class Wrong(Activity):
        def own_loss(self):
            return value

    model = Sequential([Input((4,)), Wrong(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(LayerError, match=r"Wrong 'wrong' \(layer 0\): own_loss: expected it to return a number, got"):
        model.train_on_batch(X, Y)


def test_an_own_loss_that_is_not_finite_is_named():
    class Endless(Activity):
        def own_loss(self):
            return np.inf

    model = Sequential([Input((4,)), Endless(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(NonFiniteError, match=r"the own loss of Endless 'endless' \(layer 0\)"):
        model.fit(X, Y, verbose=0)


def test_an_own_loss_that_is_finite_is_not_blamed_for_a_gradient_that_is_not():
    class Broken(Layer):
        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy * np.float32(np.nan)

    model = Sequential([Input((4,)), Dense(4), Broken(), Activity(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(NonFiniteError, match=r"not finite is the dx that backward of Broken 'broken' \(layer 1\)"):
        model.fit(X, Y, verbose=0)


def test_an_output_that_is_not_finite_is_named_before_an_own_loss():
    class Endless(Activity):
        def own_loss(self):
            return np.inf

    model = Sequential([Input((4,)), Dense(4, kernel_initializer="ones"), Endless(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(NonFiniteError, match=r"not finite is the output of Dense 'dense' \(layer 0\)\. "):
        model.fit(np.full_like(X, 3e38), Y, verbose=0)


# Certificates


class Variational(Layer):
    """y = x + exp(s / 2) * noise, with the penalty KL(N(x, exp(s)) | N(0, 1)) / rows."""

    def build(self, input_shape):
        self.add_parameter("s", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        self._noise = self.rng.standard_normal(x.shape).astype(x.dtype) if training else np.zeros_like(x)
        return x + np.exp(self.s / 2) * self._noise

    def own_loss(self):
        return 0.5 * np.sum(self._x**2 + np.exp(self.s) - 1 - self.s) / len(self._x)

    def backward(self, dy):
        self.ds = 0.5 * np.exp(self.s / 2) * (dy * self._noise).sum(axis=0) + 0.5 * (np.exp(self.s) - 1)
        return dy + self._x / len(self._x)


class Forgotten(Gate):
    def backward(self, dy):
        dp = (dy * self._x).sum(axis=0)
        self.dgamma = self._p * (dp - (dp * self._p).sum())
        return dy * self._p


class Halved(Activity):
    def backward(self, dy):
        return dy + self.factor * self._x / len(self._x)


class ByOutputs(Activity):
    """Divides by the number of values in own_loss, and by that of samples in backward."""

    def own_loss(self):
        return self.factor * np.mean(self._x**2)


class Scaled(Activity):
    """The gradient of the own loss is multiplied by dy."""

    def backward(self, dy):
        return dy * (1 + 2 * self.factor * self._x / len(self._x))


RIGHT = [Activity(), Gate(), Variational(), Residual(Dense(3), Activity(), Dense(4)), Held({"inner": Gate()})]


@pytest.mark.parametrize("layer", RIGHT, ids=repr)
def test_a_layer_with_an_own_loss_is_certified(layer):
    certificate = certify(layer, input_shape=(4,))
    assert certificate.outcome == "PASS"
    assert certificate.verdicts["own loss/numeric"].outcome == "PASS"


@pytest.mark.parametrize(
    "layer", [Forgotten(), Halved(), ByOutputs(), Residual(Halved(), Dense(4)), Scaled()], ids=repr
)
def test_a_wrong_gradient_of_an_own_loss_is_found(layer):
    certificate = certify(layer, input_shape=(4,), on_fail="return")
    assert certificate.outcome == "FAIL"


def test_the_report_of_a_forgotten_gradient_names_the_own_loss():
    report = str(certify(Forgotten(), input_shape=(4,), on_fail="return"))
    assert "own loss" in report
    assert "dgamma" in report


def test_a_wrong_gradient_of_an_own_loss_is_found_in_a_model():
    model = Sequential([Input((4,)), Gate(), Dense(3), Halved(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(CertificationError, match="halved"):
        certify_model(model, X, Y)
    model = Sequential([Input((4,)), Gate(), Dense(3), Activity(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    assert certify_model(model, X, Y).outcome == "PASS"


def test_the_property_test_finds_a_wrong_gradient_of_an_own_loss():
    gradient_property(Gate(), max_examples=10)()
    gradient_property(Residual(Activity()), max_examples=10)()
    for wrong in (Forgotten(), Halved()):
        with pytest.raises(AssertionError):
            gradient_property(wrong, max_examples=10)()

"""Targets of another width than the outputs: losses of distributions."""

import numpy as np
import pytest

from minidl import Dense, Input, Loss, Sequential, ShapeError
from minidl.losses import MeanSquaredError
from minidl.testing import certify_loss, gradient_property

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 3))
Y = X[:, :1] + np.exp(X[:, 1:2]) * RNG.normal(size=(256, 1))


class Gaussian(Loss):
    """mean(z**2 / 2 + s), z = (y - m) exp(-s): minus the log likelihood of means m and log standard deviations s."""

    def columns(self, outputs):
        return outputs // 2

    def forward(self, y_pred, y_true, sample_weight=None):
        self._m, self._s = np.split(y_pred, 2, axis=1)
        self._z = (y_true - self._m) * np.exp(-self._s)
        return self.mean(self._z**2 / 2 + self._s, sample_weight)

    def backward(self):
        z, s = self._z, self._s
        return np.concatenate([self.share(-z * np.exp(-s)), self.share(1 - z**2)], axis=1)


class Mixture(Loss):
    """Minus the log likelihood of one target in a mixture of unit normals with equal weights at the outputs."""

    def columns(self, outputs):
        return 1

    def forward(self, y_pred, y_true, sample_weight=None):
        self._d = y_true - y_pred
        logs = -0.5 * self._d**2
        top = logs.max(axis=1, keepdims=True)
        e = np.exp(logs - top)
        self._r = e / e.sum(axis=1, keepdims=True)
        return self.mean(-(top[:, 0] + np.log(e.mean(axis=1))), sample_weight)

    def backward(self):
        return self.share(-self._r * self._d)


class Wrong(Gaussian):
    def backward(self):
        return np.concatenate([self.share(-self._z * np.exp(-self._s)), self.share(1 - self._z)], axis=1)


def fitted(loss, outputs, y, epochs=1):
    model = Sequential([Input((3,)), Dense(outputs)], seed=0)
    model.compile("adam", loss)
    model.fit(X, y, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["a column", "a vector"])
@pytest.mark.parametrize(("loss", "outputs"), [(Gaussian(), 2), (Mixture(), 4)])
def test_targets_have_as_many_columns_as_the_loss_says(loss, outputs, y):
    model = fitted(loss, outputs, y)
    expected = type(loss)().forward(model.predict(X), Y.astype("float32"))
    assert model.evaluate(X, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_several_columns_of_targets_fit_twice_as_many_outputs():
    model = fitted(Gaussian(), 4, np.hstack([Y, -Y]))
    with pytest.raises(ShapeError, match=r"y: expected shape \(256, 2\), as gaussian takes it for these rows, got"):
        model.evaluate(X, np.hstack([Y] * 4), verbose=0)


def test_a_loss_without_columns_expects_those_of_the_outputs():
    with pytest.raises(ShapeError, match=r"y: expected shape \(256, 2\), as the model's output for these rows, got"):
        fitted(MeanSquaredError(), 2, Y)


def test_validation_and_weights_work_with_columns():
    model = Sequential([Input((3,)), Dense(2)], seed=0, dtype="float64")
    model.compile("adam", Gaussian())
    logs = model.fit(X, Y, sample_weight=np.full(256, 2.0), batch_size=256, validation_data=(X, Y), verbose=0).history
    expected = Gaussian().forward(model.predict(X), Y)
    assert logs["val_loss"][0] == pytest.approx(expected, rel=1e-12)
    assert logs["loss"][0] > 1.9 * expected


def test_a_gaussian_finds_the_spread():
    model = Sequential([Input((3,)), Dense(2)], seed=0)
    model.compile("lbfgs", Gaussian())
    model.fit(X, Y, epochs=50, verbose=0)
    np.testing.assert_allclose(model.layers[0].W[:, 1], [0, 1, 0], atol=0.2)


@pytest.mark.parametrize("loss", [Gaussian(), Mixture()], ids=repr)
def test_a_loss_with_columns_is_certified(loss):
    assert certify_loss(loss).outcome == "PASS"
    gradient_property(loss, max_examples=20)()


def test_a_wrong_loss_with_columns_is_found():
    certificate = certify_loss(Wrong(), on_fail="return")
    assert certificate.outcome == "FAIL"
    with pytest.raises(AssertionError):
        gradient_property(Wrong(), max_examples=20)()


def test_segments_name_the_parameters_from_the_start():
    model = Sequential([Input((3,)), Dense(2), Dense(1, name="top", use_bias=False)])
    model.compile("adam", "mse")
    expected = {"dense/W": slice(0, 6), "dense/b": slice(6, 8), "top/W": slice(8, 10)}
    assert model.optimizer.segments == expected
    unbuilt = Sequential([Dense(2)])
    unbuilt.compile("adam", "mse")
    unbuilt.build((3,))
    unbuilt.train_on_batch(X, X[:, :2])
    assert unbuilt.optimizer.segments == {"dense/W": slice(0, 6), "dense/b": slice(6, 8)}

"""Losses, whole models, bare functions, and the command line of the certification kit."""

import json

import numpy as np
import pytest

from minidl import Input, Sequential, losses
from minidl.errors import ArgumentError, StateError
from minidl.layers import Dense, Dropout, Layer, ReLU, Sigmoid, Softmax, Tanh
from minidl.losses import Loss
from minidl.testing import CertificationError, certify_loss, certify_model, gradient_check
from minidl.testing.__main__ import main

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((20, 4)), RNG.integers(0, 3, 20)


class Squares(Loss):
    """Right."""

    def forward(self, y_pred, y_true, sample_weight=None):
        self._d = y_pred - y_true
        return self.mean(self._d**2, sample_weight)

    def backward(self):
        return self.share(2 * self._d)


class NoMean(Squares):
    def backward(self):
        return 2 * self._d


class NoWeights(Squares):
    def backward(self):
        return 2 * self._d / self._d.size


class SameBuffer(Squares):
    def backward(self):
        buffer = self.__dict__.get("_out")
        if buffer is None or buffer.shape != self._d.shape or buffer.dtype != self._d.dtype:
            self._out = buffer = np.empty_like(self._d)
        buffer[...] = super().backward()
        return buffer


class WritesTargets(Squares):
    def forward(self, y_pred, y_true, sample_weight=None):
        y_true *= 1
        return super().forward(y_pred, y_true, sample_weight)


class Clipped(Loss):
    """Right on probabilities, which it cannot say but by clipping."""

    def forward(self, y_pred, y_true, sample_weight=None):
        self._p, self._y = np.clip(y_pred, 1e-7, 1 - 1e-7), y_true
        return self.mean(-y_true * np.log(self._p), sample_weight)

    def backward(self):
        return self.share(-self._y / self._p)


class Cubed(Layer):
    """Wrong: the factor 3 is missing."""

    def forward(self, x, training=False):
        self._x = x
        return x**3

    def backward(self, dy):
        return dy * self._x**2


def compiled(*layers, loss="sparse_categorical_crossentropy"):
    model = Sequential([Input((4,)), *layers], seed=0)
    model.compile(loss=loss)
    return model


@pytest.mark.parametrize("loss", [Squares(), Clipped()], ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_a_right_loss_passes(loss, seed):
    assert certify_loss(loss, seed=seed).outcome == "PASS"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (NoMean(), "batch"),
        (NoWeights(), "weights='random'"),
        (SameBuffer(), "same buffer"),
        (WritesTargets(), "forward writes into its input"),
    ],
    ids=repr,
)
def test_a_wrong_loss_is_objected_to(loss, message):
    with pytest.raises(CertificationError, match=message) as error:
        certify_loss(loss)
    assert len(error.value.certificate.findings) == 1
    place = error.value.certificate.findings[0].where
    assert "test_testing_models.py" in place or "same buffer" in message


def test_the_loss_given_stays_unchanged():
    loss = losses.Huber()
    before = dict(vars(loss))
    certify_loss(loss, level="quick")
    assert vars(loss) == before


@pytest.mark.parametrize("given", [Squares, "mse", Dense(3)])
def test_only_instances_of_losses_are_taken(given):
    with pytest.raises(ArgumentError, match="certify_loss: expected an instance of a Loss"):
        certify_loss(given)


def test_a_right_model_is_certified_layer_by_layer():
    model = compiled(Dense(5, activation="relu"), Dropout(0.3), Dense(3), Softmax())
    certificate = certify_model(model, X, LABELS)
    assert certificate.outcome == "PASS"
    assert "dense/here" in certificate.verdicts
    assert "softmax/linear-in-u" in certificate.verdicts


def test_the_wrong_layer_of_a_model_is_named_and_no_other():
    model = compiled(Dense(5), Tanh(), Cubed(), Dense(3), Softmax())
    before = model.parameters.values.copy()
    with pytest.raises(CertificationError) as error:
        certify_model(model, X, LABELS)
    assert [finding.check for finding in error.value.certificate.findings] == ["cubed/here"]
    assert "Cubed.backward, test_testing_models.py" in str(error.value)
    assert np.array_equal(model.parameters.values, before)


@pytest.mark.parametrize("seed", range(10))
def test_a_right_model_passes_on_data_with_zeros_and_dead_units(seed):
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.standard_normal((12, 4)), 0) * 16
    model = compiled(Dense(6, activation="relu"), Dense(4, activation="sigmoid"), Dense(1), Sigmoid(), loss="bce")
    assert certify_model(model, x, rng.integers(0, 2, (12, 1))).outcome in ("PASS", "UNVERIFIED")


def test_certify_model_wants_a_compiled_model():
    with pytest.raises(ArgumentError, match="expected a Sequential"):
        certify_model(Dense(3), X, LABELS)
    with pytest.raises(StateError, match="compile"):
        certify_model(Sequential([Input((4,)), ReLU()]), X, LABELS)


def test_bare_functions_are_checked():
    x = RNG.standard_normal((3, 2))
    assert gradient_check(lambda x: np.sum(x**2), lambda x: 2 * x, x)
    assert gradient_check(np.tanh, lambda x, dy: dy / np.cosh(x) ** 2, x)
    wrong = gradient_check(np.tanh, lambda x, dy: dy * (1 - np.tanh(x)), x)
    assert wrong.findings[0].target == "dx"
    with pytest.raises(CertificationError):
        gradient_check(np.tanh, lambda x, dy: dy, x, on_fail="raise")


def test_the_command_prints_a_line_for_each_and_writes_json(capsys, tmp_path):
    path = tmp_path / "out.json"
    code = main(["minidl.layers:Tanh", "minidl.losses:MeanSquaredError", "--level", "quick", "--json", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.split("   ")[:2] for line in lines] == [
        ["certify(Tanh())", "PASS"],
        ["certify_loss(MeanSquaredError())", "PASS"],
    ]
    assert [entry["outcome"] for entry in json.loads(path.read_text())] == ["PASS", "PASS"]


def test_the_command_fails_where_a_layer_does(capsys, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from minidl.layers import Layer\n"
        "class Half(Layer):\n"
        "    def forward(self, x, training=False):\n        return x / 2\n"
        "    def backward(self, dy):\n        return dy\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["mine", "--level", "quick"]) == 1
    assert "Half.backward, mine.py:6   return dy" in capsys.readouterr().out


def test_the_command_refuses_an_unknown_name():
    with pytest.raises(ArgumentError, match=r"expected a name in minidl\.layers, got 'Tahn'"):
        main(["minidl.layers:Tahn"])

"""Constraints: what they do to an array, and that a parameter keeps to its own after every step of training."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, constraints, load_model
from minidl.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from minidl.errors import ArgumentError, StateError

KERAS = json.loads((Path(__file__).parent / "keras_values.json").read_text(encoding="utf-8"))
X = np.random.default_rng(0).normal(size=(64, 4))
Y = X @ [[3.0], [-2.0], [1.0], [4.0]]


def network(**options):
    model = Sequential([Input((4,)), Dense(5, activation="tanh", **options), Dense(1)], seed=0, dtype="float64")
    model.compile(minidl.optimizers.Adam(0.1), "mse")
    return model


@pytest.mark.parametrize("case", KERAS["constraints"], ids=lambda case: f"{case['class']}-{case['arguments']}")
def test_the_values_are_those_of_keras(case):
    constraint = getattr(constraints, case["class"])(**case["arguments"])
    W = np.array(KERAS["data"]["real"])
    np.testing.assert_allclose(constraint(W), case["value"], rtol=1e-6)
    assert constraint(W.astype("float32")).dtype == np.float32


def test_keras_was_asked_about_every_constraint():
    public = {
        value for value in vars(constraints).values() if isinstance(value, type) and issubclass(value, Constraint)
    }
    assert {case["class"] for case in KERAS["constraints"]} == {cls.__name__ for cls in public - {Constraint}}


def test_a_parameter_keeps_to_its_constraint_after_every_step():
    model = network(kernel_constraint=MaxNorm(0.5), bias_constraint="non_neg")
    for _ in range(5):
        model.train_on_batch(X, Y)
        assert np.linalg.norm(model.layers[0].W, axis=0).max() <= 0.5 + 1e-12
        assert model.layers[0].b.min() >= 0
    assert np.linalg.norm(model.layers[1].W) > 0.5


def test_the_constraint_is_part_of_every_way_to_train():
    model = network(kernel_constraint=UnitNorm())
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(model.layers[0].W, axis=0), 1.0, rtol=1e-6)


def test_a_frozen_layer_is_not_changed():
    model = network(kernel_constraint=UnitNorm())
    model.layers[0].trainable = False
    before = model.layers[0].W.copy()
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[0].W, before)


def test_a_constraint_that_is_set_later_takes_effect():
    model = network()
    model.train_on_batch(X, Y)
    model.layers[0].kernel_constraint = NonNeg()
    model.train_on_batch(X, Y)
    assert model.layers[0].W.min() >= 0


def test_files_and_copies_keep_the_constraint(tmp_path):
    model = network(kernel_constraint=MinMaxNorm(0.2, 0.4, axis=0))
    model.train_on_batch(X, Y)
    model.save(tmp_path / "m.safetensors")
    twins = [copy.copy(model), load_model(tmp_path / "m.safetensors")]
    model.train_on_batch(X, Y)
    for twin in twins:
        twin.train_on_batch(X, Y)
        np.testing.assert_array_equal(twin.layers[0].W, model.layers[0].W)


def test_a_layer_of_a_user_has_constraints():
    class Scale(minidl.Layer):
        def build(self, input_shape):
            self.add_parameter("gamma", input_shape, "ones", constraint=NonNeg())
            return input_shape

        def forward(self, x, training=False):
            self._x = x
            return x * self.gamma

        def backward(self, dy):
            self.dgamma = (dy * self._x).sum(axis=0)
            return dy * self.gamma

    model = Sequential([Input((4,)), Scale(), Dense(1)], seed=0)
    model.compile(minidl.optimizers.SGD(10.0), "mse")
    model.train_on_batch(X, Y)
    assert model.layers[0].gamma.min() == 0


def test_a_solver_refuses_constraints():
    model = network(kernel_constraint=NonNeg())
    model.compile("lbfgs", "mse")
    with pytest.raises(StateError, match=r"LBFGS has no constraints\. Use another optimizer"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MaxNorm(0), "MaxNorm: max_value: expected a finite number > 0, got 0"),
        (lambda: MaxNorm(axis="rows"), "MaxNorm: axis: expected an integer, got 'rows'"),
        (lambda: UnitNorm(axis=[]), r"UnitNorm: axis: expected an integer, got \[\]"),
        (lambda: MinMaxNorm(2.0, 1.0), "MinMaxNorm: max_value: expected a finite number >= 2, got 1"),
        (lambda: MinMaxNorm(rate=2), "MinMaxNorm: rate"),
        (lambda: Dense(3, kernel_constraint="maxnrm"), r"Dense: kernel_constraint: .*Did you mean 'max_norm'\?"),
        (lambda: Dense(3, bias_constraint=NonNeg), r"got the class NonNeg\. Write NonNeg\(\)"),
    ],
)
def test_a_wrong_argument_is_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()

"""Layers: the contract, parameters as views, copies, and what each kind computes."""

import copy
import inspect
import pickle
from typing import Unpack

import numpy as np
import pytest

import minidl
from minidl import Dense, Dropout, Flatten, Input, Layer, LeakyReLU, ReLU, Reshape, Sequential, Sigmoid, Softmax, Tanh
from minidl.errors import ArgumentError, CacheError, LayerError, ShapeError
from minidl.layers import Activation
from minidl.layers.allocation import allocate
from minidl.typing import LayerOptions

RNG = np.random.default_rng(0)


class Scale(Layer):
    """The user's whole layer of the documentation."""

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return self.gamma * x

    def backward(self, dy):
        self.dgamma = (dy * self._x).sum(axis=0)
        return dy * self.gamma


class Named(Layer):
    def __init__(self, name_of_parameter):
        self.name_of_parameter = name_of_parameter

    def build(self, input_shape):
        self.add_parameter(self.name_of_parameter, input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


class Running(Layer):
    """A layer with state: subtracts a running mean that only training moves."""

    def __init__(self, momentum=0.9):
        self.momentum = momentum

    def build(self, input_shape):
        self.add_state("mean", input_shape)
        return input_shape

    def forward(self, x, training=False):
        if training:
            self.mean = self.momentum * self.mean + (1 - self.momentum) * x.mean(axis=0)
        return x - self.mean

    def backward(self, dy):
        return dy


class Residual(Layer):
    """A wrapper: y = x + inner(x)."""

    def __init__(self, inner):
        self.inner = inner

    def build(self, input_shape):
        return self.inner.declare(input_shape)

    def forward(self, x, training=False):
        return x + self.inner.forward(x, training)

    def backward(self, dy):
        return dy + self.inner.backward(dy)


def built(layer, shape=(4,), dtype="float64"):
    layer.declare(shape)
    allocate({"layer": layer}, np.random.default_rng(0), dtype)
    return layer


def test_parameters_are_views_into_the_flat_vectors():
    model = Sequential([Input((3,)), Dense(2), Scale()], seed=0)
    model.parameters.values[:] = np.arange(10)
    assert model[0].W.tolist() == [[0, 1], [2, 3], [4, 5]]
    model[1].gamma = [7, 9]
    assert model.parameters.values[-2:].tolist() == [7, 9]
    assert list(model.parameters) == ["dense/W", "dense/b", "scale/gamma"]


def test_assignment_never_broadcasts():
    layer = built(Dense(3))
    before = layer.W.copy()
    for name, wrong in [("W", 0.0), ("W", np.zeros(3)), ("db", np.float64(2.0)), ("dW", np.zeros((4, 1)))]:
        with pytest.raises(ShapeError, match=rf"Dense: {name}: expected shape"):
            setattr(layer, name, wrong)
    assert np.array_equal(layer.W, before)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), Layer.copy])
def test_a_copy_computes_the_same_and_holds_no_cache(duplicate):
    layer = built(Dense(3))
    x = RNG.normal(size=(5, 4))
    y = layer.forward(x)
    layer.backward(y)
    twin = duplicate(layer)
    assert not [name for name in vars(twin) if name.startswith("_")]
    assert np.array_equal(twin.forward(x), y)
    twin.W = np.zeros((4, 3))
    assert np.array_equal(layer.forward(x), y)


def test_a_custom_layer_needs_nothing_more_for_copies_summary_and_freezing():
    model = Sequential([Input((3,)), Scale(name="stretch", trainable=False), Dense(1)], seed=0)
    assert model["stretch"].gamma.tolist() == [1, 1, 1]
    model.compile("sgd", "mse")
    model.fit(RNG.normal(size=(8, 3)), RNG.normal(size=8), verbose=0)
    assert model["stretch"].gamma.tolist() == [1, 1, 1]
    model["stretch"].trainable = True
    model.fit(RNG.normal(size=(8, 3)), RNG.normal(size=8), verbose=0)
    assert (model["stretch"].gamma != 1).all()


def test_a_layer_shows_the_arguments_of_its_constructor_and_those_that_all_share():
    class Power(Scale):
        def __init__(self, exponent, *, offset=0.0):
            self.exponent, self.offset = exponent, offset

    shared = ["name", "trainable"]
    assert list(inspect.signature(Power).parameters) == ["exponent", "offset", *shared]
    assert list(inspect.signature(Scale).parameters) == shared
    assert list(inspect.signature(Dense).parameters)[:2] == ["units", "activation"]
    inspect.signature(Power).bind(2, name="square")  # what it shows is what it takes
    assert Power(2, name="square").name == "square"


class Shift(Scale):
    def __init__(self, offset, **options: Unpack[LayerOptions]):
        self.offset, self.options = offset, options


class Late(Scale):  # as with `from __future__ import annotations`
    def __init__(self, offset, **options: "Unpack[LayerOptions]"):
        self.offset, self.options = offset, options


@pytest.mark.parametrize("kind", [Shift, Late])
def test_a_constructor_may_take_the_options_of_all_layers_and_gets_none(kind):
    assert list(inspect.signature(kind).parameters) == ["offset", "name", "trainable"]
    layer = kind(2, name="shift", trainable=False)
    assert (layer.offset, layer.name, layer.trainable, layer.options) == (2, "shift", False, {})


@pytest.mark.parametrize("kind", [Shift, Late])
def test_a_constructor_with_options_refuses_a_misspelt_argument(kind):
    with pytest.raises(ArgumentError, match=rf"^{kind.__name__} has no argument 'ofset': .* Did you mean 'offset'\?"):
        kind(2, ofset=3)


def test_a_constructor_with_options_may_be_decorated():
    class Decorated(Scale):
        @np.errstate(all="ignore")
        def __init__(self, offset, **options: Unpack[LayerOptions]):
            self.offset = offset

    assert Decorated(offset=2, name="shift").offset == 2


def test_state_changes_in_training_only_and_not_when_frozen():
    model = Sequential([Input((2,)), Running(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x, y = RNG.normal(1, 1, (64, 2)), RNG.normal(size=64)
    model.predict(x)
    model.evaluate(x, y, verbose=0)
    assert (model["running"].mean == 0).all()
    model.fit(x, y, verbose=0)
    moved = model["running"].mean.copy()
    assert (moved != 0).all()
    model["running"].trainable = False
    model.fit(x, y, verbose=0)
    assert np.array_equal(model["running"].mean, moved)
    assert len(model.get_weights()) == 3
    assert model.count_params() == 3


def test_layers_inside_a_wrapper_are_trained_and_found():
    model = Sequential([Input((3,)), Residual(Dense(3)), Dense(1)], seed=0)
    assert list(model.parameters) == ["residual/inner/W", "residual/inner/b", "dense/W", "dense/b"]
    before = model[0].inner.W.copy()
    model.compile("sgd", "mse")
    model.fit(RNG.normal(size=(8, 3)), RNG.normal(size=8), verbose=0)
    assert (before != model[0].inner.W).any()
    twin = copy.deepcopy(model)
    twin[0].inner.W = np.zeros((3, 3))
    assert (model[0].inner.W != 0).any()


def test_backward_before_forward_is_a_clear_error():
    with pytest.raises(CacheError, match="Dense: _x: expected a forward pass"):
        built(Dense(2)).backward(np.ones((1, 2)))


def test_dense_refuses_inputs_of_another_width():
    with pytest.raises(ShapeError, match=r"expected input of shape \(batch, 4\), got \(2, 3\)"):
        built(Dense(2)).forward(np.ones((2, 3)))


@pytest.mark.parametrize("units", [0, -1, 2.5, True, "8", None])
def test_dense_refuses_units_that_are_no_count(units):
    with pytest.raises(ArgumentError, match="Dense: units: expected an integer of at least 1"):
        Dense(units)


def test_dense_keeps_its_activation():
    model = Sequential([Input((2,)), Dense(3, activation="relu", name="hidden"), Dense(1, "sigmoid")], seed=0)
    assert [layer.name for layer in model.layers] == ["hidden", "dense"]
    assert isinstance(model[0].activation, ReLU)
    assert isinstance(model[1].activation, Sigmoid)
    x = RNG.normal(size=(5, 2)).astype("float32")
    assert np.array_equal(model[0](x), np.maximum(x @ model[0].W + model[0].b, 0))
    assert np.array_equal(model[1](model[0](x)), model.predict(x))


def test_the_network_runs_dense_and_its_activation_one_by_one():
    model = Sequential([Input((2,)), Dense(3, activation="relu"), Dense(1, "sigmoid")], seed=0)
    assert model.network.names == ("dense", "dense/activation", "dense_1", "dense_1/activation")
    assert model.network.layers[1].label == "ReLU (in Dense 'dense', layer 0)"


def test_one_activation_object_belongs_to_one_layer():
    shared = ReLU()
    with pytest.raises(ArgumentError, match=r"ReLU \(in Dense 'dense', layer 0\): this layer already belongs"):
        Sequential([Dense(3, activation=shared), Dense(2, activation=shared)])


def test_activation_by_name_is_the_layer():
    assert isinstance(Activation("leaky_relu"), LeakyReLU)
    assert isinstance(Activation("LeakyReLU"), LeakyReLU)
    with pytest.raises(ArgumentError, match="Did you mean 'sigmoid'"):
        Activation("sigmod")


def test_regularizers_are_part_of_loss_and_gradient():
    plain = Sequential([Input((2,)), Dense(1)], seed=0, dtype="float64")
    heavy = Sequential([Input((2,)), Dense(1, kernel_regularizer=minidl.regularizers.L2(0.3))], seed=0, dtype="float64")
    x, y = RNG.normal(size=(5, 2)), RNG.normal(size=5)
    for model in (plain, heavy):
        model.compile("sgd", "mse")
    loss, gradient = plain.loss_and_gradients(x, y)
    loss_heavy, gradient_heavy = heavy.loss_and_gradients(x, y)
    W = plain[0].W
    assert loss_heavy == pytest.approx(loss + 0.3 * (W**2).sum(), rel=1e-14)
    np.testing.assert_allclose(gradient_heavy[:2] - gradient[:2], 0.6 * W.ravel(), rtol=1e-12)
    assert heavy.evaluate(x, y, verbose=0) == pytest.approx(loss_heavy, rel=1e-14)


def test_relu_and_leaky_relu_have_slope_one_at_zero():
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    for layer in (ReLU(), LeakyReLU()):
        layer.forward(zero)
        assert layer.backward(one) == 1


def test_relu_takes_slope_zero_at_zero_on_request():
    layer = ReLU(slope_at_zero=0)
    layer.forward(np.array([[0.0, -0.0, 1e-300, -1.0]]))
    assert layer.backward(np.ones((1, 4))).tolist() == [[0, 0, 1, 0]]
    with pytest.raises(ArgumentError, match="slope_at_zero: expected 0 or 1"):
        ReLU(slope_at_zero=2)


@pytest.mark.parametrize("kind", [Sigmoid, Tanh])
def test_derivatives_keep_their_digits_in_the_tails(kind):
    layer = kind()
    layer.forward(np.array([[-40.0, 40.0]]))
    expected = np.exp(-40.0) if kind is Sigmoid else 4 * np.exp(-80.0)
    np.testing.assert_allclose(layer.backward(np.ones((1, 2))), [[expected, expected]], rtol=1e-14)


def test_softmax_refuses_a_single_unit():
    with pytest.raises(ArgumentError, match="Use Sigmoid"):
        Sequential([Input((2,)), Dense(1), Softmax()])


def test_dropout_keeps_the_expectation_and_is_off_in_inference():
    layer = built(Dropout(0.25), (1000,))
    x = np.ones((200, 1000))
    y = layer.forward(x, training=True)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert np.array_equal(layer.backward(x), y)
    assert np.array_equal(layer.forward(x), x)
    assert np.array_equal(layer.backward(x), x)


def test_flatten_and_reshape_work_on_any_number_of_rows():
    for rows in (0, 1, 3):
        x = RNG.normal(size=(rows, 2, 6))
        assert built(Flatten(), (2, 6)).forward(x).shape == (rows, 12)
        layer = built(Reshape((3, -1)), (2, 6))
        assert layer.forward(x).shape == (rows, 3, 4)
        assert layer.backward(layer.forward(x)).shape == x.shape


def test_reshape_refuses_another_number_of_values():
    with pytest.raises(ShapeError, match="expected rows of 5 values"):
        Sequential([Input((4,)), Reshape((5,))])


class Forgetful(Scale):
    def backward(self, dy):
        return dy * self.gamma


class Silent(Scale):
    def backward(self, dy):
        self.dgamma = (dy * self._x).sum(axis=0)


class Narrow(Scale):
    def backward(self, dy):
        return super().backward(dy)[:, :1]


class Vandal(Scale):
    def forward(self, x, training=False):
        x *= 2
        return super().forward(x)


class Upcaster(Scale):
    def forward(self, x, training=False):
        return super().forward(x) * np.float64(1)


class Mute(Scale):
    def forward(self, x, training=False):
        super().forward(x)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Forgetful, r"Forgetful 'forgetful' \(layer 1\): backward: expected it to set self.dgamma"),
        (Silent, "backward: expected it to return an array, got NoneType"),
        (Narrow, r"backward: expected it to return shape \(4, 3\), got \(4, 1\)"),
        (Vandal, "forward: expected its argument to stay unchanged"),
        (Upcaster, "forward: expected it to return float32, as it was given, got float64"),
        (Mute, "forward: expected it to return an array, got NoneType"),
    ],
)
def test_the_first_step_names_the_layer_that_breaks_the_contract(kind, words):
    model = Sequential([Input((3,)), Dense(3), kind(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    before = model.parameters.values.copy()
    with pytest.raises(LayerError, match=words):
        model.train_on_batch(RNG.normal(size=(4, 3)), RNG.normal(size=4))
    assert np.array_equal(model.parameters.values, before)


@pytest.mark.parametrize("name", ["_W", "name", "views", "build", "rng"])
def test_a_parameter_takes_no_name_that_the_layer_uses(name):
    with pytest.raises(ArgumentError, match=f"{name}: expected a name without a leading underscore"):
        Sequential([Input((3,)), Named(name)])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "silu", "gelu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_activation_of_the_largest_numbers_is_silent(name, dtype):
    layer, largest = Activation(name), np.finfo(dtype).max
    y = layer.forward(np.array([[-largest, -1e4, -0.0, 1e4, largest]], dtype))
    assert np.isfinite(y).all()
    assert np.isfinite(layer.backward(np.ones_like(y))).all()

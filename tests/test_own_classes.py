"""Classes of one's own that break their contract are named, with what is wrong about them."""

import numpy as np
import pytest

from minidl import (
    ArgumentError,
    CacheError,
    Dense,
    Dropout,
    Input,
    Layer,
    LayerError,
    NonFiniteError,
    Sequential,
    StateError,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from minidl.optimizers import schedules
from minidl.regularizers import Regularizer

X = np.random.default_rng(0).standard_normal((40, 4))
Y = X[:, :2] * 2


def net(*inner, optimizer="sgd", **options):
    model = Sequential([Input((4,)), *inner, Dense(2)], seed=0, **options)
    model.compile(optimizer, "mse")
    return model


class Same(Layer):
    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


def variant(base, **methods):
    """Return an object of a new class derived from ``base``."""
    return type("Mine", (base,), methods)()


class PlainLoss(losses.Loss):
    def forward(self, y_pred, y_true, sample_weight=None):
        return 0.0

    def backward(self):
        return 0.0


# Arguments of methods


@pytest.mark.parametrize(
    ("base", "name", "method", "got"),
    [
        (Same, "forward", lambda self, x: x, "(x, training), got (x)"),
        (Same, "forward", lambda self, x, mask, training=False: x, "(x, training), got (x, mask, training)"),
        (Same, "forward", lambda self, x, mask: x, "(x, training), got (x, mask)"),
        (Same, "backward", lambda self: 1, "(dy), got ()"),
        (Same, "backward", lambda self, dy, x: dy, "(dy), got (dy, x)"),
        (Same, "backward_parameters", lambda self: 1, "(dy), got ()"),
        (Same, "build", lambda self: (4,), "(input_shape), got ()"),
        (PlainLoss, "forward", lambda self, y_pred, y_true: 1, "(y_pred, y_true, sample_weight), got (y_pred, y_true)"),
        (PlainLoss, "backward", lambda self, dy: 1, "(), got (dy)"),
        (metrics.BinaryAccuracy, "update", lambda self, y: 1, "(y_true, y_pred, sample_weight), got (y)"),
        (optimizers.SGD, "update", lambda self, blocks: 1, "(blocks, rate), got (blocks)"),
        (initializers.Zeros, "__call__", lambda self, shape: 1, "(rng, shape, dtype), got (shape)"),
        (regularizers.L2, "penalty", lambda self: 1, "(W), got ()"),
        (callbacks.Callback, "on_epoch_end", lambda self, epoch: 1, "(epoch, logs), got (epoch)"),
        (callbacks.Callback, "on_train_begin", lambda self: 1, "(logs), got ()"),
    ],
)
def test_a_method_that_does_not_take_what_it_is_given_is_refused(base, name, method, got):
    with pytest.raises(LayerError) as caught:
        variant(base, **{name: method})
    assert str(caught.value) == f"Mine: {name}: expected the arguments {got}."


@pytest.mark.parametrize(
    ("base", "name", "method"),
    [
        (Same, "forward", lambda self, x, train=False: x),
        (Same, "forward", lambda self, x, is_training: x),
        (Same, "forward", lambda self, x, _: x),
        (Same, "forward", lambda self, *arrays: arrays[0]),
        (Same, "forward", lambda self, inputs, training=False, scale=2: inputs),
        (Same, "backward", lambda self, dy, scale=1: dy),
        (metrics.BinaryAccuracy, "update", lambda self, y_true, y_pred: 1),
        (callbacks.Callback, "on_epoch_end", lambda self, *arguments: 1),
        (callbacks.Callback, "on_epoch_end", lambda self, epoch, logs, more=None: 1),
    ],
)
def test_a_method_may_call_its_arguments_as_it_likes(base, name, method):
    assert variant(base, **{name: method})


@pytest.mark.parametrize("name", ["on_epoch_ends", "on_epochend", "on_train_batch_ended", "on_test_batch_start"])
def test_a_hook_that_does_not_exist_is_refused(name):
    with pytest.raises(ArgumentError, match=f"Mine: {name}: expected the name of a hook. Did you mean 'on_"):
        variant(callbacks.Callback, **{name: lambda self, epoch, logs=None: None})


@pytest.mark.parametrize("name", ["on_epoch_end", "on_batch_end"])
def test_a_hook_of_a_class_that_is_not_a_function_is_refused(name):
    with pytest.raises(ArgumentError, match=f"Mine: {name}: expected a function, got None"):
        variant(callbacks.Callback, **{name: None})


def test_a_hook_may_be_a_static_method_or_a_class_method():
    seen = []

    class Seen(callbacks.Callback):
        @staticmethod
        def on_epoch_begin(epoch, logs=None):
            seen.append(epoch)

        @classmethod
        def on_epoch_end(cls, epoch, logs=None):
            seen.append(cls)

    net().fit(X, Y, callbacks=[Seen()], verbose=0)
    assert seen == [0, Seen]


def test_hooks_of_batches_have_the_shorter_name_of_keras():
    class Count(callbacks.Callback):
        begun = ended = 0

        def on_batch_begin(self, batch, logs=None):
            self.begun += 1

        def on_batch_end(self, batch, logs=None):
            self.ended += logs["loss"] > 0

    count = Count()
    net().fit(X, Y, batch_size=10, callbacks=[count], verbose=0)
    assert (count.begun, count.ended) == (4, 4)


def test_an_argument_under_another_name_is_told_when_it_is_needed():
    class Other(Same):
        def __init__(self, factor):
            self.scale = factor

    layer = Other(3)
    with pytest.raises(ArgumentError, match=r"Other: expected its constructor to store the argument factor\. Write"):
        layer.get_config()
    layer.scale = 4
    assert layer.scale == 4


def test_a_cache_that_nothing_sets_is_distinguished():
    class Scale(Same):
        def forward(self, x, training=False):
            return x * self._factor

    with pytest.raises(CacheError, match=r"_factor: expected a forward pass before this call\. Set it in forward"):
        net(Scale()).fit(X, Y, verbose=0)


def test_building_an_inner_layer_by_hand_says_how():
    class Outer(Same):
        def build(self, input_shape):
            self.inner = Dense(3)
            self.inner.build(input_shape)
            return input_shape

    with pytest.raises(StateError, match=r"Dense: W: expected to be declared in build.* inner\.declare\(input_shape\)"):
        net(Outer())


# Numbers that are not finite


@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_layer_whose_backward_is_not_finite_is_named(first, bad):
    class Guilty(Same):
        passes = 0

        def backward(self, dy):
            self.passes += 1
            return dy * np.float32(bad if self.passes > first else 1)

    model = net(Dense(4), Guilty(name="guilty"), Dense(5, activation="relu"))
    with pytest.raises(NonFiniteError, match=r"not finite is the dx that backward of Guilty 'guilty' \(layer 1\)"):
        model.fit(X, Y, batch_size=10, verbose=0)


def test_a_regularizer_whose_gradient_is_not_finite_is_named():
    class Steep(Regularizer):
        def penalty(self, w):
            return 0.0

        def gradient(self, w):
            return np.full_like(w, np.inf)

    with pytest.raises(NonFiniteError, match="not finite is the gradient of a regularizer"):
        net(Dense(4, kernel_regularizer=Steep()), Dense(5)).fit(X, Y, verbose=0)


def test_the_gradient_that_is_not_finite_is_named():
    class Scale(Layer):
        def build(self, input_shape):
            self.add_parameter("gamma", input_shape, "ones")
            return input_shape

        def forward(self, x, training=False):
            return self.gamma * x

        def backward(self, dy):
            self.dgamma = dy.sum(axis=0) * np.float32(np.nan)
            return dy * self.gamma

    with pytest.raises(NonFiniteError, match="not finite is the gradient dgamma of layer 'middle'"):
        net(Dense(4), Scale(name="middle"), Dense(5)).fit(X, Y, verbose=0)


def test_a_loss_whose_backward_is_not_finite_is_named():
    class Broken(losses.MeanSquaredError):
        def backward(self):
            return super().backward() * np.float32(np.nan)

    model = net()
    model.compile("sgd", Broken())
    with pytest.raises(NonFiniteError, match=r"not finite is what Broken\.backward returns"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_initializer_that_is_not_finite_is_named_when_the_model_is_built(value):
    with pytest.raises(ArgumentError, match=r"Dense 'first' \(layer 0\): W: initializer: expected finite numbers for"):
        net(Dense(3, kernel_initializer=lambda rng, shape, dtype: np.full(shape, value, dtype), name="first"))


def test_an_initial_value_that_is_too_large_for_the_type_is_named():
    with pytest.raises(ArgumentError, match="b: initializer: expected finite numbers for float32, got inf"):
        net(Dense(3, bias_initializer=initializers.Constant(1e300)))
    assert net(Dense(3, bias_initializer=initializers.Constant(1e300)), dtype="float64")[0].b[0] == 1e300


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "rmsprop", "nadam"])
@pytest.mark.parametrize("size", [3e20, 1e21])
def test_a_step_whose_squares_overflow_is_refused_and_nothing_is_lost(optimizer, size):
    model = net(optimizer=optimizer)
    model.train_on_batch(X, Y)
    values, state = model.parameters.values.copy(), model.optimizer.get_state()
    with pytest.raises(NonFiniteError, match="the update overflowed float32"):
        model.train_on_batch(X, Y * size)
    np.testing.assert_array_equal(model.parameters.values, values)
    for name, array in model.optimizer.get_state().items():
        np.testing.assert_array_equal(array, state[name])
    model.train_on_batch(X, Y)


def test_squares_that_overflow_after_some_steps_are_refused():
    model = net(optimizer="adam")
    with pytest.raises(NonFiniteError, match="the update overflowed float32"):
        model.fit(X, Y * 3e18, epochs=200, verbose=0)
    assert all(np.isfinite(array).all() for array in model.optimizer.state.values())


# Solvers


@pytest.mark.parametrize("layer", [Dropout(0.5), layers.GaussianNoise(0.1)], ids=repr)
def test_a_solver_refuses_layers_that_draw_random_numbers(layer):
    with pytest.raises(StateError, match="fit: LBFGS: expected the same loss at the same point, got random numbers"):
        net(layer.copy(), optimizer="lbfgs").fit(X, Y, verbose=0)


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_batch_end"])
def test_a_solver_says_that_it_calls_no_hooks_of_batches(hook):
    callback = variant(callbacks.Callback, **{hook: lambda self, batch, logs=None: None})
    told = "fit: LBFGS: .* Mine has hooks for training batches, which are not called"
    with pytest.warns(UserWarning, match=told) as warned:
        net(optimizer="lbfgs").fit(X, Y, callbacks=[callback], verbose=0)
    assert warned[0].filename == __file__


def test_a_solver_trains_with_the_hooks_of_epochs_and_built_in_callbacks():
    seen = []
    watch = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    net(optimizer="lbfgs").fit(X, Y, epochs=2, callbacks=[watch, callbacks.TimeLimit(60)], verbose=1)
    assert seen == [0, 1]


# Nested models


def test_a_model_of_more_digits_is_not_nested():
    inner = Sequential([Input((4,)), Dense(4)], dtype="float64")
    with pytest.raises(ArgumentError, match=r"expected a model of float32, as around it, got one of float64, whose"):
        net(inner)
    assert net(inner, dtype="float64").parameters.values.dtype == np.float64


def test_a_model_of_fewer_digits_takes_those_of_the_whole():
    inner = Sequential([Input((4,)), Dense(2)], seed=0)
    inner.compile("sgd", "mse")
    weights = inner.get_weights()
    net(inner, dtype="float64")
    np.testing.assert_array_equal(inner.get_weights()[0], weights[0])
    inner.fit(X, Y, verbose=0)
    assert inner.dtype == "float64"


# Schedules


@pytest.mark.parametrize(
    ("schedule", "step", "rate"),
    [
        (schedules.ExponentialDecay(1e-8, 1, 2.0), 2000, np.inf),
        (schedules.ExponentialDecay(1e-300, 1, 2.0), 1030, 1e-300 * 2.0**1000 * 2.0**30),
        (schedules.ExponentialDecay(0.0, 1, 2.0), 2000, 0.0),
        (schedules.ExponentialDecay(1e-8, 1, 2.0, staircase=True), 10**6, np.inf),
        (schedules.ExponentialDecay(1.0, 1, 0.5), 10**6, 0.0),
        (schedules.InverseTimeDecay(1.0, 1, 1e308), 10**6, 0.0),
        (schedules.PolynomialDecay(1.0, 10, 0.5, power=300.0), 10**6, 0.5),
        (schedules.CosineDecay(1.0, 10), 10**300, 0.0),
        (schedules.OneCycle(1.0, total_steps=10), 10**300, 1 / 25 / 1e4),
    ],
)
def test_schedules_have_a_rate_for_every_step(schedule, step, rate):
    assert schedule(step) == pytest.approx(rate, rel=1e-12)


def test_a_rate_that_is_not_finite_is_named():
    optimizer = optimizers.SGD(schedules.ExponentialDecay(1e-8, 1, 2.0))
    optimizer.iterations = 2000
    with pytest.raises(ArgumentError, match="SGD: learning_rate of step 2000: expected a finite number >= 0, got inf"):
        optimizer.step(np.ones(1), np.ones(1))

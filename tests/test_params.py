"""Everything configured tells its arguments and takes new ones, nested ones as ``name__argument``."""

import copy

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, callbacks, losses, metrics, optimizers, regularizers
from minidl.optimizers import schedules


def scheduled():
    return optimizers.Adam(schedules.ExponentialDecay(0.1, 10, 0.5), beta_1=0.8)


def test_params_are_the_arguments_of_the_constructor():
    assert losses.Huber(2.0).get_params() == {"delta": 2.0}
    assert metrics.TopKCategoricalAccuracy(3).get_params()["k"] == 3
    assert callbacks.TimeLimit(60).get_params() == {"seconds": 60.0}


def test_nested_params_are_prefixed_with_the_name_of_their_owner():
    params = scheduled().get_params()
    assert params["beta_1"] == 0.8
    assert params["learning_rate__decay_steps"] == 10
    assert params["learning_rate"].get_params()["decay_rate"] == 0.5
    assert "learning_rate__decay_steps" not in scheduled().get_params(deep=False)


def test_a_model_names_the_params_of_its_layers():
    model = Sequential([Input((2,)), Dense(3, kernel_regularizer=regularizers.L2(0.5), name="hidden"), Dense(1)])
    params = model.get_params()
    assert (params["hidden__units"], params["dense__units"]) == (3, 1)
    assert params["hidden__kernel_regularizer__l2"] == 0.5


def test_setting_a_nested_param_takes_effect_in_training():
    optimizer = optimizers.SGD(schedules.ExponentialDecay(0.1, 10, 0.5))
    assert optimizer.set_params(learning_rate__initial_learning_rate=0.25, momentum=0.9) is optimizer
    values = np.ones(1)
    optimizer.step(values, np.ones(1))
    assert values == 0.75
    assert optimizer.momentum == 0.9


def test_nested_params_are_set_on_the_object_that_the_same_call_passes():
    layer = Dense(3).set_params(kernel_regularizer__l2=0.5, kernel_regularizer=regularizers.L2(0.1))
    assert layer.kernel_regularizer.l2 == 0.5


def test_an_unknown_param_is_refused_with_the_nearest_and_nothing_is_changed():
    optimizer = scheduled()
    with pytest.raises(minidl.ArgumentError, match=r"ExponentialDecay: set_params: .*Did you mean 'decay_steps'"):
        optimizer.set_params(beta_1=0.5, learning_rate__decay_rate=0.1, learning_rate__decay_step=3)
    assert optimizer.beta_1 == 0.8
    assert optimizer.learning_rate == 0.1
    assert vars(optimizer)["learning_rate"].decay_rate == 0.5
    with pytest.raises(minidl.ArgumentError, match="Did you mean 'beta_1'"):
        optimizer.set_params(beta1=0.5)


def test_a_nested_param_of_what_is_no_object_is_refused():
    with pytest.raises(minidl.ArgumentError, match=r"expected an object as kernel_regularizer, got 'l2'\. Pass an"):
        Dense(3, kernel_regularizer="l2").set_params(kernel_regularizer__l2=0.5)


def test_callbacks_show_their_arguments():
    assert repr(callbacks.EarlyStopping("loss", patience=3)) == "EarlyStopping(monitor='loss', patience=3)"
    assert repr(callbacks.TimeLimit(60)) == "TimeLimit(60.0)"
    assert repr(callbacks.ModelCheckpoint("m", keep_last=2)) == "ModelCheckpoint('m', keep_last=2)"
    assert (
        repr(callbacks.LambdaCallback(on_epoch_end=print)) == "LambdaCallback(on_epoch_end=<built-in function print>)"
    )
    assert repr(callbacks.CallbackList([callbacks.TimeLimit(1)], Sequential())) == "CallbackList([TimeLimit(1.0)])"


def test_callbacks_take_new_arguments_and_those_of_a_run():
    callback = callbacks.EarlyStopping()
    assert callback.set_params(patience=5) is callback
    callback.set_params({"epochs": 3})
    assert (callback.patience, callback.params) == (5, {"epochs": 3})
    with pytest.raises(minidl.ArgumentError, match="Did you mean 'patience'"):
        callback.set_params(patienc=5)


def test_a_callback_that_stores_nothing_has_a_repr():
    class Anything(callbacks.Callback):
        def __init__(self, path, *more, **others):
            self._path = path

    class Path(callbacks.Callback):
        def __init__(self, path, mode="w"):
            self._path = path

    assert repr(Anything("a")) == "Anything(...)"
    assert repr(Path("a")) == "Path(...)"


@pytest.mark.parametrize(
    "thing", [scheduled(), callbacks.EarlyStopping(patience=2), Dense(2, name="a"), losses.Huber()]
)
def test_copies_have_the_same_params(thing):
    assert repr(copy.deepcopy(thing)) == repr(thing)


def test_a_refused_value_leaves_everything_as_it_was():
    optimizer = scheduled()
    with pytest.raises(minidl.ArgumentError, match="beta_2"):
        optimizer.set_params(beta_1=0.5, learning_rate__decay_rate=0.25, beta_2=7)
    assert (optimizer.beta_1, vars(optimizer)["learning_rate"].decay_rate) == (0.8, 0.5)
    model = Sequential([Input((2,)), Dense(3, name="hidden"), Dense(1)], seed=0)
    before = model.predict(np.ones((1, 2)))
    with pytest.raises(minidl.MinidlError, match="units"):
        model.set_params(hidden__kernel_regularizer=regularizers.L2(0.5), dense__units=4)
    assert (model["hidden"].units, model["hidden"].kernel_regularizer, model.network.penalty()) == (3, None, 0)
    np.testing.assert_array_equal(model.predict(np.ones((1, 2))), before)

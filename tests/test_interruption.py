"""An interruption at any bytecode leaves a model and an optimizer of a whole step, and the next call works."""

import signal
import sys

import numpy as np
import pytest

from minidl import Dense, Input, Layer, Sequential, optimizers
from minidl.callbacks import LambdaCallback
from minidl.errors import StateError
from tests.faults import interruption
from tests.faults.interruption import X, Y, everything, new_model


@pytest.fixture(autouse=True)
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def tracer():
    """Give a tool that watches the tests, such as coverage, its place back."""
    before = sys.gettrace()
    yield
    sys.settrace(before)


def test_an_interruption_leaves_whole_steps_and_usable_models(tmp_path, tracer):
    failures, raised = interruption.campaign(tmp_path, 63, seed=1)
    assert not failures
    assert raised > 40


@pytest.mark.slow
def test_a_thousand_interruptions_leave_whole_steps_and_usable_models(tmp_path, tracer, record_property):
    failures, raised = interruption.campaign(tmp_path, 1008)
    record_property("figure", f"interruptions: {len(failures)} failures of 1,008, {raised} of which ended the call")
    assert not failures


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.Nadam, lambda: optimizers.SGD(0.1, momentum=0.9)])
@pytest.mark.parametrize("before", [0, 3])
def test_an_optimizer_that_is_interrupted_in_its_update_is_as_before(monkeypatch, make, before):
    model = new_model(make())
    for _ in range(before):
        model.train_on_batch(X, Y)
    whole, axpy = everything(model), None

    def interrupted(*arguments, **keywords):
        axpy(*arguments, **keywords)
        raise KeyboardInterrupt

    update = type(model.optimizer).update

    def update_and_interrupt(self, blocks, rate):
        nonlocal axpy
        axpy, self._axpy = self._axpy, interrupted
        try:
            update(self, blocks, rate)
        finally:
            self._axpy = axpy

    monkeypatch.setattr(type(model.optimizer), "update", update_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.train_on_batch(X, Y)
    monkeypatch.undo()
    assert everything(model) == whole
    model.train_on_batch(X, Y)
    assert model.optimizer.iterations == before + 1


class Count(Layer):
    """Counts its training passes in a state."""

    def build(self, input_shape):
        self.add_state("passes", (1,), "zeros")
        return input_shape

    def forward(self, x, training=False):
        if training:
            self.passes += 1
        return x

    def backward(self, dy):
        return dy


def test_a_solver_that_is_interrupted_has_the_layers_states_of_its_last_iteration():
    model = Sequential([Input((3,)), Count(), Dense(2, activation="softmax")], seed=0)
    model.compile("lbfgs", "sparse_categorical_crossentropy")
    states = []

    def look(epoch, logs):
        states.append(float(model.layers[0].passes[0]))
        if epoch == 2:
            model.trainer.objective.loss_and_gradients = interrupted

    def interrupted(*batch):
        model.layers[0].passes += 100
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=9, verbose=0, callbacks=LambdaCallback(on_epoch_end=look))
    assert len(states) == 3
    assert float(model.layers[0].passes[0]) == states[-1]


def test_a_second_control_c_waits_for_the_end_of_the_step(monkeypatch):
    model, seen = new_model(), []
    update = optimizers.Adam.update

    def press_twice(self, blocks, rate):
        interruption.press_control_c()
        interruption.press_control_c()
        update(self, blocks, rate)
        seen.append("whole")

    monkeypatch.setattr(optimizers.Adam, "update", press_twice)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0)
    assert seen == ["whole"]
    assert model.optimizer.iterations == 1


def test_a_third_control_c_does_not_wait(monkeypatch):
    model, pressed = new_model(), []

    def press(self, blocks, rate):
        for number in range(9):
            pressed.append(number)
            interruption.press_control_c()

    monkeypatch.setattr(optimizers.Adam, "update", press)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0)
    assert len(pressed) == 3


def test_a_run_whose_end_was_not_noted_is_no_obstacle():
    model = new_model()
    model.fit(X, Y, verbose=0)
    runs = []
    model.fit(
        X, Y, verbose=0, callbacks=LambdaCallback(on_epoch_end=lambda epoch, logs: runs.append(model.trainer.run))
    )
    model.trainer.run = runs[0]
    assert len(model.fit(X, Y, verbose=0).epoch) == 1


def test_a_model_that_is_being_trained_is_still_refused():
    model = new_model()
    again = LambdaCallback(on_epoch_end=lambda epoch, logs: model.fit(X, Y, verbose=0))
    with pytest.raises(StateError, match="this model is being trained already"):
        model.fit(X, Y, verbose=0, callbacks=again)


def test_the_campaign_notices_a_torn_step(tmp_path, tracer, monkeypatch):
    monkeypatch.setattr("minidl.training.trainer.SMALL", -1)
    monkeypatch.setattr(interruption, "calls", only("train_on_batch", interruption.calls))
    failures, _ = interruption.campaign(tmp_path, 120, seed=2)
    assert any("not a whole step" in what for *_, what in failures)


def only(name, calls):
    return lambda folder: {name: calls(folder)[name]}


def test_np_arrays_are_compared_by_their_bytes():
    model = new_model()
    before = everything(model)
    model.parameters.values[0] = np.nextafter(model.parameters.values[0], 9, dtype="float32")
    assert everything(model) != before

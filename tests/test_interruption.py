"""An interruption at any bytecode leaves a model and an optimizer of a whole step, and the next call works."""

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Dropout, Input, Layer, Sequential, optimizers
from minidl.callbacks import LambdaCallback
from minidl.errors import StateError
from minidl.numeric import SERIAL
from minidl.randomness import Randomness
from tests.faults import interruption
from tests.faults.interruption import AtBytecodes, X, Y, everything, new_model, raise_from_outside


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


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: optimizers.RMSprop(momentum=0.5, centered=True),
    "adagrad": optimizers.Adagrad,
    "adam": optimizers.Adam,
    "adam, each step rescaled": lambda: optimizers.Adam(beta_1=0.0),
    "adam, amsgrad": lambda: optimizers.Adam(amsgrad=True, clipnorm=0.1),
    "adamw": optimizers.AdamW,
    "adamax": optimizers.Adamax,
    "nadam": optimizers.Nadam,
    "lion": lambda: optimizers.Lion(weight_decay=0.1),
}
INSIDE = str(Path(minidl.optimizers.__file__).parent)


class Halving(optimizers.Optimizer):
    """Changes its arrays by operations that nothing counts."""

    def __init__(self, learning_rate=0.1):
        super().__init__(learning_rate)

    def initial_state(self, values):
        return {"mean": np.zeros_like(values)}

    def update(self, blocks, rate):
        for w, g, _, mean in blocks:
            mean += g
            mean /= 2
            w -= rate * mean


def step_of(make, size, before=1):
    """Return a function that makes an optimizer, takes ``before`` steps, and returns one more with what it changes."""
    rng = np.random.default_rng(1)
    start, gradients = rng.standard_normal((2, size), np.float32)

    def begin():
        values, optimizer = start.copy(), make()
        for _ in range(before):
            optimizer.step(values, gradients)

        def state():
            return [values.tobytes(), *(np.asarray(one).tobytes() for one in optimizer.get_state().values())]

        return lambda: optimizer.step(values, gradients), state

    return begin


def check_every_bytecode(begin, folder, act, every=1):
    """Interrupt the step at each bytecode; what is left must be the state before or the one after it."""
    begin()[0]()  # fills caches of functions
    step, state = begin()
    whole = [state()]
    with AtBytecodes(None, folder=folder) as counter:
        step()
    whole.append(state())
    assert whole[0] != whole[1]
    left = set()
    for number in range(1, counter.count + 1, every):
        step, state = begin()
        with pytest.raises(KeyboardInterrupt), AtBytecodes(act, number, folder=folder):
            step()
        sys.settrace(None)
        left.add(whole.index(state()))
        step()  # works again
    assert left == {0, 1}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("before", [0, 3])
def test_an_optimizer_that_is_interrupted_leaves_a_whole_step(tracer, make, before):
    check_every_bytecode(step_of(make, 5, before), INSIDE, raise_from_outside)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "momentum"])
def test_an_optimizer_that_is_interrupted_in_a_later_block_leaves_a_whole_step(tracer, name):
    check_every_bytecode(step_of(OPTIMIZERS[name], 2 * SERIAL + 5), INSIDE, raise_from_outside, every=5)


def test_a_custom_optimizer_that_is_interrupted_is_as_before(tracer):
    check_every_bytecode(step_of(Halving, SERIAL + 5), __file__, raise_from_outside)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "lion"])
def test_an_interruption_of_a_large_network_leaves_a_whole_step(tracer, name):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 300), np.float32), rng.integers(0, 9, 8)

    def begin():
        layers = [Input((300,)), Dense(350, "relu"), Dropout(0.1), Dense(9, "softmax")]
        model = Sequential(layers, seed=0)
        model.compile(OPTIMIZERS[name](), "sparse_categorical_crossentropy")
        assert model.count_params() > 100_000
        model.train_on_batch(x, y)
        return lambda: model.train_on_batch(x, y), lambda: everything(model)

    check_every_bytecode(begin, interruption.PACKAGE, raise_from_outside, every=41)


def test_frozen_and_constrained_values_are_whole_after_an_interruption(tracer):
    def begin():
        layers = [Input((3,)), Dense(4, "tanh", kernel_constraint="unit_norm"), Dense(4, "tanh"), Dense(2, "softmax")]
        model = Sequential(layers, seed=0)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.train_on_batch(X, Y)
        model.layers[1].trainable = False
        return lambda: model.train_on_batch(X, Y), lambda: everything(model)

    check_every_bytecode(begin, str(Path(minidl.training.__file__).parent), raise_from_outside)


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
    def never_back(self, value):
        vars(self)["passes"] = max(value, vars(self).get("passes", 0))

    monkeypatch.setattr(
        Randomness, "passes", property(lambda self: vars(self).get("passes", 0), never_back), raising=False
    )
    monkeypatch.setattr(interruption, "calls", only("train_on_batch", interruption.calls))
    failures, _ = interruption.campaign(tmp_path, 24, seed=2)
    assert any("not a whole step" in what for *_, what in failures)


def test_the_check_of_every_bytecode_notices_a_torn_step(tracer, monkeypatch):
    monkeypatch.setattr(optimizers.Optimizer, "_complete_step", lambda self, rate: None)
    with pytest.raises(ValueError, match="is not in list"):
        check_every_bytecode(step_of(optimizers.Adam, 5), INSIDE, raise_from_outside)


def only(name, calls):
    return lambda folder: {name: calls(folder)[name]}


def test_np_arrays_are_compared_by_their_bytes():
    model = new_model()
    before = everything(model)
    model.parameters.values[0] = np.nextafter(model.parameters.values[0], 9, dtype="float32")
    assert everything(model) != before

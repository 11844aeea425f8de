"""Training: the loop's arithmetic, its splits and streams, and what stops it."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from minidl import (
    BatchNormalization,
    Dense,
    Dropout,
    Input,
    Layer,
    LeakyReLU,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from minidl.callbacks import Callback, LambdaCallback
from minidl.callbacks.base import HOOKS
from minidl.data import split_rows
from minidl.errors import ArgumentError, DataError, NonFiniteError, StateError
from minidl.losses import BinaryCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from minidl.metrics import Metric
from minidl.optimizers import LBFGS, SGD, Adam, AdamW
from minidl.testing import CertificationError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1
LABELS = (Y > 0).astype(int)


def regression(optimizer="sgd", **options):
    model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dense(1)], seed=0, dtype="float64")
    model.compile(optimizer, "mse", **options)
    return model


def classifier(**options):
    model = Sequential([Input((3,)), Dense(6, activation="relu"), Dense(2), Softmax()], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", **options)
    return model


class Steps(Callback):
    """Keeps every batch's loss and the model's values after it."""

    def __init__(self):
        self.losses, self.values = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.values.append(self.model.parameters.values.copy())


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows():
    steps = Steps()
    history = regression().fit(X, Y, batch_size=16, verbose=0, callbacks=[steps])
    assert len(steps.losses) == 4
    assert history.history["loss"][0] == pytest.approx(np.dot(steps.losses, [16, 16, 16, 2]) / 50, rel=1e-14)


def test_fit_takes_the_steps_of_train_on_batch():
    fitted, stepped = regression("adam"), regression("adam")
    fitted.fit(X, Y, batch_size=20, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        for start in (0, 20, 40):
            stepped.train_on_batch(X[start : start + 20], Y[start : start + 20])
    assert np.array_equal(fitted.parameters.values, stepped.parameters.values)


def test_a_loop_of_ones_own_takes_the_same_steps():
    fitted, own = regression(), regression()
    fitted.fit(X, Y, batch_size=50, epochs=3, shuffle=False, verbose=0)
    optimizer = SGD(0.01)
    for _ in range(3):
        _, gradients = own.loss_and_gradients(X, Y)
        optimizer.step(own.parameters.values, gradients)
    assert np.array_equal(fitted.parameters.values, own.parameters.values)


def test_the_arguments_of_evaluate_stand_in_the_order_of_keras():
    model, weight = regression(), np.linspace(0, 2, 50)
    by_name = model.evaluate(X, Y, batch_size=7, verbose=0, sample_weight=weight, steps=2, return_dict=True)
    assert model.evaluate(X, Y, 7, 0, weight, 2, None, True) == by_name


def test_evaluate_is_exact_whatever_the_batches():
    model = regression(metrics=["mae", "r2_score"])
    whole = model.evaluate(X, Y, batch_size=50, verbose=0)
    for size in (1, 7, 49):
        assert model.evaluate(X, Y, batch_size=size, verbose=0) == pytest.approx(whole, rel=1e-12)
    assert whole[0] == pytest.approx(np.mean((model.predict(X)[:, 0] - Y) ** 2), rel=1e-12)
    assert model.evaluate(X, Y, verbose=0, return_dict=True).keys() == {"loss", "mae", "r2_score"}


def test_weights_count_as_repeated_rows_in_the_gradient():
    weight = RNG.integers(0, 4, 50).astype(float)
    weighted, repeated = regression(), regression()
    loss, gradient = weighted.loss_and_gradients(X, Y, weight)
    rows = np.repeat(np.arange(50), weight.astype(int))
    loss_repeated, gradient_repeated = repeated.loss_and_gradients(X[rows], Y[rows])
    assert loss * 50 == pytest.approx(loss_repeated * len(rows), rel=1e-12)
    np.testing.assert_allclose(gradient * 50, gradient_repeated * len(rows), rtol=1e-10, atol=1e-12)


def test_class_weights_are_sample_weights():
    by_class, by_sample = classifier(), classifier()
    by_class.fit(X, LABELS, class_weight={1: 3.0}, verbose=0)
    by_sample.fit(X, LABELS, sample_weight=np.where(LABELS == 1, 3.0, 1.0), verbose=0)
    assert np.array_equal(by_class.parameters.values, by_sample.parameters.values)
    balanced, by_hand = classifier(), classifier()
    balanced.fit(X, LABELS, class_weight="balanced", verbose=0)
    counts = np.bincount(LABELS)
    by_hand.fit(X, LABELS, class_weight={k: 25 / n for k, n in enumerate(counts)}, verbose=0)
    assert np.array_equal(balanced.parameters.values, by_hand.parameters.values)


def test_class_weights_count_in_training_alone():
    model = classifier()
    history = model.fit(X, LABELS, class_weight={1: 3.0}, validation_data=(X, LABELS), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X, LABELS, verbose=0), rel=1e-6)


def test_class_weights_leave_the_validation_split_alone():
    model = classifier()
    history = model.fit(X, LABELS, class_weight={1: 3.0}, validation_split=0.2, split="last", verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[-10:], LABELS[-10:], verbose=0), rel=1e-6)


def test_balanced_class_weights_are_those_of_the_training_samples():
    balanced, by_hand = classifier(), classifier()
    balanced.fit(X, LABELS, class_weight="balanced", validation_split=0.4, split="last", verbose=0)
    counts = np.bincount(LABELS[:30])
    weights = {k: 30 / (np.count_nonzero(counts) * n) for k, n in enumerate(counts) if n}
    by_hand.fit(X, LABELS, class_weight=weights, validation_split=0.4, split="last", verbose=0)
    assert np.array_equal(balanced.parameters.values, by_hand.parameters.values)


@pytest.mark.parametrize(("rows", "split", "training"), [(100, 0.07, 93), (10, 0.25, 7), (25, 0.1, 22), (3, 0.5, 1)])
def test_the_validation_set_is_as_large_as_in_keras(rows, split, training):
    seen = []
    model = regression()
    x = RNG.normal(size=(rows, 3))
    count = LambdaCallback(on_test_batch_end=lambda batch, logs: seen.append(batch))
    history = model.fit(x, x[:, 0], batch_size=1, validation_split=split, callbacks=[count], verbose=0)
    assert len(seen) == rows - training
    assert model.optimizer.iterations == training
    assert len(history.epoch) == 1


def test_class_weights_know_the_signs_of_hinge():
    model = Sequential([Input((3,)), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "hinge")
    _, _, weight = model.connected("fit").inputs.batch(X, 2 * LABELS - 1, None, {0: 2.0})
    assert np.array_equal(weight, np.where(LABELS == 0, 2.0, 1.0))


def test_class_weights_need_one_class_a_row():
    with pytest.raises(ArgumentError, match="class_weight: expected a loss with one class for each row"):
        regression().fit(X, Y, class_weight={0: 2.0}, verbose=0)
    with pytest.raises(ArgumentError, match='class_weight: "balanced" needs arrays'):
        classifier().fit([(X, LABELS)], class_weight="balanced", verbose=0)


def test_training_stops_at_the_logits():
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="ones"), Sigmoid()], dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    loss, gradient = model.loss_and_gradients([[1e4], [-1e4]], [0, 1])
    assert loss == 1e4
    assert gradient.tolist() == [1e4, 0.0]


def test_shuffling_is_a_function_of_seed_and_epoch():
    orders = []

    class Order(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            orders.append(self.model.epoch)

    one, two = regression(), regression()
    one.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[Order()])
    two.fit(X, Y, epochs=1, batch_size=8, verbose=0)
    two.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    assert orders == [0, 1, 2]
    assert np.array_equal(one.parameters.values, two.parameters.values)


def test_a_validation_split_is_held_out_and_may_be_stratified_or_last():
    for split, rows in [("shuffle", None), ("stratify", None), ("last", np.arange(40, 50))]:
        model = classifier()
        history = model.fit(X, LABELS, validation_split=0.2, split=split, verbose=0)
        assert len(history.history["val_loss"]) == 1
        if rows is not None:
            other = classifier()
            held = (X[rows], LABELS[rows])
            same = other.fit(X[:40], LABELS[:40], validation_data=held, verbose=0).history
            assert same == history.history


@pytest.mark.parametrize("form", ["labels", "one-hot", "bytes"])
def test_a_stratified_split_keeps_the_proportions_of_three_classes(form):
    labels = np.repeat([0, 1, 2], [60, 30, 10])[np.random.default_rng(0).permutation(100)]
    y = {"labels": labels, "one-hot": np.eye(3)[labels], "bytes": labels.astype("uint8")}[form]
    training, held_out = split_rows(y, 100, 0.2, "stratify", np.random.default_rng(1))
    assert np.bincount(labels[training]).tolist() == [48, 24, 8]
    assert np.bincount(labels[held_out]).tolist() == [12, 6, 2]
    assert sorted([*training, *held_out]) == list(range(100))


def test_validation_counts_penalties_and_weights():
    model = regression()
    weight = np.linspace(0, 2, 50)
    history = model.fit(X, Y, validation_data=(X, Y, weight), verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(
        model.evaluate(X, Y, sample_weight=weight, verbose=0), rel=1e-12
    )


def test_streams_of_batches_train_like_arrays():
    class Batches:
        def __iter__(self):
            return ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10))

    class ByNumber:  # Keras' PyDataset; slices raise no IndexError, so iterating over it would never end
        def __len__(self):
            return 5

        def __getitem__(self, number):
            rows = slice(10 * number, 10 * number + 10)
            return X[rows], Y[rows]

    arrays, stream, listed, endless, numbered = (regression() for _ in range(5))
    arrays.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    stream.fit(Batches(), epochs=2, verbose=0)
    listed.fit(list(Batches()), epochs=2, verbose=0)

    def forever():
        while True:
            yield from Batches()

    endless.fit(forever(), epochs=2, steps_per_epoch=5, verbose=0)
    numbered.fit(ByNumber(), epochs=2, verbose=0)
    assert numbered.evaluate(ByNumber(), verbose=0) == pytest.approx(arrays.evaluate(X, Y, verbose=0), rel=1e-12)
    assert np.array_equal(numbered.predict(ByNumber()), numbered.predict(X))
    for model in (stream, listed, endless, numbered):
        assert np.array_equal(model.parameters.values, arrays.parameters.values)


def test_an_iterable_without_an_end_is_refused_at_last(monkeypatch):
    monkeypatch.setattr("minidl.data.streams.ENDLESS", 20)
    with pytest.raises(DataError, match=r"expected an end within 20 batches, got none\. .*steps_per_epoch"):
        regression().fit(itertools.repeat((X, Y)), verbose=0)
    with pytest.raises(DataError, match=r"evaluate: x: expected an end"):
        regression().evaluate(itertools.repeat((X, Y)), verbose=0)
    regression().fit(21 * [(X, Y)], verbose=0)


@pytest.mark.parametrize(
    ("data", "arguments"), [((X, Y), {"batch_size": 20}), ((itertools.repeat((X, Y)),), {"steps_per_epoch": 3})]
)
def test_validation_data_may_have_ten_times_the_batches_of_training(monkeypatch, data, arguments):
    monkeypatch.setattr("minidl.training.inputs.LEAST_ENDLESS", 20)
    batches = (itertools.islice(itertools.repeat((X, Y)), count) for count in (30, 31))
    regression().fit(*data, **arguments, validation_data=next(batches), verbose=0)
    with pytest.raises(DataError, match="fit: validation_data: expected an end within 30 batches"):
        regression().fit(*data, **arguments, validation_data=next(batches), verbose=0)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "2"])
def test_steps_of_an_iterable_that_are_no_positive_integer_are_refused(steps):
    with pytest.raises(ArgumentError, match="evaluate: steps: expected an integer of at least 1, got"):
        regression().evaluate([(X, Y)], steps=steps, verbose=0)


def test_evaluate_takes_as_many_steps_as_there_are_batches():
    model = regression()
    assert model.evaluate(X, Y, batch_size=25, steps=2, verbose=0) == model.evaluate(X, Y, batch_size=25, verbose=0)
    with pytest.raises(ArgumentError, match="evaluate: steps: expected at most 2, the number of batches of 25 rows"):
        model.evaluate(X, Y, batch_size=25, steps=3, verbose=0)


def test_a_compiled_model_has_no_history_and_is_not_told_to_stop():
    model = regression()
    assert (model.history, model.stop_training) == (None, False)


def test_a_used_up_generator_says_what_to_pass():
    with pytest.raises(DataError, match=r"used up\. Pass an iterable that can be iterated again"):
        regression().fit(((X, Y) for _ in range(3)), epochs=2, verbose=0)
    with pytest.raises(DataError, match="yields nothing"):
        regression().fit(iter([]), verbose=0)


def test_memory_mapped_files_are_trained_on(tmp_path):
    mapped = np.memmap(tmp_path / "x", "float64", "w+", shape=X.shape)
    mapped[:] = X
    plain, streamed = regression(), regression()
    plain.fit(X, Y, verbose=0)
    streamed.fit(np.memmap(tmp_path / "x", "float64", "r", shape=X.shape), Y, verbose=0)
    assert np.array_equal(plain.parameters.values, streamed.parameters.values)
    assert np.array_equal(plain.predict(X), streamed.predict(mapped))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "bool", "float16", "float64"])
@pytest.mark.parametrize("more", [{}, {"class_weight": {1: 3.0}}, {"class_weight": "balanced"}, {"split": "stratify"}])
def test_labels_of_any_type_train_alike(dtype, more):
    arguments = {"validation_split": 0.2, "epochs": 2, "verbose": 0, **more}
    model, other = classifier(), classifier()
    history = model.fit(X, LABELS, **arguments).history
    assert other.fit(X, LABELS.astype(dtype), **arguments).history == history
    assert np.array_equal(model.parameters.values, other.parameters.values)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool"])
def test_small_targets_keep_their_type_until_their_batch(dtype):
    model = classifier()
    labels = LABELS.astype(dtype)
    table = model.connected("fit").inputs.table(X, labels)
    assert np.shares_memory(table.y, labels)
    assert table.batch(slice(0, 9))[1].dtype == np.intp
    assert table.batch(np.arange(9))[1].tolist() == LABELS[:9].tolist()


def test_same_seed_same_bits_in_another_process():
    code = (
        "import numpy as np\n"
        "from minidl import *\n"
        "rng = np.random.default_rng(0); x = rng.normal(size=(64, 3)); y = (x[:, 0] > 0).astype(int)\n"
        "m = Sequential([Input((3,)), Dense(8, activation='relu'), Dropout(0.5), Dense(2), Softmax()], seed=7)\n"
        "m.compile('adam', 'sparse_categorical_crossentropy'); m.fit(x, y, epochs=3, verbose=0, validation_split=0.2)\n"
        "print(m.parameters.values.tobytes().hex())\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(runs) == 1


def test_the_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002 - this state is what must stay as it is
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    model = Sequential([Input((3,)), Dense(4), Dropout(0.5), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0, validation_split=0.2)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"validation_split": 1.5}, {"split": "first"}, {"verbose": 3}, {"epochs": -1}]
)
def test_a_refused_fit_leaves_an_unbuilt_model_unbuilt(wrong):
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError):
        model.fit(np.ones((4, 2)), np.ones(4), **wrong)
    assert model.output_shape is None


def test_a_model_that_is_being_trained_refuses_a_second_training():
    class Again(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.fit(X, Y, verbose=0)

    model = regression()
    with pytest.raises(StateError, match="fit: this model is being trained already"):
        model.fit(X, Y, verbose=0, callbacks=[Again()])
    model.fit(X, Y, verbose=0)


@pytest.mark.filterwarnings("ignore:.*are not called")  # by LBFGS
@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_every_hook_gets_its_logs(optimizer):
    heard = []

    def hook(name):
        if "epoch" in name or "batch" in name:
            return lambda number, logs: heard.append((name, logs))
        return lambda logs: heard.append((name, logs))

    listener = LambdaCallback(**{name: hook(name) for name in HOOKS})
    model = regression(optimizer)
    model.fit(X, Y, verbose=0, callbacks=[listener], validation_data=(X, Y))
    model.predict(X, callbacks=[listener])
    expected = [name for name in HOOKS if optimizer == "sgd" or "train_batch" not in name]
    assert {name for name, _ in heard} == set(expected)
    assert all(isinstance(logs, Mapping) and "loss" in {**logs, "loss": 0} for _, logs in heard)


def test_stop_training_in_a_batch_hook_stops_after_that_batch():
    class Stop(Steps):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.model.stop_training = batch == 2

    stop = Stop()
    history = regression().fit(X, Y, batch_size=5, epochs=9, verbose=0, callbacks=[stop])
    assert len(stop.losses) == 3
    assert history.epoch == [0]


def test_a_diverging_run_stops_with_the_last_finite_weights():
    model = regression(SGD(1e9))
    with pytest.raises(NonFiniteError, match=r"fit: epoch \d+, batch \d+: .*the first array that is not finite is the"):
        model.fit(1e3 * X, 1e3 * Y, batch_size=8, epochs=50, verbose=0)
    assert np.isfinite(model.parameters.values).all()


def test_a_layer_that_fails_in_training_alone_is_named():
    class Fails(Layer):
        def forward(self, x, training=False):
            return x * np.float32(np.nan if training else 1)

        def backward(self, dy):
            return dy

    model = Sequential([Input((3,)), Dense(2), Fails(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(NonFiniteError, match=r"is the output of Fails 'fails' \(layer 1\) in training\."):
        model.fit(X, Y, verbose=0)


def test_a_step_that_fails_before_it_changes_anything_applies_no_constraint():
    class Failing(SGD):
        def update(self, blocks, rate):
            raise RuntimeError("no step")

    model = Sequential([Input((3,)), Dense(1, kernel_constraint="non_neg")], seed=0)
    model.compile(Failing(0.1), "mse")
    model.set_weights([np.full((3, 1), -1.0), np.zeros(1)])
    with pytest.raises(RuntimeError, match="no step"):
        model.train_on_batch(X, Y)
    assert model[0].W.ravel().tolist() == [-1.0, -1.0, -1.0]


def test_a_constraint_applies_after_a_step():
    model = Sequential([Input((3,)), Dense(1, kernel_constraint="non_neg")], seed=0)
    model.compile("sgd", "mse")
    model.set_weights([np.full((3, 1), -1.0), np.zeros(1)])
    model.train_on_batch(np.zeros((2, 3)), np.zeros(2))
    assert model[0].W.ravel().tolist() == [0.0, 0.0, 0.0]


def test_a_batch_of_all_rows_is_one_for_a_solver():
    history = regression(LBFGS()).fit(X, Y, batch_size=len(X), epochs=1, verbose=0).history
    assert history["loss"] == regression(LBFGS()).fit(X, Y, epochs=1, verbose=0).history["loss"]


def test_layers_stay_while_ranks_train_together():
    model = regression()
    model.trainer.group = object()
    for call, change in (("add", lambda: model.add(Dense(1))), ("pop", model.pop), ("compile", model.compile)):
        with pytest.raises(StateError, match=rf"^{call}: this model is being trained already. Wait until fit"):
            change()
    assert len(model) == 2


def test_a_gradient_that_overflows_in_the_first_step_is_not_taken_for_forgotten():
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x = 1e30 * np.random.default_rng(0).uniform(-1, 1, (24, 3))
    with pytest.raises(NonFiniteError, match=r"is the gradient dW of layer 'dense'"):
        model.fit(x, np.ones(24), verbose=0)


def test_a_decay_that_makes_the_weights_grow_is_stopped_with_finite_weights():
    model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dense(2), Softmax()], seed=0)  # tanh stays finite
    model.compile(AdamW(1e9), "sparse_categorical_crossentropy")
    with pytest.raises(NonFiniteError):
        model.fit(X, LABELS, batch_size=2, epochs=50, verbose=0)
    assert np.isfinite(model.parameters.values).all()


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), "lion"])
def test_an_update_that_overflows_is_taken_back(optimizer):
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    model.fit(X, Y, verbose=0)
    before, state = model.parameters.values.copy(), model.optimizer.get_state()
    model.optimizer.learning_rate = 1e300
    with pytest.raises(NonFiniteError, match="overflowed float32"):
        model.fit(100 * X, 100 * Y, verbose=0)
    assert np.array_equal(model.parameters.values, before)
    assert {**model.optimizer.get_state(), "learning_rate": state["learning_rate"]}.keys() == state.keys()
    assert all(np.array_equal(model.optimizer.state[name], state[name]) for name in model.optimizer.state)


def test_a_loss_that_is_not_finite_itself_is_named():
    class Endless(MeanSquaredError):
        def forward(self, y_pred, y_true, sample_weight=None):
            return super().forward(y_pred, y_true, sample_weight) + (np.inf if self.endless else 0)

    model = regression()
    model.compile("sgd", Endless())
    model.loss.endless = False
    model.train_on_batch(X, Y)  # the first step also checks that the loss is a number
    before, model.loss.endless = model.parameters.values.copy(), True
    with pytest.raises(NonFiniteError, match="got loss inf; the first array that is not finite is the loss itself"):
        model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.parameters.values, before)


def test_a_solver_that_begins_with_an_infinite_loss_is_stopped_with_its_name():
    model = regression(LBFGS())
    model.set_weights([np.full_like(W, 1e308) for W in model.get_weights()])
    with pytest.raises(NonFiniteError, match=r"fit: epoch 1, batch 0: .*is the output of Dense 'dense' \(layer 0\)\. "):
        model.fit(1e3 * X, Y, verbose=0)


def test_an_exception_in_a_callback_leaves_the_last_complete_step():
    class Fail(Steps):
        ended = False

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if batch == 3:
                raise RuntimeError("mine")

        def on_train_end(self, logs=None):
            self.ended = True

    fail, model = Fail(), regression()
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=[fail])
    assert fail.ended
    assert np.array_equal(model.parameters.values, fail.values[-1])
    model.fit(X, Y, verbose=0)


def test_ctrl_c_ends_after_the_step_with_a_usable_model_and_its_history():
    class Interrupt(Steps):
        ended = False

        def on_train_batch_begin(self, batch, logs=None):
            if len(self.values) == 7:
                os.kill(os.getpid(), signal.SIGINT)

        def on_train_end(self, logs=None):
            self.ended = True

    interrupt, model = Interrupt(), regression()
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=10, epochs=9, verbose=0, callbacks=[interrupt])
    assert signal.getsignal(signal.SIGINT) is handler
    assert interrupt.ended
    assert len(interrupt.values) == 8
    assert np.array_equal(model.parameters.values, interrupt.values[-1])
    assert model.history.epoch == [0]


def test_lbfgs_finds_the_least_squares_solution():
    model = Sequential([Input((3,)), Dense(1)], dtype="float64", seed=0)
    model.compile(LBFGS(), "mse")
    history = model.fit(X, Y, epochs=100, verbose=0)
    np.testing.assert_allclose(model[0].W[:, 0], [1.0, -2.0, 0.5], rtol=1e-5)
    assert len(history.epoch) < 100
    assert history.history["loss"][-1] < 1e-9


def test_lbfgs_wants_all_rows():
    model = regression(LBFGS())
    with pytest.raises(ArgumentError, match="batch_size: expected None or at least 50"):
        model.fit(X, Y, batch_size=10, verbose=0)
    with pytest.raises(StateError, match="LBFGS"):
        model.train_on_batch(X, Y)


def test_frozen_layers_do_not_move_with_any_optimizer():
    for optimizer in ("adam", SGD(0.1, momentum=0.9, weight_decay=0.1), LBFGS()):
        model = regression(optimizer)
        model.fit(X, Y, epochs=2, verbose=0)
        model[0].trainable = False
        W, head = model[0].W.copy(), model[1].W.copy()
        model.fit(X, Y, epochs=2, verbose=0)
        assert np.array_equal(model[0].W, W)
        assert (head != model[1].W).any()


@pytest.mark.parametrize("freeze", [lambda m: m, lambda m: m[0], lambda m: m.layers[:-1]])
def test_fit_refuses_a_model_with_nothing_to_train(freeze):
    model = Sequential([Input((3,)), Dense(1), Dropout(0.1)], seed=0)
    model.compile("sgd", "mse")
    for layer in np.ravel(freeze(model)) if isinstance(freeze(model), tuple) else [freeze(model)]:
        layer.trainable = False
    with pytest.raises(StateError, match="nothing to train: all layers are frozen"):
        model.fit(X, Y, verbose=0)


def test_a_model_without_parameters_cannot_be_trained():
    model = Sequential([Input((3,)), Dropout(0.1)])
    model.compile("sgd", "mse")
    with pytest.raises(StateError, match="nothing to train: no layer has parameters"):
        model.fit(X, X, verbose=0)


def test_a_frozen_model_does_not_move():
    model = regression()
    model.trainable = False
    before = model.parameters.values.copy()
    with pytest.raises(StateError, match="nothing to train: all layers are frozen"):
        model.train_on_batch(X, Y)
    assert np.array_equal(model.parameters.values, before)
    model.trainable = True
    model.fit(X, Y, verbose=0)
    assert (model.parameters.values != before).all()


def test_freezing_everything_in_the_middle_of_a_fit_is_refused():
    model = regression()
    freeze = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "trainable", False))
    with pytest.raises(StateError, match="nothing to train: all layers are frozen"):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[freeze])
    assert model.epoch == 1


def test_one_layer_frozen_in_the_middle_of_a_fit_stays_as_it_is():
    model = Sequential([Input((3,)), Dense(2), Dense(1)], seed=0)
    model.compile("adam", "mse")
    seen = []

    def freeze(batch, logs):
        model.layers[0].trainable = False
        seen.append(model.layers[0].W.copy())

    model.fit(X, Y, epochs=3, batch_size=4, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=freeze)])
    assert len(seen) > 3
    assert np.array_equal(seen[0], seen[-1])


@pytest.mark.parametrize("change", [lambda model: model.compile("sgd", "mse"), lambda model: model.fit(X, Y)])
def test_a_model_is_not_compiled_or_fitted_in_the_middle_of_its_fit(change):
    model = regression()
    with pytest.raises(StateError, match="this model is being trained"):
        model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: change(model))])
    change(model)


def test_history_has_the_learning_rate_and_the_metrics():
    history = classifier(metrics=["accuracy"]).fit(X, LABELS, epochs=2, validation_split=0.2, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_an_epoch_that_never_ran_is_not_in_the_history(optimizer):
    class Stop(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    history = regression(optimizer).fit(X, Y, epochs=5, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]
    assert len(history.history["loss"]) == 2


def test_a_solver_counts_its_epochs_from_the_initial_one():
    plain = regression("lbfgs").fit(X, Y, epochs=3, verbose=0)
    later = regression("lbfgs").fit(X, Y, epochs=5, initial_epoch=2, verbose=0)
    assert later.epoch == [2, 3, 4]
    assert later.history["loss"] == plain.history["loss"]


def test_a_solver_stops_after_the_epoch_whose_end_asks_for_it():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    stopped, short = regression("lbfgs"), regression("lbfgs")
    assert stopped.fit(X, Y, epochs=5, callbacks=[Stop()], verbose=0).epoch == [0, 1]
    short.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(stopped.parameters.values, short.parameters.values)


@pytest.mark.parametrize(
    ("data", "arguments", "steps"),
    [
        ((X, Y), {"batch_size": 16}, 4),
        ((X, Y), {"batch_size": 25}, 2),
        ((X, Y), {"batch_size": 16, "steps_per_epoch": 3}, 3),
        ((X, Y), {"batch_size": 16, "validation_split": 0.5}, 2),
        ((itertools.repeat((X, Y)),), {"steps_per_epoch": 3}, 3),
    ],
    ids=["rounded_up", "exact", "given", "split", "stream"],
)
def test_callbacks_are_told_the_numbers_of_epochs_and_batches(data, arguments, steps):
    callback = Callback()
    regression().fit(*data, **arguments, epochs=2, callbacks=[callback], verbose=0)
    assert callback.params == {"epochs": 2, "steps": steps}


def test_one_metric_without_and_with_weights_has_two_names():
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"], ["accuracy", "mse"])
    weight = np.where(LABELS == 1, 3.0, 1.0)
    found = model.evaluate(X, LABELS, sample_weight=weight, verbose=0, return_dict=True)
    right = model.predict(X).argmax(axis=1) == LABELS
    assert list(found) == ["loss", "accuracy", "weighted_accuracy", "mse"]
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["weighted_accuracy"] == pytest.approx((right * weight).sum() / weight.sum())


def test_a_function_is_a_metric():
    def worst(y_true, y_pred):
        return np.abs(y_true - y_pred).max()

    model = regression(metrics=[worst])
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(np.abs(model.predict(X)[:, 0] - Y).max(), rel=1e-6)


def test_verbose_two_prints_a_line_an_epoch(capsys):
    regression().fit(X, Y, epochs=2, verbose=2)
    assert capsys.readouterr().out.count("\n") == 2


def test_a_tiny_network_learns_its_task():
    model = Sequential([Input((2,)), Dense(16), ReLU(), Dense(1), Sigmoid()], seed=1)
    model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    x = RNG.uniform(-1, 1, (400, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    history = model.fit(x, y, epochs=150, verbose=0)
    assert history.history["accuracy"][-1] > 0.95


def masks(model, passes):
    """Return the Dropout masks of a number of training passes."""
    found = []
    for _ in range(passes):
        model.forward(np.ones((4, 30)), training=True)
        found.append([layer._scale.tolist() for layer in model.layers if isinstance(layer, Dropout)])
    return found


def dropouts(seed):
    return Sequential([Input((30,)), Dropout(0.5), Dropout(0.5)], seed=seed)


def test_what_dropout_draws_is_a_function_of_seed_pass_and_layer():
    first = masks(dropouts(0), 3)
    assert first == masks(dropouts(0), 3)
    assert len({str(mask) for both in first for mask in both}) == 6
    assert masks(dropouts(1), 1)[0] != first[0]
    model = dropouts(0)
    model.randomness.passes = 2  # as after a resume
    assert masks(model, 1) == first[2:]


def test_a_pass_that_is_begun_again_draws_the_same():
    model = dropouts(0)
    first = masks(model, 2)
    model.randomness.passes = 1  # as after a step that was refused
    assert masks(model, 1) == first[1:]


def test_other_random_numbers_of_a_model_do_not_move_those_of_dropout():
    model = dropouts(0)
    model.forward(np.ones((4, 30)), training=True)
    model.predict(np.ones((4, 30)))
    model.randomness.weights.random(7)
    assert masks(model, 2) == masks(dropouts(0), 3)[1:]


class Cube(Layer):
    """Wrong on purpose: the factor 3 is missing."""

    def forward(self, x, training=False):
        self._x = x
        return x**3

    def backward(self, dy):
        return dy * self._x**2


def test_check_gradients_names_the_wrong_layer_on_the_first_batch():
    model = Sequential([Input((3,)), Dense(4), Cube(), Dense(1)], seed=0)
    model.compile("sgd", "mse", check_gradients="first_batch")
    before = model.parameters.values.copy()
    with pytest.raises(CertificationError, match="Cube"):
        model.fit(X, Y, verbose=0)
    assert np.array_equal(model.parameters.values, before)
    right = Sequential([Input((3,)), Dense(4), ReLU(), Dense(1)], seed=0)
    right.compile("sgd", "mse", check_gradients="first_batch")
    right.fit(X, Y, verbose=0)


# The values and the order that callers and callbacks get


def test_on_train_end_gets_the_logs_of_the_last_epoch_or_none_of_no_epoch():
    logs = []
    watch = LambdaCallback(on_train_end=lambda last: logs.append(last))
    history = regression().fit(X, Y, epochs=2, validation_split=0.2, callbacks=[watch], verbose=0).history
    regression().fit(X, Y, epochs=0, callbacks=[watch], verbose=0)
    assert logs == [{name: values[-1] for name, values in history.items()}, {}]


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
@pytest.mark.parametrize(("first", "last"), [(0, 2), (1, 3), (2, 2), (3, 2)])
def test_every_epoch_begins_and_ends_once(optimizer, first, last):
    seen = []
    watch = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(("begin", epoch)),
        on_epoch_end=lambda epoch, logs: seen.append(("end", epoch)),
    )
    model = regression(optimizer)
    before = model.parameters.values.copy()
    model.fit(X, Y, epochs=last, initial_epoch=first, callbacks=[watch], verbose=0)
    assert seen == [(when, epoch) for epoch in range(first, last) for when in ("begin", "end")]
    assert np.array_equal(model.parameters.values, before) == (first >= last)


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_a_signal_at_the_end_of_an_epoch_ends_fit_there(optimizer):
    model = regression(optimizer)
    send = LambdaCallback(on_epoch_end=lambda epoch, logs: epoch == 1 and os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=5, callbacks=[send], verbose=0)
    other = regression(optimizer)
    other.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.parameters.values, other.parameters.values)
    assert model.history.epoch == [0, 1]


def test_an_interrupted_solver_returns_to_its_last_complete_iteration():
    class Stops(Layer):
        left = 5

        def forward(self, x, training=False):
            self.left -= training
            if self.left < 0:
                raise KeyboardInterrupt
            return x

        def backward(self, dy):
            return dy

    def state():
        arrays = [model.parameters.values, *model.network.states]
        return [array.tolist() for array in arrays], model.randomness.passes, model.optimizer.iterations

    layers = [Input((3,)), BatchNormalization(), Stops(), Dense(4, activation="tanh"), Dense(1)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.compile(LBFGS(), "mse")
    complete = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: complete.append(state()))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=50, callbacks=[watch], verbose=0)
    assert len(complete) > 1
    assert state() == complete[-1]


def test_a_stream_begins_at_its_beginning_whatever_the_initial_epoch():
    def batches():
        while True:
            yield from ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10))

    plain, later = regression(), regression()
    plain.fit(batches(), steps_per_epoch=2, verbose=0)
    later.fit(batches(), steps_per_epoch=2, epochs=3, initial_epoch=2, verbose=0)
    np.testing.assert_array_equal(later.parameters.values, plain.parameters.values)


def test_a_fit_whose_end_was_not_recorded_does_not_block_the_next():
    model, runs = regression(), []
    watch = LambdaCallback(on_train_begin=lambda logs: runs.append(model.trainer.run))
    model.fit(X, Y, callbacks=[watch], verbose=0)
    model.trainer.run = runs[0]  # as an exception in the last lines of `train` would leave it
    assert model.fit(X, Y, verbose=0).epoch == [0]


def test_train_on_batch_returns_the_metrics_of_its_batch_alone():
    model = classifier(metrics=["accuracy"])
    for rows in (slice(0, 20), slice(20, 50)):
        model.set_weights([np.zeros_like(W) for W in model.get_weights()])  # all samples are of class 0
        loss, accuracy = model.train_on_batch(X[rows], LABELS[rows])
        assert loss == pytest.approx(np.log(2), rel=1e-6)
        assert accuracy == pytest.approx(np.mean(LABELS[rows] == 0), rel=1e-12)


def test_train_on_batch_in_a_callback_leaves_the_metrics_of_fit_alone():
    def fitted(*callbacks):
        model = classifier(metrics=["accuracy"])
        for layer in model:
            layer.trainable = layer is model[0]
        return model.fit(X, LABELS, batch_size=10, callbacks=callbacks, verbose=0).history["accuracy"]

    class Again(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            weights = self.model.get_weights()
            state = self.model.optimizer.get_state()
            self.model.train_on_batch(X[:7], LABELS[:7])
            self.model.set_weights(weights)
            self.model.optimizer.set_state(state)

    assert fitted(Again()) == fitted()


def test_the_loss_of_a_single_sample_is_its_own():
    model = regression()
    loss = model.evaluate(X[:1], Y[:1], verbose=0)
    assert loss == pytest.approx((model.predict(X[:1])[0, 0] - Y[0]) ** 2, rel=1e-12)
    assert model.fit(X[:1], Y[:1], verbose=0).history["loss"] == [pytest.approx(loss, rel=1e-12)]


@pytest.mark.parametrize("value", [3, np.float32(0.5), np.array([1.0, 2.0]), [1, 2], True])
def test_a_metric_may_return_any_numbers(value):
    class Fixed(Metric):
        higher_is_better = True

        def update(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return value

        def reset(self):
            pass

    logs = regression(metrics=[Fixed()]).evaluate(X, Y, return_dict=True, verbose=0)
    assert np.array_equal(logs["fixed"], value)


def test_a_custom_last_layer_keeps_its_own_backward_with_a_cross_entropy():
    class Own(Layer):
        def forward(self, x, training=False):
            self._t = np.tanh(x)
            return 0.5 + 0.25 * self._t

        def backward(self, dy):
            return dy * 0.25 * (1 - self._t**2)

    model = Sequential([Input((3,)), Dense(1), Own()], seed=0, dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    loss, gradients = model.loss_and_gradients(X, LABELS)
    t = np.tanh(X @ model[0].W + model[0].b)[:, 0]
    p = 0.5 + 0.25 * t
    assert loss == pytest.approx(-np.mean(np.where(LABELS, np.log(p), np.log(1 - p))), rel=1e-12)
    dz = (p - LABELS) / (p * (1 - p)) * 0.25 * (1 - t**2) / len(X)
    np.testing.assert_allclose(gradients, [*(X.T @ dz), dz.sum()], rtol=1e-10)


def test_an_optimizer_that_fails_after_its_step_leaves_frozen_values_and_constraints():
    class Late(SGD):
        def step(self, values, gradients):
            super().step(values, gradients)
            raise KeyboardInterrupt

    model = Sequential([Input((3,)), Dense(1, kernel_constraint="non_neg"), Dense(1)], seed=0)
    model.compile(Late(0.1), "mse")
    model.set_weights([np.full((3, 1), -1.0), np.zeros(1), np.ones((1, 1)), np.zeros(1)])
    model[1].trainable = False
    with pytest.raises(KeyboardInterrupt):
        model.train_on_batch(X, Y)
    assert model[0].W.min() >= 0
    assert (model[1].W.item(), model[1].b.item()) == (1.0, 0.0)


def test_a_refused_step_takes_back_states_and_random_numbers():
    model = Sequential([Input((3,)), BatchNormalization(), Dropout(0.5), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    states = [state.copy() for state in model.network.states]
    passes = model.randomness.passes
    with pytest.raises(NonFiniteError):
        model.train_on_batch(X * 1e30, Y)
    assert model.randomness.passes == passes
    assert all(map(np.array_equal, model.network.states, states))
    model.train_on_batch(X, Y)
    assert model.randomness.passes == passes + 1
    assert not all(map(np.array_equal, model.network.states, states))


@pytest.mark.parametrize(("rate", "decay"), [(25.0, 0.1), (0.1, 25.0), (1e10, 0.1)])
def test_a_step_beyond_the_limits_that_overflows_is_taken_back(rate, decay):
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(SGD(rate, weight_decay=decay), "mse")
    model.set_weights([np.full((3, 1), 3e38), np.zeros(1)])
    before = model.parameters.values.copy()
    with pytest.raises(NonFiniteError, match="the update overflowed float32"):
        model.train_on_batch(np.zeros((2, 3)), np.zeros(2))
    np.testing.assert_array_equal(model.parameters.values, before)


def test_the_hooks_of_predict_get_the_number_and_the_outputs_of_the_batches():
    model, heard = regression(), []
    watch = LambdaCallback(on_predict_batch_end=lambda batch, logs: heard.append((batch, logs["outputs"].copy())))
    y = model.predict(X, batch_size=20, callbacks=[watch])
    assert watch.params == {"steps": 3}
    assert [batch for batch, _ in heard] == [0, 1, 2]
    assert all(map(np.array_equal, [outputs for _, outputs in heard], (y[:20], y[20:40], y[40:])))
    np.testing.assert_array_equal(model.predict(X, batch_size=20, steps=3, callbacks=[watch]), y)
    with pytest.raises(ArgumentError, match="predict: steps: expected at most 3, the number of batches, got 4"):
        model.predict(X, batch_size=20, steps=4, callbacks=[watch])


def test_accuracy_is_for_outputs_that_are_classes():
    def compiled(loss, *activation):
        model = Sequential([Input((3,)), Dense(1), *activation], seed=0)
        model.compile("sgd", loss, ["accuracy"])

    compiled(BinaryCrossentropy(from_logits=True))
    compiled("mse", Sigmoid())
    compiled("mse", Tanh())
    for loss in ("mse", "mae"):
        with pytest.raises(
            ArgumentError, match=r"compile: metrics: expected metrics of numbers for .*, got 'accuracy'"
        ):
            compiled(loss)


@pytest.mark.parametrize("last", [Dense(1), Reshape((5, 1))], ids=repr)
def test_one_output_is_too_few_for_classes(last):
    model = Sequential([Input((5,)), last.copy()], seed=0)
    with pytest.raises(ArgumentError, match=r"compile: loss: expected a model with at least 2 outputs for .*, got 1"):
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))


def test_the_accuracy_of_an_epoch_is_that_of_its_samples():
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile(SGD(1e-30), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(X, LABELS, batch_size=16, verbose=0).history
    expected = np.mean(model.predict(X).argmax(axis=1) == LABELS)
    assert 0 < expected < 1
    assert history["accuracy"] == [pytest.approx(expected, rel=1e-12)]


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_an_error_in_a_later_step_names_its_layer(method):
    class Fails(Layer):
        broken = ""

        def forward(self, x, training=False):
            return self._pass("forward", x)

        def backward(self, dy):
            return self._pass("backward", dy)

        def _pass(self, name, array):
            if name == self.broken:
                raise ValueError("boom")
            return array

    model = Sequential([Input((3,)), Dense(3), Fails(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    model[1].broken = method
    with pytest.raises(ValueError, match="boom") as caught:
        model.train_on_batch(X, Y)
    assert any("Fails 'fails' (layer 1)" in note for note in caught.value.__notes__)


def test_batches_of_frames_name_the_columns_in_training_alone():
    model, frame = regression(), pd.DataFrame(X, columns=["a", "b", "c"])
    model.evaluate([(frame, Y)], verbose=0)
    assert model.feature_names is None
    model.fit([(frame, Y)] * 2, verbose=0)
    assert list(model.feature_names) == ["a", "b", "c"]
    model.fit([(X, Y)], verbose=0)
    assert list(model.feature_names) == ["a", "b", "c"]


@pytest.mark.parametrize("given", [[(1.0, 2.0)], [(1.0, 2.0)] * 4])
def test_samples_in_place_of_validation_data_are_told(given):
    with pytest.raises(ArgumentError, match="or an iterable of them, got samples"):
        regression().fit(X, Y, validation_data=given, verbose=0)


def test_predict_runs_as_many_samples_at_a_time_as_it_is_told():
    sizes = []

    class Counts(Layer):
        def forward(self, x, training=False):
            sizes.append(len(x))
            return x

        def backward(self, dy):
            return dy

    model = Sequential([Input((3,)), Counts(), Dense(1)], seed=0)
    model.predict(X)
    for size, expected in ((20, [20, 20, 10]), (50, [50]), (None, [50])):
        sizes.clear()
        model.predict(X, batch_size=size)
        assert sizes == expected


def test_predict_sees_a_setting_that_has_changed():
    model = Sequential([Input((3,)), LeakyReLU(0.5)])
    for slope in (0.5, 0.25, 0.125):
        model[0].negative_slope = slope
        for _ in range(2):
            np.testing.assert_array_equal(model.predict([[-1.0, 0.0, 1.0]]), [[-slope, 0.0, 1.0]])

import gc
import io
import os
import pty
import subprocess
import sys
import time
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from minidl import Dense, Input, Sequential, metrics
from minidl.callbacks import (
    BatchLogs,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    MonitorCallback,
    ProgressBar,
    ReduceLROnPlateau,
    TimeLimit,
    console,
    progress,
    stopping,
)
from minidl.callbacks.base import HOOKS
from minidl.errors import ArgumentError, StateError
from minidl.metrics import Metric, resolve_metrics


class Optimizer:
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate


class Model:
    """What the callbacks use of a model in `fit`."""

    def __init__(self, optimizer=None, metrics=(), validation=True, callbacks=()):
        self.optimizer = optimizer or Optimizer()
        self.stop_training, self.history = False, None
        self.weights = [np.zeros(2)]
        scores = SimpleNamespace(metrics={metric.get_name(): metric for metric in metrics})
        data, validation = SimpleNamespace(validates=lambda epoch: True), "some" if validation else None
        run = SimpleNamespace(validation=validation, callbacks=callbacks, scores=scores, data=data)
        self.trainer = SimpleNamespace(run=run)

    def get_weights(self):
        return [array.copy() for array in self.weights]

    def set_weights(self, arrays):
        self.weights = list(arrays)


class BestModel(ModelCheckpoint):
    """A checkpoint of the best, with the arguments of the other callbacks that monitor a value."""

    def __init__(self, monitor, mode="auto"):
        super().__init__("model", monitor, save_best_only=True, mode=mode)


def classifier(*extra, outputs=3):
    model = Sequential([Input((4,)), Dense(outputs, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy", *extra])
    return model


X = np.random.default_rng(0).standard_normal((40, 4))
Y = np.arange(40) % 3


class CountSteps(Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


class CountTests(Callback):
    tests = 0

    def on_test_end(self, logs=None):
        self.tests += 1


def run(callback, values, monitor="val_loss", model=None, stop=True):
    """Play the epochs whose values are given; return the number of epochs that ran."""
    model = model or Model()
    callbacks = CallbackList(callback, model)
    callbacks.on_train_begin()
    logs = {}
    for epoch, value in enumerate(values):
        callbacks.on_epoch_begin(epoch)
        model.weights = [np.full(2, float(epoch))]
        logs = {"loss": 1.0, monitor: value}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training and stop:
            break
    callbacks.on_train_end(logs)
    return epoch + 1


# The hooks


class CountedLogs:
    """Counts how often the logs of a batch are computed."""

    def __init__(self):
        self.computed = 0

    def __call__(self, loss):
        self.computed += 1
        return {"loss": 0.5 if loss is None else loss, "accuracy": 0.5}  # None: the mean of the epoch so far


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook not in ("on_train_begin", "on_train_end")])
def test_a_hook_passes_over_callbacks_that_do_not_override_it(hook):
    asked = []

    class Bystander(Callback):
        def __getattribute__(self, name):
            asked.append(name)
            return super().__getattribute__(name)

    callbacks = CallbackList([Bystander(), LambdaCallback(**{hook: lambda *arguments: None})], Model())
    asked.clear()
    getattr(callbacks, hook)(0)
    assert hook not in asked


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_of_a_function_is_called_with_its_arguments(hook):
    calls = []
    callbacks = CallbackList([LambdaCallback(**{hook: lambda *arguments: calls.append(arguments)})], Model())
    arguments = (3, {"loss": 1.0}) if "epoch" in hook or "batch" in hook else ({"loss": 1.0},)
    getattr(callbacks, hook)(*arguments)
    assert calls == [arguments]


# The logs at the end of a batch


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_the_logs_of_a_batch_are_not_computed_when_no_callback_looks_at_them(verbose, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_DRAWINGS", 1000.0)
    compute = CountedLogs()
    ignore = LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    callbacks = CallbackList([Callback(), History(), ignore, TimeLimit(1000), ProgressBar(verbose)], Model())
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(0, BatchLogs(compute, 0.25))
    callbacks.on_train_end()
    assert compute.computed == 0


def test_the_logs_of_a_batch_are_computed_once_for_all_callbacks():
    compute, seen = CountedLogs(), []
    readers = [LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])) for _ in range(3)]
    CallbackList(readers, Model()).on_train_batch_end(0, BatchLogs(compute, 0.25))
    assert seen == [0.25] * 3
    assert compute.computed == 1


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda logs: {**logs}, {"loss": 0.25, "accuracy": 0.5}),
        (dict, {"loss": 0.25, "accuracy": 0.5}),
        (lambda logs: logs == {"loss": 0.25, "accuracy": 0.5}, True),
        (lambda logs: logs["loss"], 0.25),
        (lambda logs: logs.get("loss"), 0.25),
        (lambda logs: logs.get("val_loss"), None),
        (lambda logs: logs.get("val_loss", 7), 7),
        (list, ["loss", "accuracy"]),
        (lambda logs: list(logs.items()), [("loss", 0.25), ("accuracy", 0.5)]),
        (lambda logs: list(logs.values()), [0.25, 0.5]),
        (len, 2),
        (bool, True),
        (lambda logs: "loss" in logs, True),
        (lambda logs: "val_loss" in logs, False),
        (repr, "{'loss': 0.25, 'accuracy': 0.5}"),
        (lambda logs: logs.copy(), {"loss": 0.25, "accuracy": 0.5}),
    ],
)
def test_the_logs_of_a_batch_behave_like_a_dict(use, expected):
    assert use(BatchLogs(CountedLogs(), 0.25)) == expected


def test_the_logs_of_a_batch_without_a_name_raise_a_key_error():
    with pytest.raises(KeyError, match="val_loss"):
        BatchLogs(CountedLogs(), 0.25)["val_loss"]


def test_the_logs_of_a_batch_have_no_other_attributes():
    with pytest.raises(AttributeError, match="lss"):
        _ = BatchLogs(CountedLogs(), 0.25).lss


def test_a_callback_may_add_to_the_logs_of_a_batch_for_those_after_it():
    seen = []
    add = LambdaCallback(on_train_batch_end=lambda batch, logs: logs.update(score=3.0))
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    CallbackList([add, look], Model()).on_train_batch_end(0, BatchLogs(CountedLogs(), 0.25))
    assert seen == [{"loss": 0.25, "accuracy": 0.5, "score": 3.0}]


# The list


def test_callbacks_are_called_in_order():
    calls = []
    names = [LambdaCallback(on_train_begin=lambda logs, name=name: calls.append(name)) for name in "abc"]
    CallbackList(names, Model()).on_train_begin({})
    assert calls == ["a", "b", "c"]


def test_a_callback_of_evaluate_may_serve_another_model_while_the_first_is_in_fit():
    first, second, count = classifier(), classifier(), CountTests()
    first.evaluate(X, Y, callbacks=[count], verbose=0)
    other = LambdaCallback(on_epoch_end=lambda epoch, logs: second.evaluate(X, Y, callbacks=[count], verbose=0))
    first.fit(X, Y, callbacks=[other], verbose=0)
    assert count.tests == 2


def test_a_list_of_callbacks_shows_them():
    assert repr(CallbackList([TimeLimit(3)], Model())) == "CallbackList([TimeLimit(3.0)])"


def test_a_list_of_callbacks_passes_its_params_on_and_returns_itself():
    callbacks = CallbackList([History(), CountSteps()], Model())
    assert callbacks.set_params({"epochs": 2}) is callbacks
    assert [callback.params for callback in callbacks] == [{"epochs": 2}] * 2


def test_every_on_train_end_is_called_though_one_raises():
    calls = []

    def end(name):
        def call(logs):
            calls.append(name)
            if name != "c":
                raise ValueError(name)

        return LambdaCallback(on_train_end=call)

    with pytest.raises(ValueError, match="b") as error:
        CallbackList([end("a"), end("b"), end("c")], Model()).on_train_end({})
    assert calls == ["a", "b", "c"]
    assert str(error.value.__context__) == "a"


@pytest.mark.parametrize("make", [EarlyStopping, History, Callback])
def test_a_callback_in_a_fit_is_refused_by_the_fit_of_another_model(make):
    shared, other = make(), classifier()
    before = other.get_weights()
    start = LambdaCallback(on_epoch_begin=lambda epoch, logs: other.fit(X, Y, verbose=0, callbacks=[shared]))
    model = classifier()
    with pytest.raises(StateError, match=f"callbacks: this {make.__name__} is in the fit of another model"):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[shared, start])
    assert shared.model is model
    assert all(map(np.array_equal, other.get_weights(), before))


@pytest.mark.parametrize("hook", ["on_test_end", "on_predict_end"])
def test_the_ends_of_testing_and_predicting_reach_every_callback(hook):
    calls = []
    fail = LambdaCallback(**{hook: lambda *arguments: 1 / 0})
    after = LambdaCallback(**{hook: lambda *arguments: calls.append(arguments)})
    with pytest.raises(ZeroDivisionError):
        getattr(CallbackList([fail, after], Model()), hook)({})
    assert calls == [({},)]


class Unwritable(io.StringIO):
    def write(self, text):
        raise OSError("No space left on device")


class Closed(io.StringIO):
    def __init__(self):
        super().__init__()
        self.close()


@pytest.mark.parametrize(("stream", "verbose"), [(lambda: None, 1), (Closed, 1), (Closed, 2), (Unwritable, 2)])
def test_a_console_that_cannot_be_written_to_does_not_end_training(monkeypatch, stream, verbose):
    monkeypatch.setattr(sys, "stdout", stream())
    history = classifier().fit(X, Y, epochs=2, verbose=verbose, callbacks=[ReduceLROnPlateau("loss", verbose=1)])
    assert len(history.epoch) == 2


@pytest.mark.parametrize("make", [EarlyStopping, CountSteps, Callback])
def test_a_callback_can_be_used_by_one_fit_after_another(make):
    shared = make()
    for model in (classifier(), classifier()):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=shared)
        assert shared.model is model


def test_a_callback_in_a_fit_may_also_listen_to_evaluate():
    seen = []
    shared = LambdaCallback(on_test_end=lambda logs: seen.append(logs))
    model = classifier()
    again = LambdaCallback(on_epoch_end=lambda epoch, logs: model.evaluate(X, Y, verbose=0, callbacks=shared))
    model.fit(X, Y, verbose=0, callbacks=[shared, again])
    assert len(seen) == 1


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end", "on_test_begin"])
def test_any_other_hook_ends_at_the_first_error(hook):
    calls = []
    fail = LambdaCallback(**{hook: lambda *arguments: 1 / 0})
    after = LambdaCallback(**{hook: lambda *arguments: calls.append(arguments)})
    with pytest.raises(ZeroDivisionError):
        getattr(CallbackList([fail, after], Model()), hook)(0)
    assert calls == []


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([History], r"callbacks: expected an instance at 0, got the class History\. Write History\(\)\."),
        ([History(), print], "callbacks: expected a Callback at 1"),
        (History, "callbacks: expected a list of callbacks"),
        ("history", "callbacks: expected a list of callbacks"),
        (3, "callbacks: expected a list of callbacks"),
    ],
)
def test_what_is_no_callback_is_refused(callbacks, message):
    with pytest.raises(ArgumentError, match=message):
        CallbackList(callbacks, Model())


def test_the_same_callback_twice_is_refused():
    history = History()
    with pytest.raises(ArgumentError, match="the same History again at 1"):
        CallbackList([history, history], Model())


class Remembers(Callback):
    state_attributes = ("seen",)
    seen = 0


@pytest.mark.parametrize(
    ("callback", "state"),
    [
        (EarlyStopping(), {"best": 1.0, "best_epoch": 0, "wait": 0}),
        (EarlyStopping(), {"best": 1.0, "best_epoch": 0, "wait": "0", "best_weights": []}),
        (Remembers(), {}),
        (Remembers(), {"seen": 1, "other": 2}),
    ],
)
def test_a_state_of_other_names_or_types_is_refused(callback, state):
    callback.set_model(model := Model())
    callback.on_train_begin()
    before = callback.get_state()
    with pytest.raises(StateError, match="set_state: expected a state such as"):
        callback.set_state(state)
    assert callback.get_state() == before
    assert model.stop_training is False


def test_a_custom_callback_may_change_the_type_of_its_state():
    callback = Remembers()
    callback.set_state({"seen": "all"})
    assert callback.get_state() == {"seen": "all"}


def test_a_callback_does_not_keep_its_model_alive():
    model = Model()
    callback = Callback()
    callback.set_model(model)
    assert callback.model is model
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
    with pytest.raises(StateError, match="Callback: model: this callback has no model"):
        _ = callback.model


# History and the CSV file


def test_history_holds_a_value_per_epoch():
    history = History()
    run(history, [3.0, np.float32(2.0)])
    assert history.epoch == [0, 1]
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [3.0, 2.0]}
    assert all(type(value) is float for value in history.history["val_loss"])


@pytest.mark.parametrize("value", [0.5, "text", None])
def test_history_holds_what_other_callbacks_add_to_the_logs(value):
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=value))
    history = classifier().fit(X, Y, epochs=2, verbose=0, callbacks=add)
    assert history.history["mine"] == [value, value]


@pytest.mark.parametrize(("value", "text"), [("text", "text"), (None, "None"), (np.float32(0.5), "0.5"), (True, "1")])
def test_the_lines_show_what_other_callbacks_add_to_the_logs(value, text, capsys):
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=value))
    history = classifier().fit(X, Y, verbose=2, callbacks=add)
    assert capsys.readouterr().out.endswith(f" - mine: {text}\n")
    assert repr(history).endswith(f", mine: {text})")


@pytest.mark.parametrize("value", [[[1.0], [2.0, 3.0]], np.ones(3), [None, "text"]])
def test_the_lines_leave_out_collections(value, capsys):
    ProgressBar(2).on_epoch_end(0, {"loss": 0.5, "mine": value})
    assert capsys.readouterr().out.endswith(" - loss: 0.5\n")


def test_history_resumes_from_its_state():
    first, second = History(), History()
    run(first, [3.0])
    second.set_state(first.get_state())
    second.on_epoch_end(1, {"loss": 0.5, "val_loss": 1.0})
    assert second.history == {"loss": [1.0, 0.5], "val_loss": [3.0, 1.0]}
    assert first.history["loss"] == [1.0]


@pytest.mark.parametrize("value", [[1.0, 2.0], "text", None, True])
def test_history_resumes_with_what_other_callbacks_added(value):
    first, second = History(), History()
    first.on_epoch_end(0, {"loss": 1.0, "mine": value})
    second.set_state(first.get_state())
    assert second.history == {"loss": [1.0], "mine": [value]}


@pytest.mark.parametrize("values", [3.0, "text", {}, None, [print], [{}], ["low"], [None]])
def test_history_refuses_a_state_that_it_cannot_have(values):
    with pytest.raises(StateError, match="History: set_state: expected lists by name, got"):
        History().set_state({"epoch": [0], "history": {"loss": values}})


@pytest.mark.parametrize("values", [3.0, "text", {}, None, [print], [{}], [[1.0], [1.0, 2.0]]])
def test_history_refuses_values_of_other_callbacks_that_it_cannot_have(values):
    with pytest.raises((StateError, ValueError), match=r"expected lists by name, got|inhomogeneous"):
        History().set_state({"epoch": [0], "history": {"note": values}})


@pytest.mark.parametrize("name", [3, "a\nb", None])
def test_history_refuses_names_that_it_cannot_have(name):
    with pytest.raises(StateError, match="History: set_state: expected lists by name, got"):
        History().set_state({"epoch": [0], "history": {name: [0.5]}})


@pytest.mark.parametrize("epochs", [["x"], [0, 1.5], (0,), 3, None])
def test_a_history_takes_no_state_with_other_absent_epochs_than_a_list_of_integers(epochs):
    with pytest.raises(StateError, match="History: set_state: expected lists of epochs by name, got"):
        History().set_state({"epoch": [0], "history": {"loss": [0.5]}, "absent": {"val_loss": epochs}})


def test_the_hooks_of_a_lambda_callback_are_its_configuration():
    callback = LambdaCallback(on_epoch_end=print, on_test_end=None)
    assert callback.get_config() == {"on_epoch_end": print}
    assert repr(callback) == "LambdaCallback(on_epoch_end=<built-in function print>)"


def test_history_writes_a_csv_file(tmp_path):
    history = History()
    run(history, [3.0, 2.5])
    history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == "epoch,loss,val_loss\n0,1.0,3.0\n1,1.0,2.5\n"


def test_the_csv_logger_creates_the_folder_before_training(tmp_path):
    logger = CSVLogger(tmp_path / "new" / "log.csv")
    logger.on_train_begin()
    assert (tmp_path / "new" / "log.csv").exists()


def test_the_csv_logger_creates_all_folders_of_its_file(tmp_path):
    run(CSVLogger(tmp_path / "a" / "b" / "log.csv"), [0.5])
    assert (tmp_path / "a" / "b" / "log.csv").is_file()


def test_the_csv_logger_refuses_a_bad_path_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        CSVLogger(tmp_path / "file" / "log.csv").on_train_begin()


def test_the_csv_logger_writes_a_row_per_epoch(tmp_path):
    path = tmp_path / "log.csv"
    run(CSVLogger(path), [3.0, 2.5])
    assert path.read_text() == "epoch,loss,val_loss\n0,1.0,3.0\n1,1.0,2.5\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("epoch,loss,val_loss\n0,1.0,2.5\n1,1.0,2.", "epoch,loss,val_loss\n0,1.0,2.5\n1,1.0,2.\n"),
        ("epoch,loss,val_loss\n0,1.0,2.5\n1", "epoch,loss,val_loss\n0,1.0,2.5\n"),
        ("epoch,loss,val_loss\n0,1.0,2.5\n", "epoch,loss,val_loss\n0,1.0,2.5\n"),
        ("epoch,lo", "epoch,loss,val_loss\n"),
        ("epoch,loss,val_loss", "epoch,loss,val_loss\n"),
        ("", "epoch,loss,val_loss\n"),
    ],
)
def test_the_csv_logger_joins_no_row_to_one_that_was_cut(tmp_path, before, after):
    path = tmp_path / "log.csv"
    path.write_text(before)
    run(CSVLogger(path, append=True), [1.5])
    assert path.read_text() == after + "0,1.0,1.5\n"


def test_the_csv_logger_appends_on_request(tmp_path):
    path = tmp_path / "log.csv"
    run(CSVLogger(path, ";"), [3.0])
    run(CSVLogger(path, ";", append=True), [2.5])
    assert path.read_text() == "epoch;loss;val_loss\n0;1.0;3.0\n0;1.0;2.5\n"
    run(CSVLogger(path), [1.0])
    assert path.read_text() == "epoch,loss,val_loss\n0,1.0,1.0\n"


def test_the_csv_logger_appends_at_the_end_of_a_long_file(tmp_path):
    path = tmp_path / "log.csv"
    before = "epoch,loss,val_loss\n" + "".join(f"{epoch},0.5,0.25\n" for epoch in range(20_000))
    path.write_text(before)
    run(CSVLogger(path, append=True), [0.75])
    assert path.read_text() == before + "0,1.0,0.75\n"


def test_the_csv_logger_refuses_to_mix_columns(tmp_path):
    run(CSVLogger(tmp_path / "log.csv"), [3.0])
    with pytest.raises(ArgumentError, match=r"CSVLogger: expected the columns of .*, epoch, loss, val_loss; got"):
        run(CSVLogger(tmp_path / "log.csv", append=True), [3.0], monitor="accuracy")


def test_the_csv_logger_says_when_a_later_epoch_has_another_column(tmp_path):
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update({"late": 1.0} if epoch else {}))
    with pytest.raises(ArgumentError, match=r"got epoch, .*, late\. .* the same names in the logs of every"):
        classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[add, CSVLogger(tmp_path / "log.csv")])


def test_the_csv_logger_writes_the_epoch_and_names_that_are_no_strings(tmp_path):
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update({"epoch": 7, 3: 1.5}))
    classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[add, CSVLogger(tmp_path / "log.csv")])
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert header == "epoch,loss,accuracy,learning_rate,3"
    assert [row.split(",")[::4] for row in rows] == [["0", "1.5"], ["1", "1.5"]]


def test_the_csv_logger_appends_to_no_other_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"\xff\xfe notes without an end of line")
    with pytest.raises(ArgumentError, match=r"filename: expected a file with the column epoch, got .*notes\.txt"):
        CSVLogger(path, append=True).on_train_begin()
    assert path.read_bytes() == b"\xff\xfe notes without an end of line"


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_the_csv_logger_refuses_a_device(device):
    with pytest.raises(OSError, match=f"expected a regular file, or none, got a pipe, socket or device: '{device}'"):
        CSVLogger(device).on_train_begin()


@pytest.mark.parametrize("separator", ["\n", '"', "\r"])
def test_the_csv_logger_refuses_a_separator_with_a_meaning(tmp_path, separator):
    with pytest.raises(ArgumentError, match="CSVLogger: separator: expected one character, got"):
        CSVLogger(tmp_path / "log.csv", separator)


def test_the_csv_logger_resumes_from_its_state(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    run(logger, [3.0])
    state = logger.get_state()
    run(logger, [9.0, 9.0])
    logger.on_train_begin()
    logger.set_state(state)
    logger.on_epoch_end(1, {"loss": 1.0, "val_loss": 2.0})
    assert (tmp_path / "log.csv").read_text() == "epoch,loss,val_loss\n0,1.0,3.0\n1,1.0,2.0\n"


# Stopping


@pytest.mark.parametrize(
    ("options", "values", "epochs", "best"),
    [
        ({"patience": 2}, [3, 2, 2, 2, 1], 4, 1),
        ({}, [3, 2, 2, 1], 3, 1),
        ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 1], 2, 0),
        ({"patience": 1, "min_delta": 0.5}, [3, 2.6, 1], 2, 0),
        ({"patience": 1, "mode": "max"}, [1, 2, 1], 3, 1),
        ({"patience": 1, "mode": "max", "min_delta": 0.5}, [1, 1.4, 2], 2, 0),
        ({"patience": 1, "start_from_epoch": 2}, [1, 1, 3, 2, 4], 5, 3),
        ({"patience": 9}, [3, 1, 2], 3, 1),
    ],
)
def test_early_stopping_stops_after_patience_and_restores_the_best_weights(options, values, epochs, best):
    model, callback = Model(), EarlyStopping(**options)
    assert run(callback, values, model=model) == epochs
    assert callback.best_epoch == best
    assert model.weights[0].tolist() == [best, best]
    assert callback.stopped_epoch == (epochs - 1 if model.stop_training else 0)


def test_early_stopping_keeps_the_last_weights_on_request():
    model = Model()
    run(EarlyStopping(restore_best_weights=False), [1.0, 2.0], model=model)
    assert model.weights[0].tolist() == [1, 1]


def test_early_stopping_leaves_the_weights_alone_after_an_exception():
    model, callback = Model(), EarlyStopping(patience=5)
    run(callback, [1.0, 2.0], model=model)
    model.weights = [np.full(2, 7.0)]
    callback.on_train_end(None)
    assert model.weights[0].tolist() == [7, 7]


def test_early_stopping_restores_the_best_weights_without_logs():
    model, callback = Model(), EarlyStopping(patience=5)
    run(callback, [1.0, 2.0], model=model)
    model.weights = [np.full(2, 7.0)]
    callback.on_train_end()
    assert model.weights[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("options", "values", "line"),
    [
        ({}, [3, 2, 2], "Epoch 3: stopped early; val_loss was best, 2, in epoch 2, whose weights are restored.\n"),
        ({"restore_best_weights": False}, [3, 4], "Epoch 2: stopped early; val_loss was best, 3, in epoch 1.\n"),
        ({"patience": 9}, [3, 4], "EarlyStopping: val_loss was best, 3, in epoch 1, whose weights are restored.\n"),
    ],
)
def test_early_stopping_says_when_it_stopped_and_what_it_restored(options, values, line, capsys):
    run(EarlyStopping(verbose=1, **options), values)
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(
    ("options", "values"),
    [({"patience": 1}, [1, 2, 3]), ({"verbose": 1, "patience": 9, "restore_best_weights": False}, [1, 2, 3])],
)
def test_early_stopping_prints_nothing_unless_it_is_told_to_and_acts(options, values, capsys):
    run(EarlyStopping(**options), values)
    assert capsys.readouterr().out == ""


def test_a_warning_of_a_custom_monitor_names_its_line():
    class Mine(MonitorCallback):
        def on_epoch_end(self, epoch, logs=None):
            self.read(epoch, logs)

    with pytest.warns(UserWarning, match="Mine: 'val_loss' is NaN in epoch 1, which is not counted") as warned:
        run(Mine("val_loss"), [np.nan])
    assert warned[0].filename == __file__


def test_early_stopping_resumes_from_its_state():
    model, first, second = Model(), EarlyStopping(patience=2), EarlyStopping(patience=2)
    run(first, [1.0, 2.0], model=model)
    second.set_model(model)
    second.on_train_begin()
    second.set_state(first.get_state())
    second.on_epoch_end(2, {"val_loss": 3.0})
    second.on_train_end({"val_loss": 3.0})
    assert model.stop_training
    assert model.weights[0].tolist() == [0, 0]


class Loudness(Metric):
    """A custom metric that does not say which way is better."""

    def update(self, y_true, y_pred, sample_weight=None): ...

    def result(self):
        return 1.0


class HingeAccuracy(Loudness):
    higher_is_better = True


class NegativeLogLoss(Loudness):
    higher_is_better = True


class ScoreToPay(Loudness):
    higher_is_better = False


BEST_IS = {
    "max": [
        "accuracy", "binary_accuracy", "top_k_categorical_accuracy", "precision", "recall", "f1_score", "auc",
        "r2_score", HingeAccuracy(), NegativeLogLoss(), metrics.AUC(name="false_alarm_error"),
    ],
    "min": ["mse", "mae", "mean_squared_error", ScoreToPay(), metrics.MeanSquaredError(name="score")],
}  # fmt: skip


@pytest.mark.parametrize(("better", "metric"), [(mode, metric) for mode in BEST_IS for metric in BEST_IS[mode]])
@pytest.mark.parametrize("prefix", ["", "val_"])
def test_mode_auto_asks_the_metric(better, metric, prefix):
    resolved = resolve_metrics([metric], None, 3)
    monitor = prefix + resolved[0].get_name()
    callback = EarlyStopping(monitor, patience=1)
    values = [1.0, 2.0, 1.5] if better == "max" else [2.0, 1.0, 1.5]
    run(callback, values, monitor=monitor, model=Model(metrics=resolved))
    assert callback.best_epoch == 1


@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_mode_auto_takes_the_lower_loss(monitor):
    callback = EarlyStopping(monitor, patience=1)
    run(callback, [2.0, 1.0, 1.5], monitor=monitor)
    assert callback.best_epoch == 1


def test_every_built_in_metric_says_which_way_is_better():
    classes = {cls for name in metrics.__all__ if isinstance(cls := getattr(metrics, name), type)}
    unknown = {cls.__name__ for cls in classes if cls.higher_is_better is None}
    assert unknown == {"Metric", "FunctionMetric", "Mean", "Sum"}


@pytest.mark.parametrize("monitor", ["loudness", "val_loudness", "learning_rate"])
@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau, BestModel])
def test_mode_auto_does_not_guess(make, monitor):
    model = Model(metrics=[Loudness()])
    with pytest.raises(ArgumentError, match=f"mode: cannot tell whether higher or lower values of '{monitor}'"):
        CallbackList(make(monitor), model).on_train_begin()


# A value that cannot be compared


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau, BestModel])
@pytest.mark.parametrize(
    ("monitor", "fix"),
    [
        ("val_loss", "Pass validation_data or validation_split to fit"),
        ("val_accuracy", "Pass validation_data or validation_split to fit"),
        ("acuracy", "Did you mean 'accuracy'"),
        ("f1_score", "expected one of 'loss', 'accuracy', 'learning_rate'; got 'f1_score'"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "max"])
def test_a_name_that_cannot_come_is_refused_before_the_first_step(make, monitor, fix, mode):
    count = CountSteps()
    with pytest.raises(ArgumentError, match=f"{make.__name__}: monitor: .*{fix}"):
        classifier().fit(X, Y, verbose=0, callbacks=[make(monitor, mode=mode), count])
    assert count.steps == 0


def test_a_validation_name_with_a_typo_is_corrected_where_there_is_validation():
    with pytest.raises(ArgumentError, match=r"got 'val_acuracy'\. Did you mean 'val_accuracy'\?"):
        classifier().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=EarlyStopping("val_acuracy"))


def test_a_custom_loop_can_stop_early():
    model, stopping = classifier(), EarlyStopping("loss")
    callbacks = CallbackList(stopping, model)
    callbacks.on_train_begin()
    for epoch, loss in enumerate([2.0, 1.0, 3.0]):
        callbacks.on_epoch_end(epoch, {"loss": loss})
    callbacks.on_train_end()
    assert model.stop_training
    assert stopping.best_epoch == 1


@pytest.mark.parametrize(
    "adding",
    [
        LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=epoch)),
        LambdaCallback(on_test_end=lambda logs: logs.update(mine=0.0)),
    ],
)
def test_a_name_that_another_callback_adds_can_be_monitored(adding):
    stopping = EarlyStopping("mine", mode="min", patience=1)
    history = classifier().fit(X, Y, epochs=9, verbose=0, validation_data=(X, Y), callbacks=[adding, stopping])
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau, BestModel])
def test_a_name_that_no_callback_has_added_is_an_error_at_the_end_of_the_epoch(make):
    silent = LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    with pytest.raises(ArgumentError, match=r"monitor: expected one of 'loss', 'accuracy', .*; got 'mine'"):
        classifier().fit(X, Y, verbose=0, callbacks=[silent, make("mine", mode="min")])


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau, BestModel])
@pytest.mark.parametrize(
    "metric",
    [
        metrics.F1Score(name="figure"),
        metrics.Precision("largest", average=None, name="figure"),
        metrics.Recall("largest", average=None, name="figure"),
    ],
)
def test_a_value_for_each_class_is_refused_with_its_fix(make, metric):
    with pytest.raises(ArgumentError, match=f'{make.__name__}: monitor: expected one number, .*average="macro"'):
        classifier(metric).fit(X, Y, verbose=0, callbacks=make("figure"))


@pytest.mark.parametrize("value", ["high", None, [1.0, 2.0], {}, 1j])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ArgumentError, match="EarlyStopping: monitor: expected one number, got 'val_loss' = "):
        run(EarlyStopping(), [value])


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array([0.5]), np.array(0.5), np.array([[0.5]])])
def test_a_number_may_be_in_an_array_of_one(value):
    callback = EarlyStopping()
    run(callback, [value])
    assert callback.best == 0.5


def test_early_stopping_reports_nan_and_does_not_count_it():
    callback, model = EarlyStopping(patience=1), Model()
    with pytest.warns(UserWarning, match="EarlyStopping: 'val_loss' is NaN in epoch 2"):
        assert run(callback, [3.0, np.nan, 2.0, 2.5], model=model) == 4
    assert callback.best == 2.0
    assert callback.best_epoch == 2


def test_early_stopping_does_not_stop_where_all_values_are_nan():
    only_true, stopping = metrics.AUC(), EarlyStopping("auc", patience=1)
    model = Sequential([Input((4,)), Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", [only_true])
    with pytest.warns(UserWarning, match="EarlyStopping: 'auc' is NaN in epoch .*, which is not counted") as reports:
        history = model.fit(X, np.ones(40), epochs=3, verbose=0, callbacks=stopping)
    assert history.epoch == [0, 1, 2]
    assert len(reports) == 3
    assert stopping.best is None


def test_the_plateau_reports_nan_and_does_not_count_it():
    model = Model()
    with pytest.warns(UserWarning, match="ReduceLROnPlateau: 'val_loss' is NaN in epoch 2"):
        run(ReduceLROnPlateau(patience=2), [1.0, np.nan, 1.0], model=model)
    assert model.optimizer.learning_rate == 0.1


def test_a_checkpoint_of_the_best_reports_nan_and_is_not_written(tmp_path):
    saving = ModelCheckpoint(tmp_path / "{epoch}", "mine", save_best_only=True, mode="max")
    adding = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=[np.nan, 1.0, np.nan][epoch]))
    with pytest.warns(UserWarning, match="ModelCheckpoint: 'mine' is NaN in epoch"):
        classifier().fit(X, Y, epochs=3, verbose=0, callbacks=[saving, adding])
    assert [path.name for path in tmp_path.iterdir()] == ["2"]


# The end


def test_the_time_limit_stops_after_a_batch():
    model, limit = Model(), TimeLimit(0.01)
    callbacks = CallbackList(limit, model)
    callbacks.on_train_begin()
    time.sleep(0.011)
    callbacks.on_train_batch_end(0, {})
    assert model.stop_training


def test_the_time_limit_stops_as_soon_as_its_seconds_have_passed(monkeypatch):
    clock, model = [100.0], Model()
    monkeypatch.setattr(stopping, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    callbacks = CallbackList(TimeLimit(8), model)
    callbacks.on_train_begin()
    for clock[0], stopped in ((107.5, False), (108.0, True)):
        callbacks.on_train_batch_end(0)
        assert model.stop_training is stopped


def test_the_time_limit_lets_training_run_before():
    model = Model()
    callbacks = CallbackList(TimeLimit(1000), model)
    callbacks.on_train_begin()
    callbacks.on_train_batch_end(0, {})
    callbacks.on_epoch_end(0, {})
    assert not model.stop_training


# The learning rate


def test_the_scheduler_sets_the_rate_of_each_epoch():
    model, rates = Model(), []
    show = LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(model.optimizer.learning_rate))
    callbacks = [LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate), show]
    run(callbacks, [1, 1, 1], model=model)
    assert rates == [0.1, 0.05, 0.025]


def test_the_scheduler_takes_a_function_of_the_epoch_alone():
    model = Model()
    run(LearningRateScheduler(lambda epoch: 1 / (1 + epoch)), [1, 1], model=model)
    assert model.optimizer.learning_rate == 0.5


@pytest.mark.parametrize("verbose", [0, 1])
def test_the_scheduler_prints_a_line_on_request(verbose, capsys):
    run(LearningRateScheduler(lambda epoch: 0.5 / (1 + epoch), verbose=verbose), [1, 1])
    lines = ["Epoch 1: learning rate 0.5.", "Epoch 2: learning rate 0.25."]
    assert capsys.readouterr().out.splitlines() == lines[: 2 * verbose]


def test_the_scheduler_refuses_a_rate_that_is_none():
    with pytest.raises(ArgumentError, match="LearningRateScheduler: rate for epoch 0: expected a finite number >= 0"):
        run(LearningRateScheduler(lambda epoch: None), [1])


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"patience": 2, "factor": 0.5}, [1, 1, 1, 1, 1], [0.1, 0.1, 0.05, 0.05, 0.025]),
        ({"patience": 1, "factor": 0.5, "cooldown": 1}, [1, 1, 1, 1], [0.1, 0.05, 0.05, 0.025]),
        ({"patience": 1, "factor": 0.5, "cooldown": 2}, [1, 1, 1, 1, 1], [0.1, 0.05, 0.05, 0.05, 0.025]),
        ({"patience": 2, "factor": 0.5, "cooldown": 1}, [1] * 6, [0.1, 0.1, 0.05, 0.05, 0.05, 0.025]),
        ({"patience": 1, "factor": 0.5, "cooldown": 1}, [2, 2, 1, 1], [0.1, 0.05, 0.05, 0.025]),
        ({"patience": 0, "factor": 0.5}, [1, 1, 1], [0.1, 0.05, 0.025]),
        ({"patience": 1, "factor": 0.5, "min_lr": 0.08}, [1, 1, 1], [0.1, 0.08, 0.08]),
        ({"patience": 1, "factor": 0.5}, [3, 2, 1], [0.1, 0.1, 0.1]),
    ],
)
def test_the_rate_falls_on_a_plateau(options, values, rates):
    model, seen = Model(), []
    show = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.optimizer.learning_rate))
    run([ReduceLROnPlateau(**options), show], values, model=model)
    assert seen == pytest.approx(rates)


@pytest.mark.parametrize(("cooldown", "epochs"), [(0, [3, 5, 7, 9, 11]), (1, [3, 6, 9, 12]), (3, [3, 8])])
def test_the_plateau_does_not_count_the_epochs_of_the_cooldown(cooldown, epochs, capsys):
    run(ReduceLROnPlateau(patience=2, cooldown=cooldown, factor=0.9, verbose=1), [1] * 12)
    assert [int(line.split()[1][:-1]) for line in capsys.readouterr().out.splitlines()] == epochs


def test_the_plateau_prints_a_line_only_when_the_rate_falls(capsys):
    model = Model()
    run(ReduceLROnPlateau(patience=1, factor=0.5, min_lr=0.05, verbose=1), [1, 1, 1, 1], model=model)
    assert model.optimizer.learning_rate == 0.05
    assert capsys.readouterr().out == "Epoch 2: learning rate reduced to 0.05.\n"


def test_the_plateau_resumes_from_its_state():
    model, first, second = Model(), ReduceLROnPlateau(patience=2), ReduceLROnPlateau(patience=2)
    run(first, [1.0, 1.0], model=model)
    second.set_model(model)
    second.on_train_begin()
    second.set_state(first.get_state())
    second.on_epoch_end(2, {"val_loss": 1.0})
    assert model.optimizer.learning_rate == pytest.approx(0.01)


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch: 1.0), ReduceLROnPlateau()])
def test_a_rate_callback_refuses_an_optimizer_with_a_schedule(callback):
    model = Model(Optimizer(learning_rate=lambda step: 0.1))
    with pytest.raises(ArgumentError, match="expected an optimizer whose learning rate is a number"):
        run(callback, [1.0], model=model)


# Arguments


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(patience=-1), "EarlyStopping: patience: expected an integer of at least 0, got -1"),
        (lambda: EarlyStopping(patience=2.5), "EarlyStopping: patience"),
        (lambda: EarlyStopping(min_delta=-1), "EarlyStopping: min_delta"),
        (lambda: EarlyStopping(mode="up"), "EarlyStopping: mode: expected one of 'auto', 'min', 'max', got 'up'"),
        (lambda: EarlyStopping(3), "EarlyStopping: monitor"),
        (lambda: EarlyStopping(restore_best_weights=1), "EarlyStopping: restore_best_weights: expected True or False"),
        (lambda: EarlyStopping(start_from_epoch=-1), "EarlyStopping: start_from_epoch"),
        (lambda: ReduceLROnPlateau(factor=1.0), "ReduceLROnPlateau: factor: expected a finite number > 0 and < 1"),
        (lambda: ReduceLROnPlateau(cooldown=-1), "ReduceLROnPlateau: cooldown"),
        (lambda: ReduceLROnPlateau(min_lr=-1), "ReduceLROnPlateau: min_lr"),
        (lambda: LearningRateScheduler(0.1), "LearningRateScheduler: schedule: expected a function"),
        (lambda: LearningRateScheduler(lambda: 0.1), r"schedule: expected a function of \(epoch, rate\), got"),
        (lambda: LearningRateScheduler(lambda epoch, rate, model: rate), r"a function of \(epoch, rate\), got"),
        (lambda: CSVLogger("log.csv", separator=", "), "CSVLogger: separator: expected one character"),
        (lambda: CSVLogger("log.csv", append="yes"), "CSVLogger: append: expected True or False"),
        (lambda: TimeLimit(0), "TimeLimit: seconds: expected a finite number > 0, got 0"),
        (lambda: LambdaCallback(on_epoch_ends=print), "LambdaCallback: hook: .*Did you mean 'on_epoch_end'"),
        (lambda: LambdaCallback(on_epoch_end=3), "LambdaCallback: on_epoch_end: .* a function of epoch, logs, got 3"),
        (lambda: LambdaCallback(on_epoch_end=lambda epoch: 0), "on_epoch_end: expected a function of epoch, logs, got"),
        (lambda: LambdaCallback(on_train_end=lambda: 0), "on_train_end: expected a function of logs, got"),
        (lambda: ProgressBar("loud"), "verbose: expected 'auto', 0, 1 or 2, got 'loud'"),
        (lambda: ProgressBar(3), "verbose: expected 'auto', 0, 1 or 2, got 3"),
    ],
)
def test_a_bad_argument_is_refused_by_the_constructor(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_monitor_tells_whether_a_value_is_better():
    callback = EarlyStopping(mode="min")
    callback.best = None
    assert [callback.improve(value) for value in (2.0, 2.0, 1.0, 1.5)] == [True, False, True, False]
    assert callback.best == 1.0


# The console


@pytest.mark.parametrize("silent", [False, True])
def test_a_line_is_written_at_once_unless_another_rank_prints(monkeypatch, silent):
    class Console(io.StringIO):
        flushed = ""

        def flush(self):
            self.flushed = self.getvalue()

    shown = Console()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(console.console, "silent", silent, raising=False)
    console.print_line("a line")
    assert shown.flushed == ("" if silent else "a line\n")


# The progress bar


def play(bar, epochs=2, steps=3, params=None):
    callbacks = CallbackList(bar, Model())
    callbacks.set_params({"epochs": epochs, "steps": steps} if params is None else params)
    callbacks.on_train_begin()
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(steps):
            callbacks.on_train_batch_end(batch, {"loss": 1.0})
        callbacks.on_test_begin()
        callbacks.on_test_end({"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 0.25, "per_class": np.ones(3), "val_loss": 0.5})
    callbacks.on_train_end({})


def test_silence_shows_nothing(capsys):
    play(ProgressBar(0))
    assert capsys.readouterr() == ("", "")


def test_a_pipe_gets_a_line_per_epoch(capsys):
    play(ProgressBar("auto"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Epoch 2/2 - ")
    assert lines[1].endswith(" s - loss: 0.25 - val_loss: 0.5")


def test_a_terminal_gets_a_bar_that_ends_with_the_values_of_the_epoch(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    bar = ProgressBar("auto")
    assert bar.verbose == 1
    play(bar)
    last = terminal.getvalue().split("\r")[-1]
    assert "Epoch 2/2 |##########| 3/3" in last  # a StringIO has no encoding: tqdm keeps to ASCII
    assert "loss: 0.25, val_loss: 0.5" in last
    assert last.endswith("\n")


def test_a_bar_fits_the_terminal_and_ends_with_every_value_however_narrow_it_is(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_DRAWINGS", 0.0)
    bar = ProgressBar(1)
    bar.set_params({"epochs": 10, "steps": 100})
    bar.on_epoch_begin(9)
    bar.on_train_batch_end(49, {"loss": 0.01234, "accuracy": 0.9876})
    bar.on_epoch_end(9, {"loss": 0.01234, "accuracy": 0.9876, "val_loss": 0.02345, "val_accuracy": 0.8765})
    *_, running, last = terminal.getvalue().split("\r")
    assert len(running) <= 80
    assert "accuracy: 0.9876" in running
    assert "loss: 0.01234, accuracy: 0.9876, val_loss: 0.02345, val_accuracy: 0.8765]" in last


def test_a_terminal_without_a_size_gets_a_bar():
    script = "from minidl.callbacks import ProgressBar; bar = ProgressBar(); bar.on_test_begin(); bar.on_test_end({})"
    terminal, slave = pty.openpty()  # of 0 columns and 0 rows
    subprocess.run([sys.executable, "-c", script], stdout=slave, check=True)
    os.close(slave)
    shown = os.read(terminal, 4096)
    os.close(terminal)
    assert b"Evaluate" in shown


def test_a_run_resumed_in_an_epoch_shows_its_line_and_its_time_and_no_validation(capsys, monkeypatch):
    clock = [10.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    bar = ProgressBar(2)
    bar.set_params({"epochs": 3, "steps": 9})
    bar.on_train_begin()  # and no on_epoch_begin
    bar.on_train_batch_end(8, {"loss": 0.5})
    bar.on_test_begin()
    bar.on_test_batch_end(0, {"loss": 0.75})
    bar.on_test_end({"loss": 0.75})
    clock[0] = 12.0
    bar.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.75})
    bar.on_train_end({})
    assert capsys.readouterr().out == "Epoch 2/3 - 2.0 s - loss: 0.5 - val_loss: 0.75\n"


def test_a_bar_that_is_interrupted_ends_its_line(capsys):
    callbacks = CallbackList(ProgressBar(1), Model())
    callbacks.set_params({"epochs": 1, "steps": 3})
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(0, {"loss": 0.5})
    assert not capsys.readouterr().out.endswith("\n")
    callbacks.on_train_end()
    assert capsys.readouterr().out.endswith("\n")


def test_a_bar_looks_at_the_logs_only_when_it_is_drawn(capsys, monkeypatch):
    clock, compute = [0.0], CountedLogs()
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    callbacks = CallbackList(ProgressBar(1), Model())
    callbacks.set_params({"epochs": 1, "steps": 3})
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(0, BatchLogs(compute, 0.75))
    assert compute.computed == 0
    clock[0] = progress.SECONDS_BETWEEN_DRAWINGS
    callbacks.on_train_batch_end(1, BatchLogs(compute, 0.25))
    assert compute.computed == 1
    callbacks.on_train_batch_end(2, BatchLogs(compute, 0.25))  # at the same time
    assert compute.computed == 1
    callbacks.on_train_end()
    out = capsys.readouterr().out
    assert "2/3" in out
    assert "loss: 0.5" in out


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("params", [{}, {"epochs": None, "steps": None}])
def test_a_bar_without_params_shows_what_it_knows(verbose, params, capsys):
    play(ProgressBar(verbose), epochs=1, params=params)
    out = capsys.readouterr().out
    assert "Epoch 1" in out
    assert "None" not in out
    assert "loss: 0.25" in out


def test_a_bar_alone_shows_what_it_knows(capsys):
    bar = ProgressBar(2)
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(0, {"loss": 1.0})
    bar.on_epoch_end(0, {"loss": 0.25})
    bar.on_train_end()
    assert capsys.readouterr().out == "Epoch 1 - 0.0 s - loss: 0.25\n"


@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2])
def test_a_program_without_a_console_shows_nothing(monkeypatch, verbose, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    play(ProgressBar(verbose))
    assert capsys.readouterr().err == ""


def test_evaluate_and_predict_show_their_own_bar(capsys):
    for what, logs in (("test", {"loss": 0.5}), ("predict", None)):
        callbacks = CallbackList(ProgressBar(1), Model())
        callbacks.set_params({"steps": 2})
        getattr(callbacks, f"on_{what}_begin")()
        getattr(callbacks, f"on_{what}_batch_end")(1)
        getattr(callbacks, f"on_{what}_end")(logs)
    out = capsys.readouterr().out
    assert "Evaluate |██████████| 2/2" in out
    assert "loss: 0.5" in out
    assert "Predict |██████████| 2/2" in out


@pytest.mark.parametrize(
    ("cls", "arguments", "name", "taken", "refused"),
    [
        (EarlyStopping, {}, "patience", [0, 1], [-1, 0.5]),
        (EarlyStopping, {}, "min_delta", [0.0, 0.5], [-1e-9]),
        (EarlyStopping, {}, "start_from_epoch", [0, 1], [-1]),
        (ReduceLROnPlateau, {}, "factor", [1e-9, 0.5, 0.999], [0.0, 1.0, 1.5]),
        (ReduceLROnPlateau, {}, "cooldown", [0, 1], [-1]),
        (ReduceLROnPlateau, {}, "min_lr", [0.0, 0.5], [-1e-9]),
        (ModelCheckpoint, {"filepath": "m"}, "every", [1, 2], [0]),
        (ModelCheckpoint, {"filepath": "m"}, "keep_last", [1, 2], [0]),
        (ModelCheckpoint, {"filepath": "m"}, "save_freq", [1, 2], [0]),
        (TimeLimit, {}, "seconds", [1e-9, 0.5], [0.0, -1.0]),
    ],
)
def test_arguments_are_taken_up_to_their_bounds(cls, arguments, name, taken, refused):
    for value in taken:
        assert getattr(cls(**arguments, **{name: value}), name) == value
    for value in refused:
        with pytest.raises(ArgumentError, match=f"{name}.*: expected"):
            cls(**arguments, **{name: value})


class LogOfZero(Callback):
    def on_train_batch_begin(self, batch, logs=None):
        np.log(np.zeros(1))

    on_train_batch_end = on_train_batch_begin


def test_hooks_between_the_steps_of_fit_warn_as_outside_of_it():
    model = Sequential([Input((3,)), Dense(1)])
    model.compile("adam", "mse")
    with pytest.warns(RuntimeWarning, match="divide by zero") as found:
        model.fit(np.ones((4, 3)), np.ones((4, 1)), batch_size=2, verbose=0, callbacks=[LogOfZero()])
    assert len(found) == 4
    with np.errstate(divide="ignore"):
        model.fit(np.ones((4, 3)), np.ones((4, 1)), batch_size=2, verbose=0, callbacks=[LogOfZero()])


def test_a_history_in_two_fits_starts_again_unless_the_epochs_continue():
    model = Sequential([Input((2,)), Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=["mae"])
    x, y, history = np.ones((4, 2)), np.ones(4), History()
    model.fit(x, y, epochs=2, callbacks=[history], verbose=0)
    first, losses = history.history, [*history.history["loss"]]
    last = model.fit(x, y, epochs=2, validation_data=(x, y), callbacks=[history], verbose=0)
    assert (history.epoch, history.history, history.absent) == ([0, 1], last.history, {})
    assert first["loss"] == losses  # the dict that the user holds stays as it was
    more = model.fit(x, y, initial_epoch=2, epochs=3, callbacks=[history], verbose=0)
    assert (history.epoch, history.history["loss"]) == ([0, 1, 2], last.history["loss"] + more.history["loss"])
    assert (history.absent, history.epochs_of("val_loss")) == ({"val_loss": [2], "val_mae": [2]}, [0, 1])


def test_a_lambda_callback_takes_the_other_name_of_a_hook_in_keras():
    seen = []
    callback = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    callback.on_train_batch_end(3, {})
    assert (seen, [*callback.get_config()]) == ([3], ["on_train_batch_end"])


def test_a_history_of_a_custom_loop_starts_again_with_an_earlier_epoch():
    history = History()
    for epoch in (0, 1, 2, 1):
        history.on_train_begin({})
        history.on_epoch_end(epoch, {"loss": 0.5 + epoch})
    assert (history.epoch, history.history) == ([1], {"loss": [1.5]})

import gc
import io
import os
import pty
import subprocess
import sys
import time
import weakref

import numpy as np
import pytest

from minidl.callbacks import (
    BatchLogs,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ProgressBar,
    ReduceLROnPlateau,
    TimeLimit,
    progress,
)
from minidl.callbacks.base import HOOKS
from minidl.errors import ArgumentError, StateError


class Optimizer:
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate


class Model:
    """What the callbacks use of a model."""

    def __init__(self, optimizer=None):
        self.optimizer = optimizer or Optimizer()
        self.stop_training = False
        self.weights = [np.zeros(2)]

    def get_weights(self):
        return [array.copy() for array in self.weights]

    def set_weights(self, arrays):
        self.weights = list(arrays)


class Recorder(Callback):
    def __init__(self, calls):
        self.calls = calls

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((epoch, logs))


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
        return {"loss": loss, "accuracy": 0.5}


@pytest.mark.parametrize("hook", HOOKS)
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
    getattr(callbacks, hook)(3, {"loss": 1.0})
    assert calls == [(3, {"loss": 1.0})]


# The logs at the end of a batch


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_the_logs_of_a_batch_are_not_computed_when_no_callback_looks_at_them(verbose, capsys):
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
    with pytest.raises(StateError, match="Callback: model: expected a model, got none"):
        _ = callback.model


# History and the CSV file


def test_history_holds_a_value_an_epoch():
    history = History()
    run(history, [3.0, np.float32(2.0)])
    assert history.epoch == [0, 1]
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [3.0, 2.0]}
    assert all(type(value) is float for value in history.history["val_loss"])


def test_history_goes_on_from_its_state():
    first, second = History(), History()
    run(first, [3.0])
    second.set_state(first.get_state())
    second.on_epoch_end(1, {"loss": 0.5, "val_loss": 1.0})
    assert second.history == {"loss": [1.0, 0.5], "val_loss": [3.0, 1.0]}
    assert first.history["loss"] == [1.0]


def test_history_writes_a_csv_file(tmp_path):
    history = History()
    run(history, [3.0, 2.5])
    history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == "epoch,loss,val_loss\n0,1.0,3.0\n1,1.0,2.5\n"


def test_the_csv_logger_creates_the_folder_before_training(tmp_path):
    logger = CSVLogger(tmp_path / "new" / "log.csv")
    logger.on_train_begin()
    assert (tmp_path / "new" / "log.csv").exists()


def test_the_csv_logger_refuses_a_bad_path_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        CSVLogger(tmp_path / "file" / "log.csv").on_train_begin()


def test_the_csv_logger_writes_a_row_an_epoch(tmp_path):
    path = tmp_path / "log.csv"
    run(CSVLogger(path), [3.0, 2.5])
    assert path.read_text() == "epoch,loss,val_loss\n0,1.0,3.0\n1,1.0,2.5\n"


def test_the_csv_logger_appends_on_request(tmp_path):
    path = tmp_path / "log.csv"
    run(CSVLogger(path, ";"), [3.0])
    run(CSVLogger(path, ";", append=True), [2.5])
    assert path.read_text() == "epoch;loss;val_loss\n0;1.0;3.0\n0;1.0;2.5\n"
    run(CSVLogger(path), [1.0])
    assert path.read_text() == "epoch,loss,val_loss\n0,1.0,1.0\n"


def test_the_csv_logger_refuses_to_mix_columns(tmp_path):
    run(CSVLogger(tmp_path / "log.csv"), [3.0])
    with pytest.raises(ArgumentError, match=r"CSVLogger: expected the columns of .*, epoch, loss, val_loss; got"):
        run(CSVLogger(tmp_path / "log.csv", append=True), [3.0], monitor="accuracy")


def test_the_csv_logger_goes_on_from_its_state(tmp_path):
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
        ({"patience": 1, "mode": "max"}, [1, 2, 1], 3, 1),
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


def test_early_stopping_goes_on_from_its_state():
    model, first, second = Model(), EarlyStopping(patience=2), EarlyStopping(patience=2)
    run(first, [1.0, 2.0], model=model)
    second.set_model(model)
    second.on_train_begin()
    second.set_state(first.get_state())
    second.on_epoch_end(2, {"val_loss": 3.0})
    second.on_train_end({"val_loss": 3.0})
    assert model.stop_training
    assert model.weights[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("monitor", "better"),
    [("val_accuracy", "max"), ("auc", "max"), ("val_f1_score", "max"), ("loss", "min"), ("mean_squared_error", "min")],
)
def test_mode_auto_goes_by_the_name(monitor, better):
    callback = EarlyStopping(monitor, patience=1)
    values = [1.0, 2.0, 1.5] if better == "max" else [2.0, 1.0, 1.5]
    run(callback, values, monitor=monitor)
    assert callback.best_epoch == 1


def test_mode_auto_refuses_to_guess():
    with pytest.raises(ArgumentError, match="EarlyStopping: mode: expected 'min' or 'max', got 'auto', and 'val_fun'"):
        EarlyStopping("val_fun")


@pytest.mark.parametrize("cls", [EarlyStopping, ReduceLROnPlateau])
def test_a_monitor_that_is_not_in_the_logs_is_an_error_that_names_them(cls):
    with pytest.raises(ArgumentError, match="monitor: expected one of 'loss', 'accuracy'; got 'val_loss'"):
        run(cls(), [0.5], monitor="accuracy")
    with pytest.raises(ArgumentError, match="Did you mean 'accuracy'"):
        run(cls("acuracy", mode="max"), [0.5], monitor="accuracy")


def test_the_time_limit_stops_after_a_batch():
    model, limit = Model(), TimeLimit(0.01)
    callbacks = CallbackList(limit, model)
    callbacks.on_train_begin()
    time.sleep(0.011)
    callbacks.on_train_batch_end(0, {})
    assert model.stop_training


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


def test_the_scheduler_refuses_a_rate_that_is_none():
    with pytest.raises(ArgumentError, match="LearningRateScheduler: rate for epoch 0: expected a finite number >= 0"):
        run(LearningRateScheduler(lambda epoch: None), [1])


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"patience": 2, "factor": 0.5}, [1, 1, 1, 1, 1], [0.1, 0.1, 0.05, 0.05, 0.025]),
        ({"patience": 1, "factor": 0.5, "cooldown": 1}, [1, 1, 1, 1], [0.1, 0.05, 0.025, 0.0125]),
        ({"patience": 1, "factor": 0.5, "cooldown": 2}, [1, 1, 1, 1], [0.1, 0.05, 0.05, 0.025]),
        ({"patience": 1, "factor": 0.5, "min_lr": 0.08}, [1, 1, 1], [0.1, 0.08, 0.08]),
        ({"patience": 1, "factor": 0.5}, [3, 2, 1], [0.1, 0.1, 0.1]),
    ],
)
def test_the_rate_falls_on_a_plateau(options, values, rates):
    model, seen = Model(), []
    show = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.optimizer.learning_rate))
    run([ReduceLROnPlateau(**options), show], values, model=model)
    assert seen == pytest.approx(rates)


def test_the_plateau_goes_on_from_its_state():
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
        (lambda: CSVLogger("log.csv", separator=", "), "CSVLogger: separator: expected one character"),
        (lambda: CSVLogger("log.csv", append="yes"), "CSVLogger: append: expected True or False"),
        (lambda: TimeLimit(0), "TimeLimit: seconds: expected a finite number > 0, got 0"),
        (lambda: LambdaCallback(on_epoch_ends=print), "LambdaCallback: hook: .*Did you mean 'on_epoch_end'"),
        (lambda: LambdaCallback(on_epoch_end=3), "LambdaCallback: on_epoch_end: expected a function, got 3"),
        (lambda: ProgressBar("loud"), "verbose: expected 'auto', 0, 1 or 2, got 'loud'"),
        (lambda: ProgressBar(3), "verbose: expected 'auto', 0, 1 or 2, got 3"),
    ],
)
def test_a_bad_argument_is_refused_by_the_constructor(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


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


def test_a_pipe_gets_a_line_an_epoch(capsys):
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


def test_a_terminal_that_tells_no_size_gets_a_bar():
    script = "from minidl.callbacks import ProgressBar; bar = ProgressBar(); bar.on_test_begin(); bar.on_test_end({})"
    terminal, slave = pty.openpty()  # of 0 columns and 0 rows
    subprocess.run([sys.executable, "-c", script], stdout=slave, check=True)
    os.close(slave)
    shown = os.read(terminal, 4096)
    os.close(terminal)
    assert b"Evaluate" in shown


def test_a_bar_looks_at_the_logs_only_when_it_is_drawn(capsys, monkeypatch):
    clock, compute = [0.0], CountedLogs()
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    callbacks = CallbackList(ProgressBar(1), Model())
    callbacks.set_params({"epochs": 1, "steps": 3})
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(0, BatchLogs(compute, 0.75))
    assert compute.computed == 0
    clock[0] = 1.0
    callbacks.on_train_batch_end(1, BatchLogs(compute, 0.25))
    assert compute.computed == 1
    callbacks.on_train_end()
    out = capsys.readouterr().out
    assert "2/3" in out
    assert "loss: 0.25" in out


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


def test_a_program_without_a_console_shows_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    play(ProgressBar("auto"))


def test_evaluate_and_predict_show_a_bar_of_their_own(capsys):
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

"""Checkpoints: a run resumed from any of them equals an uninterrupted run, bit for bit."""

import contextlib
import errno
import linecache
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Dropout, Input, ModelFileError, Sequential, optimizers
from minidl.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TimeLimit,
)
from minidl.errors import ArgumentError, StateError
from minidl.saving import read_file
from minidl.saving.fingerprint import data_fingerprint, function_fingerprint, threads

RATE = optimizers.schedules.CosineDecay(0.05, 20)
OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda: optimizers.Adam(0.01),
    "Adam, schedule": lambda: optimizers.Adam(RATE, clipnorm=0.5),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "AMSGrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01, global_clipnorm=0.5),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "RMSprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "Adagrad": lambda: optimizers.Adagrad(0.05),
    "Lion": lambda: optimizers.Lion(0.01, clipvalue=0.1),
    "LBFGS": lambda: optimizers.LBFGS(),
}


def data(rows=23):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((rows, 3))
    return x, (x[:, 0] + 0.5 * rng.standard_normal(rows) > 0).astype(int)


def model_of(optimizer, seed=None, metrics=("accuracy",)):
    optimizer = optimizer()
    noise = [] if isinstance(optimizer, optimizers.LBFGS) else [Dropout(0.2)]  # which a solver refuses
    model = Sequential([Input((3,)), Dense(5, activation="tanh"), *noise, Dense(2, activation="softmax")], seed=seed)
    model.compile(optimizer, "sparse_categorical_crossentropy", list(metrics))
    return model


class Interrupt(Callback):
    """Ends the run, as Ctrl-C does, after so many calls of a hook."""

    last = True

    def __init__(self, calls, hook="on_train_batch_end"):
        self.calls = calls
        setattr(self, hook, self._count)

    def _count(self, *arguments):
        self.calls -= 1
        if self.calls == 0:
            raise KeyboardInterrupt


class Removing(Callback):
    """Removes a file as soon as it is there."""

    def __init__(self, path):
        self.path = path

    def on_epoch_begin(self, epoch, logs=None):
        self.path.unlink(missing_ok=True)


def fit(model, folder, *callbacks, save_freq=1, **arguments):
    name = "{epoch:02d}-{batch:03d}.safetensors" if save_freq != "epoch" else "{epoch:02d}.safetensors"
    saving = ModelCheckpoint(Path(folder) / name, save_freq=save_freq)
    x, y = data()
    options = {"epochs": 4, "verbose": 0, "validation_split": 0.2} | arguments
    return model.fit(x, y, callbacks=[saving, *callbacks], **options)


def state(model):
    """All that a run leaves behind, as comparable values."""
    return (
        [array.tobytes() for array in model.get_weights()],
        {name: np.asarray(value).tobytes() for name, value in model.optimizer.get_state().items()},
        model.history.history,
        model.history.epoch,
        model.randomness.get_state(),
    )


def check_every_boundary(tmp_path, optimizer, callbacks=list, save_freq=1, hook="on_train_batch_end", **arguments):
    """Interrupt at each call of ``hook`` and resume; return how many boundaries there were."""
    whole = model_of(optimizer, seed=3)
    fit(whole, tmp_path / "whole", *callbacks(), save_freq=save_freq, **arguments)
    for calls in range(1, 1000):
        folder = tmp_path / str(calls)
        cut = model_of(optimizer, seed=3)
        try:
            fit(cut, folder, *callbacks(), Interrupt(calls, hook), save_freq=save_freq, **arguments)
            return calls - 1
        except KeyboardInterrupt:
            pass
        resumed = model_of(optimizer)  # with another seed: that of the run comes from the file
        fit(resumed, folder, *callbacks(), save_freq=save_freq, resume=folder, **arguments)
        assert state(resumed) == state(whole), f"boundary {calls}"
    raise AssertionError


# Going on


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "LBFGS"])
def test_a_run_resumes_bit_for_bit_from_every_batch(tmp_path, name):
    assert check_every_boundary(tmp_path, OPTIMIZERS[name], epochs=3, batch_size=7) == 9


def test_lbfgs_resumes_bit_for_bit_from_every_iteration(tmp_path):
    count = check_every_boundary(tmp_path, OPTIMIZERS["LBFGS"], save_freq="epoch", hook="on_epoch_end", epochs=8)
    assert count >= 2


def test_every_optimizer_is_tried():
    tried = {type(make()).__name__ for make in OPTIMIZERS.values()}
    public = {name for name in optimizers.__all__ if isinstance(getattr(optimizers, name), type)}
    assert tried == public - {"Optimizer"}


@pytest.mark.parametrize(
    "callbacks",
    [
        lambda: [EarlyStopping(patience=1)],
        lambda: [EarlyStopping("loss", patience=0, restore_best_weights=False)],
        lambda: [ReduceLROnPlateau("val_loss", patience=0, factor=0.5)],
        lambda: [LearningRateScheduler(lambda epoch, rate: rate * 0.9)],
        lambda: [EarlyStopping(patience=2), ReduceLROnPlateau(patience=0), TimeLimit(1000)],
    ],
    ids=["early stopping", "stops at once", "plateau", "scheduler", "several"],
)
def test_a_run_resumes_with_its_callbacks(tmp_path, callbacks):
    assert check_every_boundary(tmp_path, OPTIMIZERS["Adam"], callbacks, epochs=3, batch_size=7) >= 3


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 32},
        {"batch_size": 1, "epochs": 1},
        {"shuffle": False, "batch_size": 5, "epochs": 2},
        {"steps_per_epoch": 2, "batch_size": 4},
        {"initial_epoch": 2, "epochs": 4, "batch_size": 9},
        {"class_weight": {1: 3.0}, "batch_size": 9, "epochs": 2},
        {"validation_split": 0.0, "validation_data": data(5), "batch_size": 9, "epochs": 2},
        {"validation_split": 0.3, "split": "stratify", "batch_size": 9, "epochs": 2},
    ],
    ids=str,
)
def test_a_run_resumes_with_its_arguments(tmp_path, arguments):
    assert check_every_boundary(tmp_path, OPTIMIZERS["Adam"], **arguments) >= 2


def test_a_run_resumes_from_every_epoch(tmp_path):
    callbacks = lambda: [EarlyStopping(patience=1)]  # noqa: E731 - a list for each run
    count = check_every_boundary(
        tmp_path, OPTIMIZERS["Adam"], callbacks, save_freq="epoch", hook="on_epoch_end", batch_size=5, epochs=5
    )
    assert count >= 2


@pytest.mark.parametrize("metric", [minidl.metrics.AUC, minidl.metrics.SparseTopKCategoricalAccuracy, "accuracy"])
def test_metrics_resume_in_the_middle_of_an_epoch(tmp_path, metric):
    def run(name, *callbacks, **arguments):
        model = Sequential([Input((3,)), Dense(1, activation="sigmoid")], seed=1)
        if metric is minidl.metrics.SparseTopKCategoricalAccuracy:
            model = Sequential([Input((3,)), Dense(3, activation="softmax")], seed=1)
        loss = "binary_crossentropy" if model.output_shape == (1,) else "sparse_categorical_crossentropy"
        model.compile("sgd", loss, [metric if isinstance(metric, str) else metric()])
        with contextlib.suppress(KeyboardInterrupt):
            fit(model, tmp_path, *callbacks, epochs=2, batch_size=4, **arguments)
        return model

    run("cut", Interrupt(3))
    assert state(run("resumed", resume=tmp_path)) == state(run("whole"))


def test_streams_resume_where_they_were(tmp_path):
    x, y = data(24)

    def batches():
        index = 0
        while True:
            part = slice(index % 24, index % 24 + 5)
            index += 5
            yield x[part], y[part]

    def run(*callbacks, **arguments):
        model = model_of(OPTIMIZERS["Adam"], seed=2)
        saving = ModelCheckpoint(tmp_path / "last.safetensors", save_freq=1)
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(batches(), steps_per_epoch=3, epochs=3, verbose=0, callbacks=[saving, *callbacks], **arguments)
        return model

    whole = run()
    for calls in (1, 3, 5, 8):
        run(Interrupt(calls))
        assert state(run(resume=tmp_path)) == state(whole)


def test_a_finished_run_stays_as_it_is(tmp_path):
    model = model_of(OPTIMIZERS["Adam"], seed=3)
    fit(model, tmp_path, EarlyStopping(patience=1))
    again = model_of(OPTIMIZERS["Adam"])
    fit(again, tmp_path, EarlyStopping(patience=1), resume=tmp_path)
    assert state(again) == state(model)


def test_a_finished_run_can_be_made_longer(tmp_path):
    whole, model = (model_of(OPTIMIZERS["Adam"], seed=3) for _ in range(2))
    fit(whole, tmp_path / "whole", epochs=4)
    fit(model, tmp_path, epochs=2)
    longer = model_of(OPTIMIZERS["Adam"])
    fit(longer, tmp_path, epochs=4, resume=tmp_path)
    assert state(longer) == state(whole)


@pytest.mark.parametrize("optimizer", ["Adam", "LBFGS"])
@pytest.mark.parametrize("epochs", [2, 4])
def test_a_resumed_run_begins_and_ends_the_epochs_that_are_left(tmp_path, optimizer, epochs):
    class Watch(Callback):
        def __init__(self):
            self.seen = []

        def on_epoch_begin(self, epoch, logs=None):
            self.seen.append(("begin", epoch))

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(("end", epoch))

    fit(model_of(OPTIMIZERS[optimizer], seed=3), tmp_path, Watch(), save_freq="epoch", epochs=2)
    watch = Watch()
    resumed = model_of(OPTIMIZERS[optimizer])
    fit(resumed, tmp_path, watch, save_freq="epoch", epochs=epochs, resume=tmp_path)
    assert watch.seen == [(when, epoch) for epoch in range(2, epochs) for when in ("begin", "end")]


def test_a_second_fit_resumes_too(tmp_path):
    def two_fits(*callbacks, **arguments):
        model = model_of(OPTIMIZERS["Adam"], seed=3)
        fit(model, tmp_path / "first", epochs=1)
        with contextlib.suppress(KeyboardInterrupt):
            fit(model, tmp_path / "second", *callbacks, **arguments)
        return model

    two_fits(Interrupt(2))
    resumed = two_fits(resume=tmp_path / "second")
    assert state(resumed) == state(two_fits())


def test_csv_rows_after_the_checkpoint_are_written_again(tmp_path):
    def run(name, *callbacks, **arguments):
        model = model_of(OPTIMIZERS["Adam"], seed=3)
        with contextlib.suppress(KeyboardInterrupt):
            fit(model, tmp_path / "runs", CSVLogger(tmp_path / name), *callbacks, save_freq="epoch", **arguments)
        return (tmp_path / name).read_text()

    whole = run("whole.csv")
    run("log.csv", Interrupt(3, "on_epoch_begin"))
    assert run("log.csv", resume=tmp_path / "runs") == whole


def test_layers_that_were_frozen_in_training_stay_so(tmp_path):
    class Freeze(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.layers[0].trainable = epoch < 1

    def run(*callbacks, **arguments):
        model = model_of(OPTIMIZERS["SGD"], seed=3)
        with contextlib.suppress(KeyboardInterrupt):
            fit(model, tmp_path, *callbacks, Freeze(), batch_size=5, epochs=3, **arguments)
        return model

    whole = run()
    for calls in (2, 5, 6, 9):
        run(Interrupt(calls))
        assert state(run(resume=tmp_path)) == state(whole)


def test_certifying_the_first_batch_again_changes_nothing(tmp_path):
    def run(*callbacks, **arguments):
        model = model_of(OPTIMIZERS["Adam"], seed=3)
        model.compile("adam", model.loss, ["accuracy"], check_gradients="first_batch")
        with contextlib.suppress(KeyboardInterrupt):
            fit(model, tmp_path, *callbacks, batch_size=8, epochs=2, **arguments)
        return model

    whole = run()
    run(Interrupt(3))
    assert state(run(resume=tmp_path)) == state(whole)


def test_lbfgs_has_no_batches_to_save_after(tmp_path):
    with pytest.raises(ArgumentError, match="ModelCheckpoint: save_freq: expected 'epoch' for LBFGS, got 1"):
        fit(model_of(OPTIMIZERS["LBFGS"]), tmp_path, save_freq=1)


# Which file


def interrupted(tmp_path, calls=4):
    with contextlib.suppress(KeyboardInterrupt):
        fit(model_of(OPTIMIZERS["Adam"], seed=3), tmp_path, Interrupt(calls), batch_size=5)
    return sorted(tmp_path.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)


def whole_run(tmp_path):
    model = model_of(OPTIMIZERS["Adam"], seed=3)
    fit(model, tmp_path / "whole", batch_size=5)
    return model


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:50] + b"x" + data[51:]]
)
def test_a_damaged_newest_checkpoint_is_passed_over_and_named(tmp_path, damage):
    newest = interrupted(tmp_path)[-1]
    newest.write_bytes(damage(newest.read_bytes()))
    model = model_of(OPTIMIZERS["Adam"])
    with pytest.warns(UserWarning, match=f"fit: resume: passing over a checkpoint: {newest}: expected"):
        fit(model, tmp_path, batch_size=5, resume=tmp_path)
    assert state(model) == state(whole_run(tmp_path))


def test_if_every_checkpoint_is_damaged_nothing_starts(tmp_path):
    for path in interrupted(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ModelFileError):
            fit(model_of(OPTIMIZERS["Adam"]), tmp_path, batch_size=5, resume=tmp_path)


def test_a_run_resumed_in_the_middle_of_an_epoch_shows_one_line_per_epoch(tmp_path, capsys):
    middle = interrupted(tmp_path, calls=2)[-1]
    fit(model_of(OPTIMIZERS["Adam"]), tmp_path, batch_size=5, resume=middle, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines.pop(0).startswith("fit: resuming from ")
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/4", "Epoch 2/4", "Epoch 3/4", "Epoch 4/4"]


def test_a_silent_run_resumes_silently(tmp_path, capsys):
    interrupted(tmp_path)
    fit(model_of(OPTIMIZERS["Adam"]), tmp_path, batch_size=5, resume=tmp_path, verbose=0)
    fit(model_of(OPTIMIZERS["Adam"]), tmp_path / "new", batch_size=5, resume=tmp_path / "none", verbose=0)
    assert capsys.readouterr() == ("", "")


def test_a_file_can_be_named_instead_of_a_folder(tmp_path):
    paths = interrupted(tmp_path)
    model = model_of(OPTIMIZERS["Adam"])
    fit(model, tmp_path, batch_size=5, resume=str(paths[1]))
    assert state(model) == state(whole_run(tmp_path))


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_or_missing_folder_starts_at_the_beginning(tmp_path, there):
    model = model_of(OPTIMIZERS["Adam"], seed=3)
    if there:
        (tmp_path / "runs").mkdir()
    fit(model, tmp_path / "runs", batch_size=5, resume=tmp_path / "runs")
    assert state(model) == state(whole_run(tmp_path))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such\.safetensors"):
        fit(model_of(OPTIMIZERS["Adam"]), tmp_path, resume=tmp_path / "no such.safetensors")


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), PermissionError(errno.EACCES, "denied")])
def test_a_newest_checkpoint_that_cannot_be_read_is_passed_over(tmp_path, monkeypatch, error):
    newest, read = interrupted(tmp_path)[-1], Path.open

    def open_or_fail(path, *arguments, **keywords):
        if path == newest and arguments == ("rb",):
            raise error
        return read(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", open_or_fail)
    model = model_of(OPTIMIZERS["Adam"])
    with pytest.warns(UserWarning, match=rf"passing over a checkpoint: .*{error.strerror}.*{newest.name}"):
        fit(model, tmp_path, batch_size=5, resume=tmp_path)
    monkeypatch.undo()
    assert state(model) == state(whole_run(tmp_path))


def test_a_link_to_nowhere_in_the_folder_does_not_matter(tmp_path):
    interrupted(tmp_path)
    (tmp_path / "latest.safetensors").symlink_to(tmp_path / "gone.safetensors")
    model = model_of(OPTIMIZERS["Adam"])
    fit(model, tmp_path, batch_size=5, resume=tmp_path)
    assert state(model) == state(whole_run(tmp_path))


def test_other_files_in_the_folder_do_not_matter(tmp_path):
    interrupted(tmp_path)
    (tmp_path / "log.csv").write_text("epoch,loss\n")
    (tmp_path / "old.safetensors").mkdir()
    (tmp_path / f".01-001.safetensors.{'0f' * 8}.minidl").write_bytes(b"left by a kill")
    others = [f".notes.{'0f' * 8}.minidl", ".notes.minidl", ".01-001.safetensors.minidl.bak"]
    for name in others:
        (tmp_path / name).write_text("mine")
    model = model_of(OPTIMIZERS["Adam"])
    fit(model, tmp_path, batch_size=5, resume=tmp_path)
    assert state(model) == state(whole_run(tmp_path))
    assert {path.name for path in tmp_path.glob(".*")} == set(others)


def test_a_model_alone_is_no_checkpoint(tmp_path):
    model = model_of(OPTIMIZERS["Adam"])
    model.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="expected a checkpoint with a training run, got a model alone"):
        fit(model, tmp_path, resume=tmp_path / "model")


def test_a_run_of_format_1_is_not_resumed(tmp_path):
    path = Path(__file__).parent / "data" / "format-1-run.safetensors"
    with pytest.raises(ModelFileError, match=r"got one of format 1, not 2\. Use load_model and fit"):
        fit(model_of(OPTIMIZERS["Adam"]), tmp_path, resume=path)


def test_numbers_and_flags_of_numpy_are_resumed_too(tmp_path):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = np.float64(logs["loss"]) < 0

    arguments = {"initial_epoch": np.int64(1), "epochs": np.int64(3), "shuffle": np.True_, "batch_size": 9}
    assert check_every_boundary(tmp_path, OPTIMIZERS["Adam"], lambda: [Stop()], **arguments) >= 2


def test_a_checkpoint_is_a_model_file_too(tmp_path):
    newest = interrupted(tmp_path)[-1]
    model = minidl.load_model(newest)
    assert model.predict(data()[0]).shape == (23, 2)
    assert model.optimizer.iterations == 4


# Another run


def differences(tmp_path, make=None, x_and_y=None, **arguments):
    """What resuming an interrupted run of Adam says to another one."""
    path = interrupted(tmp_path)[-1]
    model = make() if make else model_of(OPTIMIZERS["Adam"])
    before = state_before(model)
    x, y = x_and_y or data()
    options = {"batch_size": 5, "epochs": 4, "verbose": 0, "validation_split": 0.2} | arguments
    with pytest.raises(ArgumentError, match=f"fit: cannot resume from {path}, because this run differs") as error:
        model.fit(
            x, y, resume=tmp_path, callbacks=options.pop("callbacks", [ModelCheckpoint(tmp_path / "x")]), **options
        )
    assert state_before(model) == before
    return str(error.value)


def state_before(model):
    return [array.tobytes() for array in model.get_weights()], model.seed, model.optimizer.iterations


def other_model(**changes):
    def make():
        units, rate = changes.get("units", 5), changes.get("rate", 0.2)
        model = Sequential(
            [Input((3,)), Dense(units, activation="tanh"), Dropout(rate), Dense(2, activation="softmax")],
            dtype=changes.get("dtype", "float32"),
        )
        loss = changes.get("loss", "sparse_categorical_crossentropy")
        model.compile(changes.get("optimizer", optimizers.Adam(0.01)), loss, changes.get("metrics", ["accuracy"]))
        return model

    return make


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"units": 6}, "model: config: layers 0: config: units: expected 5, got 6"),
        ({"rate": 0.3}, "model: config: layers 1: config: rate: expected 0.2, got 0.3"),
        ({"dtype": "float64"}, "model: config: dtype: expected float32, got float64"),
        ({"optimizer": "sgd"}, "optimizer: class: expected Adam, got SGD"),
        ({"optimizer": optimizers.Adam(0.02)}, "fit: learning_rate: expected 0.01, got 0.02"),
        ({"optimizer": optimizers.Adam(RATE)}, "optimizer: config: learning_rate: expected None, got CosineDecay"),
        ({"optimizer": optimizers.Adam(0.01, beta_1=0.8)}, "optimizer: config: beta_1: expected 0.9, got 0.8"),
        ({"metrics": []}, "metrics: expected 1 items, got 0 items"),
    ],
    ids=str,
)
def test_another_model_is_refused_with_the_difference(tmp_path, changes, words):
    assert words in differences(tmp_path, other_model(**changes))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x[:-1], y[:-1]), "fit: data: rows: expected 18, got 17"),
        (lambda x, y: (x + 1, y), "fit: data: x: expected float32 (23, 3), SHA-256"),
        (lambda x, y: (x, 1 - y), "fit: data: y: expected"),
        (lambda x, y: (x[::-1], y[::-1]), "fit: data: x: expected"),
    ],
)
def test_other_data_are_refused_with_the_difference(tmp_path, change, words):
    assert words in differences(tmp_path, x_and_y=change(*data()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_size": 6}, "fit: batch_size: expected 5, got 6"),
        ({"shuffle": False}, "fit: shuffle: expected True, got False"),
        ({"validation_split": 0.4}, "fit: data: rows: expected 18, got 13"),
        ({"validation_split": 0, "validation_data": data()}, "fit: validation: rows: expected 5, got 23"),
        ({"sample_weight": np.ones(23)}, "fit: data: sample_weight: expected None, got float"),
        ({"steps_per_epoch": 2}, "fit: steps_per_epoch: expected None, got 2"),
        ({"callbacks": []}, "callbacks: expected a ModelCheckpoint, got none"),
    ],
    ids=str,
)
def test_other_arguments_are_refused_with_the_difference(tmp_path, arguments, words):
    assert words in differences(tmp_path, **arguments)


def changed(row, column, value):
    def change(x, y):
        x = x.copy()
        x[row, column] = value
        return x, y

    return change


@pytest.mark.parametrize("row", [0, 4321, 4999])
def test_one_changed_row_of_5000_is_noticed(tmp_path, row):
    x, y = np.tile(data(50)[0], (100, 1)), np.tile(data(50)[1], 100)

    def run(x, *callbacks, **arguments):
        saving = ModelCheckpoint(tmp_path / "{epoch}")
        model = model_of(OPTIMIZERS["Adam"])
        model.fit(x, y, batch_size=2500, epochs=3, verbose=0, callbacks=[saving, *callbacks], **arguments)

    with pytest.raises(KeyboardInterrupt):
        run(x, Interrupt(1, "on_epoch_end"))
    other, _ = changed(row, 1, 0.5)(x, y)
    with pytest.raises(ArgumentError, match=r"fit: data: x: expected float32 \(5000, 3\), SHA-256"):
        run(other, resume=tmp_path)
    run(x, resume=tmp_path)


def stream_of(x, y):
    return [(x[start : start + 5], y[start : start + 5]) for start in range(0, 20, 5)]


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (
            {"class_weight": {0: 1.0, 1: 2.0}},
            {"class_weight": {0: 1.0, 1: 3.0}},
            "fit: class_weight: 1: expected 2, got 3",
        ),
        ({"class_weight": None}, {"class_weight": {1: 3.0}}, "fit: class_weight: expected None, got {'1': 3}"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_other_class_weights_are_refused(tmp_path, before, now, words, stream):
    def run(*callbacks, **arguments):
        x, y = data()
        given = (stream_of(x, y), None) if stream else (x, y)
        saving = ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=1)
        model_of(OPTIMIZERS["Adam"]).fit(*given, epochs=2, verbose=0, callbacks=[saving, *callbacks], **arguments)

    with contextlib.suppress(KeyboardInterrupt):
        run(Interrupt(1), **before)
    with pytest.raises(ArgumentError) as error:
        run(resume=tmp_path, **now)
    assert words in str(error.value)
    run(resume=tmp_path, **before)


def resumed(tmp_path, first, second, **arguments):
    """The message when a run with callbacks or a seed is resumed with different ones."""
    for name, (seed, callbacks, options) in {"first": first, "second": second}.items():
        model = model_of(options.pop("optimizer", OPTIMIZERS["Adam"]), seed=seed)
        model.layers[0].trainable = options.pop("trainable", True)
        if name == "first":
            with contextlib.suppress(KeyboardInterrupt):
                fit(model, tmp_path, *callbacks, Interrupt(4), batch_size=5, **options)
        else:
            before = state_before(model)
            with pytest.raises(ArgumentError, match="because this run differs from the one that wrote it") as error:
                fit(model, tmp_path, *callbacks, batch_size=5, resume=tmp_path, **options)
            assert state_before(model) == before
    return str(error.value)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ((3, [], {}), (4, [], {}), "seed: expected 3, got 4"),
        ((None, [], {"trainable": False}), (None, [], {}), "fit: frozen: expected 2 items, got 0 items"),
        ((None, [], {}), (None, [], {"trainable": False}), "fit: frozen: expected 0 items, got 2 items"),
        ((3, [], {}), (3, [], {"initial_epoch": 1}), "fit: initial_epoch: expected 0, got 1"),
        ((3, [], {}), (3, [], {"split": "last"}), "fit: split: expected shuffle, got last"),
        ((3, [], {}), (3, [], {"validation_freq": 2}), "fit: validation_freq: expected 1, got 2"),
        ((3, [], {}), (3, [EarlyStopping()], {}), "fit: callbacks: expected 1 items, got 2 items"),
        (
            (3, [EarlyStopping(patience=3)], {}),
            (3, [EarlyStopping(patience=4)], {}),
            "fit: callbacks 0: patience: expected 3, got 4",
        ),
        (
            (3, [EarlyStopping(patience=9), ReduceLROnPlateau(patience=5)], {}),
            (3, [ReduceLROnPlateau(patience=5), EarlyStopping(patience=9)], {}),
            "fit: callbacks 0: class: expected EarlyStopping, got ReduceLROnPlateau",
        ),
        ((3, [TimeLimit(100)], {}), (3, [TimeLimit(200)], {}), "fit: callbacks 0: seconds: expected 100, got 200"),
        (
            (3, [LearningRateScheduler(lambda epoch, rate: rate * 0.9)], {}),
            (3, [LearningRateScheduler(lambda epoch, rate: rate * 0.8)], {}),
            "fit: callbacks 0: schedule: expected function",
        ),
        (
            (3, [], {"optimizer": lambda: optimizers.Adam(lambda step: 0.01)}),
            (3, [], {"optimizer": lambda: optimizers.Adam(lambda step: 0.02)}),
            "fit: functions: <lambda>: expected",
        ),
        (
            (3, [], {"optimizer": lambda: optimizers.Adam(rate_of(0.01))}),
            (3, [], {"optimizer": lambda: optimizers.Adam(rate_of(0.02))}),
            "fit: functions: rate: expected",
        ),
        (
            (3, [], {"optimizer": lambda: optimizers.Adam(rate_by_keyword(0.01))}),
            (3, [], {"optimizer": lambda: optimizers.Adam(rate_by_keyword(0.02))}),
            "fit: functions: <lambda>: expected",
        ),
    ],
)
def test_a_changed_script_is_refused_with_the_difference(tmp_path, first, second, words):
    assert words in resumed(tmp_path, first, second)


def test_a_changed_function_of_a_layer_is_refused_with_the_difference(tmp_path):
    def run(initializer, *callbacks, **arguments):
        model = Sequential([Input((3,)), Dense(1, kernel_initializer=initializer)], seed=3)
        model.compile("sgd", "mse")
        saving = ModelCheckpoint(tmp_path / "{epoch}")
        model.fit(*data(), epochs=2, verbose=0, callbacks=[saving, *callbacks], **arguments)

    with contextlib.suppress(KeyboardInterrupt):
        run(lambda rng, shape, dtype: np.ones(shape, dtype), Interrupt(1, "on_epoch_end"))
    with pytest.raises(ArgumentError, match="fit: functions: <lambda>: expected"):
        run(lambda rng, shape, dtype: np.zeros(shape, dtype), resume=tmp_path)


def rate_of(value):
    def rate(step):
        return value

    return rate


def rate_by_keyword(value):
    return lambda step, *, rate=value: rate


def test_what_changes_no_result_may_change(tmp_path):
    whole = whole_run(tmp_path)
    with contextlib.suppress(KeyboardInterrupt):
        fit(model_of(OPTIMIZERS["Adam"], seed=3), tmp_path / "a", Interrupt(4), batch_size=5)
    (tmp_path / "a").rename(tmp_path / "b")
    model = model_of(OPTIMIZERS["Adam"], seed=3)
    options = {"batch_size": np.int64(5), "shuffle": np.True_, "verbose": 2}
    fit(model, tmp_path / "b", Interrupt(10**9), resume=tmp_path / "b", **options)
    assert state(model) == state(whole)


def test_data_on_disk_are_known_by_size_time_and_a_sample(tmp_path):
    def run(*callbacks, **arguments):
        x, y = np.lib.format.open_memmap(tmp_path / "x.npy"), data()[1]
        saving = ModelCheckpoint(tmp_path / "runs" / "{epoch}")
        model_of(OPTIMIZERS["Adam"]).fit(x, y, epochs=2, verbose=0, callbacks=[saving, *callbacks], **arguments)

    np.save(tmp_path / "x.npy", data()[0])
    with contextlib.suppress(KeyboardInterrupt):
        run(Interrupt(1, "on_epoch_end"))
    run(resume=tmp_path / "runs")
    status = (tmp_path / "x.npy").stat()
    os.utime(tmp_path / "x.npy", ns=(0, status.st_mtime_ns + 1))
    with pytest.raises(ArgumentError, match=r"fit: data: x: expected float64.* bytes of"):
        run(resume=tmp_path / "runs")


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"])
def test_another_number_of_threads_is_a_warning(tmp_path, monkeypatch, name):
    for other in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr(sys, "modules", {key: value for key, value in sys.modules.items() if key != "threadpoolctl"})
    monkeypatch.setenv(name, "1")
    interrupted(tmp_path)
    monkeypatch.setenv(name, "3")
    with pytest.warns(UserWarning, match=r"fit: resume: the last digits may differ.*threads: expected 1, got 3"):
        fit(model_of(OPTIMIZERS["Adam"]), tmp_path, batch_size=5, resume=tmp_path)


def test_other_libraries_are_a_warning(tmp_path, monkeypatch):
    interrupted(tmp_path)
    monkeypatch.setattr(np, "__version__", "9.9")
    with pytest.warns(UserWarning, match=r"fit: resume: the last digits may differ.*numpy: expected .*, got 9\.9"):
        fit(model_of(OPTIMIZERS["Adam"]), tmp_path, batch_size=5, resume=tmp_path)


def test_warnings_name_the_line_that_calls_fit(tmp_path, monkeypatch):
    newest = interrupted(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    monkeypatch.setattr(np, "__version__", "9.9")
    with pytest.warns(UserWarning, match="fit: resume") as found:
        fit(model_of(OPTIMIZERS["Adam"]), tmp_path, batch_size=5, resume=tmp_path)
    assert [str(each.message).split(":")[2] for each in found] == [
        " passing over a checkpoint",
        " the last digits may differ from the run's",
    ]
    assert {linecache.getline(each.filename, each.lineno).split("(")[0].strip() for each in found} == {
        "return model.fit"
    }


# ModelCheckpoint


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_epochs_in_names_count_from_1_and_logs_can_be_named(tmp_path):
    x, y = data()
    model = model_of(OPTIMIZERS["Adam"])
    callback = ModelCheckpoint(tmp_path / "new" / "{epoch:02d}-{val_loss:.3f}.safetensors")
    model.fit(x, y, epochs=2, validation_split=0.2, callbacks=callback, verbose=0)
    losses = model.history.history["val_loss"]
    assert names(tmp_path / "new") == sorted(f"{i + 1:02d}-{loss:.3f}.safetensors" for i, loss in enumerate(losses))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["1", "2", "3", "4", "5"]),
        ({"every": 2}, ["2", "4"]),
        ({"every": 3}, ["3"]),
        ({"keep_last": 2}, ["4", "5"]),
        ({"keep_last": 1, "every": 2}, ["4"]),
    ],
)
def test_which_epochs_are_saved_and_kept(tmp_path, arguments, expected):
    x, y = data()
    model_of(OPTIMIZERS["Adam"]).fit(
        x, y, epochs=5, callbacks=ModelCheckpoint(tmp_path / "{epoch}", **arguments), verbose=0
    )
    assert names(tmp_path) == expected


def test_files_of_other_names_in_a_state_are_not_removed_later():
    callback = ModelCheckpoint("runs/{epoch}")
    callback.set_state({"best": None, "saved_at": 0, "paths": ["runs/1", "other/1", "runs/1/2", 3]})
    assert callback.paths == ["runs/1"]


def test_names_of_files_after_batches_may_hold_the_logs(tmp_path):
    x, y = data()
    saving = ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss:.4f}-{accuracy:.4f}", save_freq=2)
    expected = []
    watch = LambdaCallback(
        on_train_batch_end=lambda batch, logs: expected.append(f"{logs['loss']:.4f}-{logs['accuracy']:.4f}")
    )
    model_of(OPTIMIZERS["Adam"]).fit(x, y, batch_size=5, callbacks=[saving, watch], verbose=0)
    assert names(tmp_path) == [f"1-2-{expected[1]}", f"1-4-{expected[3]}"]


def test_files_that_a_killed_process_left_incomplete_are_removed(tmp_path):
    left, other = (tmp_path / f".{name}.0123456789abcdef.minidl" for name in ("3.safetensors", "x.bin"))
    left.write_text("")
    other.write_text("")
    x, y = data()
    model_of(OPTIMIZERS["Adam"]).fit(x, y, callbacks=ModelCheckpoint(tmp_path / "{epoch}.safetensors"), verbose=0)
    assert names(tmp_path) == sorted([other.name, "1.safetensors"])


@pytest.mark.parametrize(("double", "expected"), [(False, ["4"]), (True, ["3", "4"])])
def test_a_backup_keeps_the_file_before_on_request(tmp_path, double, expected):
    x, y = data()
    backup = BackupAndRestore(tmp_path, double_checkpoint=double, delete_checkpoint=False)
    model_of(OPTIMIZERS["Adam"]).fit(x, y, epochs=4, callbacks=backup, verbose=0)
    assert names(tmp_path) == [f"{epoch}.safetensors" for epoch in expected]


def test_a_file_that_somebody_has_removed_is_not_missed(tmp_path):
    x, y = data()
    model, removing = model_of(OPTIMIZERS["Adam"]), Removing(tmp_path / "1")
    callbacks = [ModelCheckpoint(tmp_path / "{epoch}", keep_last=1), removing]
    model.fit(x, y, epochs=3, callbacks=callbacks, verbose=0)
    assert names(tmp_path) == ["3"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("runs/{epoch:02d}/m.safetensors", ["runs/01/m.safetensors", "runs/02/m.safetensors"]),
        ("{epoch}/{batch}", ["1/2", "1/4", "2/1", "2/3", "2/5"]),
        ("a/run-{epoch}/b/m", ["a/run-1/b/m", "a/run-2/b/m"]),
    ],
)
def test_folders_are_made_from_formatted_names_only(tmp_path, name, expected):
    x, y = data()  # 5 batches an epoch
    saving = ModelCheckpoint(tmp_path / name, save_freq=2 if "batch" in name else "epoch")
    model_of(OPTIMIZERS["Adam"]).fit(x, y, batch_size=5, epochs=2, callbacks=saving, verbose=0)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == expected
    assert not list(tmp_path.rglob("*{*"))


@pytest.mark.parametrize("name", ["{epoch}{nope}", "{epoch:q}", "{}", "{epoch", "{batch}", "{val_loss:.2f}"])
def test_a_name_that_cannot_be_formatted_is_refused_before_a_folder_is_made(tmp_path, name):
    model, (x, y) = model_of(OPTIMIZERS["Adam"]), data()
    with pytest.raises(ArgumentError, match="filepath: expected only the names epoch, loss, accuracy, learning_rate"):
        model.fit(x, y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "runs" / name)])
    assert not (tmp_path / "runs").exists()
    assert model.optimizer.iterations == 0


def test_a_tilde_is_the_home_folder_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    x, y = data()
    model = model_of(OPTIMIZERS["Adam"])
    callbacks = [ModelCheckpoint("~/runs/{epoch}"), CSVLogger("~/logs/log.csv")]
    model.fit(x, y, callbacks=callbacks, verbose=0)
    model.history.to_csv("~/history.csv")
    model.save("~/model")
    minidl.load_model("~/model").fit(x, y, epochs=2, verbose=0)
    model_of(OPTIMIZERS["Adam"]).fit(x, y, callbacks=callbacks, resume="~/runs", verbose=0)
    assert names(tmp_path) == ["history.csv", "logs", "model", "runs"]


def test_every_n_batches_count_over_the_epochs(tmp_path):
    x, y = data()  # 5 batches an epoch
    model = model_of(OPTIMIZERS["Adam"])
    model.fit(
        x, y, batch_size=5, epochs=2, callbacks=ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=3), verbose=0
    )
    assert names(tmp_path) == ["1-3", "2-1", "2-4"]


def test_only_the_best_is_saved(tmp_path):
    class Logs(Callback):
        def __init__(self, values):
            self.values = values

        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = self.values[epoch]

    x, y = data()
    for mode, expected in (("max", ["1", "3"]), ("min", ["1", "2", "5"])):
        callback = ModelCheckpoint(tmp_path / mode / "{epoch}", "score", save_best_only=True, mode=mode)
        model_of(OPTIMIZERS["Adam"]).fit(x, y, epochs=5, callbacks=[callback, Logs([3, 2, 4, 4, 1])], verbose=0)
        assert names(tmp_path / mode) == expected


def test_a_file_that_cannot_be_written_stops_the_run_with_its_path(tmp_path):
    x, y = data()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        model_of(OPTIMIZERS["Adam"]).fit(x, y, callbacks=ModelCheckpoint(tmp_path / "file" / "x"), verbose=0)


def test_the_folder_is_made_before_training_begins(tmp_path):
    x, y = data()
    model_of(OPTIMIZERS["Adam"]).fit(x, y, epochs=0, callbacks=ModelCheckpoint(tmp_path / "a" / "b" / "x"), verbose=0)
    assert (tmp_path / "a" / "b").is_dir()


def test_a_program_may_change_its_folder_while_it_trains(tmp_path, monkeypatch):
    class Leave(Callback):
        def on_epoch_end(self, epoch, logs=None):
            os.chdir(tmp_path / "elsewhere")

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    saving = ModelCheckpoint("runs/{epoch}", keep_last=2)
    x, y = data()
    model_of(OPTIMIZERS["Adam"]).fit(x, y, epochs=3, callbacks=[saving, CSVLogger("runs/log.csv"), Leave()], verbose=0)
    assert names(tmp_path / "runs") == ["2", "3", "log.csv"]
    assert names(tmp_path / "elsewhere") == []


def test_a_line_tells_of_each_file(tmp_path, capsys):
    x, y = data()
    model_of(OPTIMIZERS["Adam"]).fit(x, y, callbacks=ModelCheckpoint(tmp_path / "x", verbose=1), verbose=0)
    assert capsys.readouterr().out == f"Epoch 1: saved {tmp_path / 'x'}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"filepath": 3}, "ModelCheckpoint: filepath: expected the path of a file, got 3"),
        ({"filepath": "{epoch}.h5"}, r"filepath: expected a name for a safetensors file.* Use '{epoch}.safetensors'"),
        ({"filepath": "s3://bucket/{epoch}"}, "ModelCheckpoint: filepath: expected the path of a file, got 's3:"),
        ({"save_freq": 0}, "ModelCheckpoint: save_freq"),
        ({"save_freq": "batch"}, "ModelCheckpoint: save_freq"),
        ({"save_freq": True}, "ModelCheckpoint: save_freq"),
        ({"every": 0}, "ModelCheckpoint: every: expected an integer of at least 1, got 0"),
        ({"keep_last": 0}, "ModelCheckpoint: keep_last"),
        ({"save_best_only": 1}, "ModelCheckpoint: save_best_only: expected True or False"),
        ({"save_best_only": True, "mode": "best"}, "ModelCheckpoint: mode"),
        ({"save_best_only": True, "monitor": ""}, "ModelCheckpoint: monitor: expected the name of a value"),
        ({"initial_value_threshold": "x"}, "ModelCheckpoint: initial_value_threshold"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        ModelCheckpoint(**({"filepath": "x"} | arguments))


@pytest.mark.parametrize("name", ["{loss", "{no_such}", "{epoch:.2q}", "{}"])
def test_a_name_that_the_logs_do_not_fill_is_refused(tmp_path, name):
    x, y = data()
    with pytest.raises(ArgumentError, match="ModelCheckpoint: filepath: expected only the names epoch, loss, accuracy"):
        model_of(OPTIMIZERS["Adam"]).fit(x, y, callbacks=ModelCheckpoint(tmp_path / name), verbose=0)


# A process that is killed

RUN = textwrap.dedent("""
    import sys
    import numpy as np
    import minidl
    from minidl import Dense, Dropout, Input, Sequential
    from minidl.callbacks import ModelCheckpoint

    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 10))
    y = (x[:, 0] > 0).astype(int)
    layers = [Input((10,)), Dense(200, activation="relu"), Dropout(0.1), Dense(2, activation="softmax")]
    model = Sequential(layers, seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    folder, result, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    saving = ModelCheckpoint(folder + "/{epoch:03d}-{batch:03d}.safetensors", save_freq=1, keep_last=3)
    print("ready", flush=True)
    model.fit(x, y, batch_size=16, epochs=epochs, verbose=0, validation_split=0.1, callbacks=[saving], resume=folder)
    np.savez(result, *model.get_weights(), loss=model.history.history["val_loss"])
""")


def start(folder, result, epochs):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(minidl.__file__).parent.parent)}
    command = [sys.executable, "-W", "error", "-c", RUN, str(folder), str(result), str(epochs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def survive(tmp_path, kills, epochs, longest):
    """Kill a training process ``kills`` times, at random moments; return how many files were read, and runs ended."""
    folder, result = tmp_path / "runs", tmp_path / "cut.npz"
    whole = start_in(tmp_path, "whole", epochs)
    killed = files = runs = 0
    while not runs or killed < kills:
        folder.mkdir(exist_ok=True)
        process = start(folder, result, epochs)
        process.stdout.readline()
        if killed < kills:
            time.sleep(random.uniform(0, longest))
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert not errors, errors.decode()
        for path in folder.glob("*.safetensors"):
            read_file(path)  # no file that does not load, ever
            files += 1
        if process.returncode == -signal.SIGKILL:
            killed += 1
            continue
        assert process.returncode == 0
        with np.load(whole) as expected, np.load(result) as found:
            for name in expected.files:
                np.testing.assert_array_equal(found[name], expected[name])
        runs += 1
        shutil.rmtree(folder)  # it ended before it was killed often enough: another one
    return files, runs


def start_in(tmp_path, name, epochs):
    (tmp_path / name).mkdir()
    process = start(tmp_path / name, tmp_path / f"{name}.npz", epochs)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return tmp_path / f"{name}.npz"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_run_survives_kills_at_random_moments(tmp_path):
    survive(tmp_path, kills=5, epochs=10, longest=0.2)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_run_survives_200_kills_at_random_moments(tmp_path, record_property):
    files, runs = survive(tmp_path, kills=200, epochs=400, longest=0.15)
    text = f"kills: 200 survived, {files} files read, 0 that do not load, {runs} runs ended, 0 differences"
    record_property("figure", text)


# The suite has power


@pytest.mark.parametrize("forgotten", ["passes", "optimizer", "epoch", "batch", "scores", "history"])
def test_a_checkpoint_that_forgets_something_is_noticed(tmp_path, monkeypatch, forgotten):
    from minidl.saving import Checkpoint

    apply = Checkpoint.apply

    def forgetful(self, model, run):
        passes, loss = model.randomness.passes, run.scores.loss
        apply(self, model, run)
        if forgotten == "passes":
            model.randomness.passes = passes
        elif forgotten == "optimizer":
            model.optimizer.state = {}
        elif forgotten == "epoch":
            model.randomness.epochs = 0
        elif forgotten == "batch":
            run.batch = 0
        elif forgotten == "scores":
            run.scores.loss = loss
        else:
            model.history.history.clear()

    monkeypatch.setattr(Checkpoint, "apply", forgetful)
    with pytest.raises(AssertionError, match="boundary"):
        check_every_boundary(
            tmp_path, OPTIMIZERS["Adam"], lambda: [ReduceLROnPlateau(patience=0), EarlyStopping(patience=1)],
            epochs=4, batch_size=5,
        )  # fmt: skip


def test_functions_with_the_same_code_and_values_have_the_same_fingerprint():
    def made(factor, name=None):
        return lambda x: x * factor if name is None else x

    assert function_fingerprint(made(2)) == function_fingerprint(made(2))
    assert function_fingerprint(made(2)) != function_fingerprint(made(3))
    assert function_fingerprint(made(2)) != function_fingerprint(made(2, "x"))


def test_no_data_have_an_empty_fingerprint():
    assert data_fingerprint(None) == {}


@pytest.mark.parametrize(("variables", "expected"), [({"OPENBLAS_NUM_THREADS": "7"}, "7"), ({}, None)])
def test_threads_are_those_of_the_environment_or_the_processors(monkeypatch, variables, expected):
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert threads() == (expected or "1")
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_folder_as_the_file_of_a_checkpoint_is_refused_before_training(tmp_path):
    model, (x, y) = model_of(OPTIMIZERS["Adam"]), data()
    before = model.get_weights()
    with pytest.raises(IsADirectoryError, match="expected a regular file, or none, got a folder"):
        model.fit(x, y, verbose=0, callbacks=[ModelCheckpoint(tmp_path)])
    assert all(map(np.array_equal, model.get_weights(), before))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_checkpoint_outside_of_fit_is_refused(compiled, tmp_path):
    model = Sequential([Input((2,)), Dense(1)])
    if compiled:
        model.compile("adam", "mse")
    with pytest.raises(StateError, match=r"^save_checkpoint: expected a model in fit, such as in a callback\. "):
        model.save_checkpoint(tmp_path / "m.safetensors")
    assert not any(tmp_path.iterdir())

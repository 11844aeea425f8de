"""How runs begin and end: what a script that is run again does, why training has stopped, weights alone."""

import os
import signal

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, ModelFileError, Sequential
from minidl.callbacks import BackupAndRestore, BatchLogs, Callback, EarlyStopping, LambdaCallback, TimeLimit
from minidl.callbacks.progress import ProgressBar
from minidl.errors import ArgumentError, StateError

X = np.random.default_rng(0).standard_normal((20, 3))
Y = np.arange(20) % 2


def new_model(optimizer="adam", units=2, **arguments):
    model = Sequential([Input((3,)), Dense(units, activation="softmax")], seed=0, **arguments)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def interrupt_at(epoch):
    def raise_error(now, logs):
        if now == epoch:
            raise RuntimeError("power")

    return LambdaCallback(on_epoch_begin=raise_error)


# A script that is run again


def test_backup_and_restore_resumes_and_removes_the_backup(tmp_path):
    whole = new_model()
    whole.fit(X, Y, epochs=5, verbose=0)
    folder = tmp_path / "backup"
    with pytest.raises(RuntimeError, match="power"):
        new_model().fit(X, Y, epochs=5, verbose=0, callbacks=[BackupAndRestore(folder), interrupt_at(3)])
    assert [path.name for path in folder.iterdir()] == ["3.safetensors"]
    begun, again = [], new_model()
    look = LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    history = again.fit(X, Y, epochs=5, verbose=0, callbacks=[BackupAndRestore(folder), look])
    assert begun == [3, 4]
    assert history.history == whole.history.history
    np.testing.assert_array_equal(again.parameters.values, whole.parameters.values)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({"delete_checkpoint": False}, ["2.safetensors"]),
        ({"delete_checkpoint": False, "double_checkpoint": True}, ["1.safetensors", "2.safetensors"]),
        ({"delete_checkpoint": False, "save_freq": 3}, ["2.safetensors"]),
    ],
)
def test_backups_are_kept_on_request(tmp_path, arguments, left):
    folder = tmp_path / "{epoch}"
    new_model().fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=BackupAndRestore(folder, **arguments))
    assert sorted(path.name for path in folder.iterdir()) == left


def test_a_backup_that_somebody_has_removed_is_not_missed(tmp_path):
    remove = LambdaCallback(on_train_end=lambda logs: (tmp_path / "b" / "1.safetensors").unlink())
    new_model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b"), remove])
    assert list(tmp_path.iterdir()) == []


def test_other_files_in_the_folder_of_a_backup_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    new_model().fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("arguments", [{"backup_dir": 3}, {"delete_checkpoint": "no"}, {"save_freq": 0}])
def test_a_wrong_backup_is_refused(arguments):
    with pytest.raises(ArgumentError, match=f"{next(iter(arguments))}.*expected"):
        BackupAndRestore(**{"backup_dir": "x", **arguments})


def test_a_line_says_that_a_run_begins_or_resumes(tmp_path, capsys):
    def run():
        callbacks = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
        new_model().fit(X, Y, batch_size=5, epochs=1, verbose=2, callbacks=callbacks)
        return capsys.readouterr().out.splitlines()

    first, second = run(), run()
    assert first[0] == f"fit: no checkpoint in {tmp_path / 'b'}: starting at the beginning."
    assert first[1].startswith("Epoch 1/1")
    assert second == [f"fit: resuming from {tmp_path / 'b' / '1.safetensors'}, epoch 2, batch 0."]


def test_nothing_is_said_where_fit_is_silent(tmp_path, capsys):
    new_model().fit(X, Y, verbose=0, resume=tmp_path)
    assert capsys.readouterr().out == ""


# Why training has ended


class Enough(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        ([], "epoch 3 of 3 is done"),
        ([Enough()], "Enough: model.stop_training is set"),
        (
            [EarlyStopping("loss", patience=1, min_delta=100)],
            "EarlyStopping: loss has not improved since epoch 1; the weights are those of epoch 1",
        ),
        (
            [EarlyStopping("loss", patience=1, min_delta=100, restore_best_weights=False)],
            "EarlyStopping: loss has not improved since epoch 1",
        ),
        ([EarlyStopping("loss", patience=9)], "epoch 3 of 3 is done; the weights are those of epoch 3"),
        ([TimeLimit(1e-9)], "TimeLimit: 1e-09 seconds have passed"),
    ],
)
def test_history_says_why_training_has_ended(callbacks, words):
    history = new_model().fit(X, Y, epochs=3, verbose=0, callbacks=callbacks)
    assert history.stopped_by == words


def test_history_of_one_epoch_says_that_it_is_done():
    assert new_model().fit(X, Y, epochs=1, verbose=0).stopped_by == "epoch 1 of 1 is done"


def test_history_says_why_a_solver_has_ended():
    model = new_model("lbfgs")
    model.fit(X, Y, epochs=500, verbose=0)
    assert model.history.stopped_by.startswith(("CONVERGENCE", "ABNORMAL"))
    model.fit(X + 1, Y, epochs=2, verbose=0)
    assert model.history.stopped_by == "epoch 2 of 2 is done"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_history_says_which_signal_has_ended_training(number):
    model, before = new_model(), signal.getsignal(number)
    kill = LambdaCallback(on_epoch_end=lambda epoch, logs: os.kill(os.getpid(), number))
    signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y, epochs=3, verbose=0, callbacks=kill)
    finally:
        signal.signal(number, before)
    assert model.history.stopped_by == number.name


def test_history_says_which_error_has_ended_training():
    model = new_model()
    with pytest.raises(RuntimeError):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=interrupt_at(1))
    assert model.history.stopped_by == "RuntimeError: power"


def test_a_run_that_has_not_ended_says_nothing():
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.history.stopped_by))
    model = new_model()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=look)
    assert seen == [None, None]


@pytest.mark.parametrize("patience", [1, 9])
def test_early_stopping_says_that_the_best_weights_are_back(capsys, patience):
    stop = EarlyStopping("loss", patience=patience, min_delta=100, verbose=1)
    new_model().fit(X, Y, epochs=3, verbose=0, callbacks=stop)
    start = "Epoch 2: stopped early; " if patience == 1 else "EarlyStopping: "
    out = capsys.readouterr().out
    assert out.startswith(f"{start}loss was best, ")
    assert out.endswith("in epoch 1, whose weights are restored.\n")


# The progress bar


@pytest.mark.parametrize("name", ["fit", "evaluate"])
def test_the_bar_shows_the_running_mean_of_the_loss(monkeypatch, name):
    shown, batches = [], []

    class Bar:
        n = total = 0
        set_postfix_str = staticmethod(lambda text, refresh=True: shown.append(text))
        close = staticmethod(lambda: None)

    def open_bar(self, title):
        self._bar, self._title, self._next = Bar(), title, 0.0

    monkeypatch.setattr(ProgressBar, "_open", open_bar)
    monkeypatch.setattr("minidl.callbacks.progress.SECONDS_BETWEEN_DRAWINGS", 0)
    hook = "on_train_batch_end" if name == "fit" else "on_test_batch_end"
    keep = LambdaCallback(**{hook: lambda batch, logs: batches.append(logs["loss"])})
    model = new_model()
    getattr(model, name)(X, Y, batch_size=8, verbose=1, callbacks=keep)
    means = np.cumsum(np.multiply(batches, [8, 8, 4])) / [8, 16, 20]
    assert [float(text.split("loss: ")[1].split(",")[0]) for text in shown[:3]] == pytest.approx(means, rel=1e-3)


def test_logs_of_a_batch_know_the_mean():
    logs = BatchLogs(lambda loss: {"loss": 0.25 if loss is None else loss}, 0.5)
    assert (logs["loss"], logs.mean()) == (0.5, {"loss": 0.25})


# Weights alone


def test_weights_are_saved_and_loaded_by_name(tmp_path):
    model, other = new_model(), new_model()
    model.fit(X, Y, epochs=2, verbose=0)
    before = other.optimizer.iterations
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert other.optimizer.iterations == before == 0
    assert minidl.load_model(tmp_path / "w.safetensors").optimizer is None


def test_weights_are_loaded_from_any_model_file(tmp_path):
    model, other = new_model(), Sequential([Input((3,)), Dense(2, name="dense")])
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "model")
    other.load_weights(tmp_path / "model")
    np.testing.assert_array_equal(other.layers[0].W, model.layers[0].W)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: new_model(units=3), r"weights/dense/W: expected an array of shape \(3, 3\).*got \(3, 2\)"),
        (lambda: Sequential([Input((3,)), Dense(2, name="other")]), r"weights/other/W: expected an array.*got none"),
        (lambda: new_model(dtype="float64"), "type float64, got .* float32"),
    ],
)
def test_weights_that_do_not_fit_are_listed_and_change_nothing(tmp_path, other, words):
    new_model().save_weights(tmp_path / "w")
    model = other()
    before = model.parameters.values.tobytes()
    with pytest.raises(ModelFileError, match=words):
        model.load_weights(tmp_path / "w")
    assert model.parameters.values.tobytes() == before


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5"])
@pytest.mark.parametrize("call", ["save_weights", "load_weights"])
def test_names_of_keras_weights_are_refused_with_the_fix(tmp_path, call, name):
    with pytest.raises(ArgumentError, match=r"HDF5 files, which minidl does not write\. Use 'm\.safetensors'"):
        getattr(new_model(), call)(tmp_path / name)


def test_weights_need_a_built_model(tmp_path):
    new_model().save_weights(tmp_path / "w")
    with pytest.raises(StateError, match="load_weights: expected a built model"):
        Sequential([Dense(2)]).load_weights(tmp_path / "w")

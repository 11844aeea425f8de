"""The callback TensorBoard: what it writes is what TensorBoard's own reader finds."""

import copy
import struct
import subprocess
import sys

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, callbacks
from minidl.callbacks import LambdaCallback, TensorBoard
from minidl.errors import ArgumentError, MissingPackageError

X, Y = minidl.datasets.moons(64, seed=0)


@pytest.fixture
def model():
    model = Sequential(
        [Input((2,)), Dense(8, activation="tanh", name="hidden"), Dense(1, activation="sigmoid")], seed=0
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def events(folder):
    """Read the events of a folder's files: length, checksum, content, checksum, as in every TFRecord file."""
    proto = pytest.importorskip("tensorboardX").proto
    found = []
    for path in sorted(folder.glob("events.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            found.append(proto.event_pb2.Event.FromString(content[at + 12 : at + 12 + length]))
            at += 16 + length
    return found


def scalars(folder):
    """Return the values of each scalar by its name and step."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found[value.tag, event.step] = value.simple_value
    return found


def fit(model, callback, **arguments):
    pytest.importorskip("tensorboardX")
    arguments = {"epochs": 3, "batch_size": 16, "verbose": 0, "validation_split": 0.25, **arguments}
    return model.fit(X, Y, callbacks=callback, **arguments).history


def test_the_logs_of_every_epoch_are_written_under_the_names_of_keras(model, tmp_path):
    history = fit(model, TensorBoard(tmp_path))
    train, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    for name in ("loss", "accuracy", "learning_rate"):
        np.testing.assert_allclose([train[f"epoch_{name}", step] for step in range(3)], history[name], rtol=1e-6)
    for name in ("loss", "accuracy"):
        written = [validation[f"epoch_{name}", step] for step in range(3)]
        np.testing.assert_allclose(written, history[f"val_{name}"], rtol=1e-6)


def test_tensorboard_reads_scalars_histograms_text_and_graph(model, tmp_path):
    module = "tensorboard.backend.event_processing.event_accumulator"
    reader = pytest.importorskip(module, reason="needs tensorboard")
    history = fit(model, TensorBoard(tmp_path, histogram_freq=1))
    found = reader.EventAccumulator(str(tmp_path / "train"), size_guidance={reader.HISTOGRAMS: 0})
    found.Reload()
    assert [event.step for event in found.Scalars("epoch_loss")] == [0, 1, 2]
    np.testing.assert_allclose([event.value for event in found.Scalars("epoch_loss")], history["loss"], rtol=1e-6)
    names = {f"{kind}/{name}" for kind in ("weights", "gradients") for name in model.parameters}
    assert set(found.Tags()["histograms"]) == names
    last = found.Histograms("weights/hidden/W")[-1].histogram_value
    W = model["hidden"].W
    assert (last.num, last.min, last.max) == pytest.approx((W.size, W.min(), W.max()))
    assert last.sum == pytest.approx(W.sum(), rel=1e-5)
    gradient = found.Histograms("gradients/hidden/W")[-1].histogram_value
    assert gradient.sum_squares == pytest.approx(float((model["hidden"].dW ** 2).sum()), rel=1e-5)
    assert [(node.name, node.op, list(node.input)) for node in found.Graph().node] == [
        ("input", "Placeholder", []),
        ("hidden", "Dense", ["input"]),
        ("dense", "Dense", ["hidden"]),
    ]
    (text,) = found.Tensors("summary/text_summary")
    assert b"33 parameters" in text.tensor_proto.string_val[0]


def test_histograms_come_every_so_many_epochs(model, tmp_path):
    fit(model, TensorBoard(tmp_path, histogram_freq=2), epochs=4)
    steps = {
        event.step
        for event in events(tmp_path / "train")
        for value in event.summary.value
        if value.tag == "weights/hidden/W"
    }
    assert steps == {0, 2}


@pytest.mark.parametrize(("update_freq", "steps"), [("batch", range(1, 7)), (2, [2, 4, 6]), ("epoch", [])])
def test_batches_are_written_as_often_as_asked(model, tmp_path, update_freq, steps):
    losses = []
    watch = LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs["loss"]))
    fit(model, [TensorBoard(tmp_path, update_freq=update_freq), watch], epochs=2)
    written = {step: value for (name, step), value in scalars(tmp_path / "train").items() if name == "batch_loss"}
    assert list(written) == list(steps)
    np.testing.assert_allclose([written[step] for step in steps], [losses[step - 1] for step in steps], rtol=1e-6)


def test_what_other_callbacks_add_and_the_speed_are_written(model, tmp_path):
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=7.0, note="text", many=np.ones(2)))
    fit(model, [TensorBoard(tmp_path, write_steps_per_second=True), add], epochs=1)
    written = scalars(tmp_path / "train")
    assert written["epoch_extra", 0] == 7
    assert written["epoch_steps_per_second", 0] > 0
    assert not {name for name, _ in written} & {"epoch_note", "epoch_many"}


def test_without_a_graph_there_is_none(model, tmp_path):
    fit(model, TensorBoard(tmp_path, write_graph=False), epochs=1)
    assert not any(event.graph_def for event in events(tmp_path / "train"))


def test_a_run_that_begins_later_hides_what_came_after_it(model, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard")
    fit(model, TensorBoard(tmp_path), epochs=4)
    history = fit(model, TensorBoard(tmp_path), initial_epoch=2, epochs=3)
    found = reader.EventAccumulator(str(tmp_path / "train"))
    found.Reload()
    assert [event.step for event in found.Scalars("epoch_loss")] == [0, 1, 2]
    assert found.Scalars("epoch_loss")[2].value == pytest.approx(history["loss"][0])
    assert sum(bool(event.graph_def) for event in events(tmp_path / "train")) == 1


def test_the_files_are_closed_after_an_error_too(model, tmp_path):
    def fail(epoch, logs):
        raise RuntimeError("stop")

    callback = TensorBoard(tmp_path)
    with pytest.raises(RuntimeError, match="stop"):
        fit(model, [callback, LambdaCallback(on_epoch_begin=fail)])
    fit(model, callback, epochs=1)
    assert ("epoch_loss", 0) in scalars(tmp_path / "train")


def test_it_can_be_copied_and_shows_its_arguments(tmp_path):
    callback = TensorBoard("logs", 2, update_freq=100)
    assert repr(copy.deepcopy(callback)) == "TensorBoard(histogram_freq=2, update_freq=100)"
    assert callback is not TensorBoard


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"log_dir": 3}, "TensorBoard: log_dir: expected the path"),
        ({"log_dir": "s3://bucket/logs"}, "log_dir: expected the path"),
        ({"histogram_freq": -1}, "histogram_freq: expected an integer of at least 0, got -1"),
        ({"histogram_freq": 0.5}, "histogram_freq: expected an integer"),
        ({"write_graph": "yes"}, "write_graph: expected True or False"),
        (
            {"update_freq": "step"},
            r"update_freq \(or 'epoch', 'batch'\): expected an integer of at least 1, got 'step'",
        ),
        ({"update_freq": 0}, "update_freq"),
        ({"write_images": True}, "write_images"),
    ],
)
def test_a_bad_argument_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        TensorBoard(**arguments)


def test_a_folder_that_cannot_be_made_is_an_error_before_training(model, tmp_path):
    (tmp_path / "file").write_text("")
    before = model.get_weights()
    with pytest.raises(OSError, match="file"):
        fit(model, TensorBoard(tmp_path / "file" / "logs"))
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_without_tensorboardx_training_does_not_begin(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    before = model.get_weights()
    with pytest.raises(MissingPackageError, match=r"TensorBoard: expected tensorboardX.*minidl\[tensorboard\]"):
        model.fit(X, Y, callbacks=TensorBoard(tmp_path), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    model.fit(X, Y, verbose=0)


def test_callbacks_hands_it_over_without_importing_the_package():
    code = (
        "import sys, minidl; assert 'minidl.tensorboard' not in sys.modules; "
        "callback = minidl.callbacks.TensorBoard(); "
        "from minidl.callbacks import TensorBoard; assert type(callback) is TensorBoard; "
        "assert not any(name.startswith('tensorboard') for name in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert callbacks.TensorBoard is TensorBoard

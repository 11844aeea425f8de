"""TensorBoard: a callback that writes logs for TensorBoard; also available as `minidl.callbacks.TensorBoard`."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from minidl import checks
from minidl.callbacks import Callback
from minidl.explain import summary
from minidl.files import as_path
from minidl.packages import import_package
from minidl.typing import Model

Logs = Any  # a mapping of names to values, or None
WHO = "TensorBoard"


class TensorBoard(Callback):
    """Writes training logs for TensorBoard to the folders ``log_dir/train`` and ``log_dir/validation``.

    Needs tensorboardX: ``pip install "minidl[tensorboard]"``. View the logs with ``tensorboard --logdir logs``.

    Parameters
    ----------
    log_dir : str or Path
        The folder, which is created before training begins. Use a separate folder per run to compare runs.
    histogram_freq : int
        Write histograms of the weights and the last batch's gradients every this many epochs; 0 for never.
    write_graph : bool
        Whether to write the layers as a graph and the model summary as text.
    write_steps_per_second : bool
        Whether to write the number of training steps per second of each epoch.
    update_freq : {"epoch", "batch"} or int
        When to write logs: after each epoch only, or also after every batch or every this many batches.

    Raises
    ------
    ArgumentError
        If an argument is out of range.
    MissingPackageError
        If tensorboardX is not installed, when training begins.
    OSError
        If the folder cannot be written to, when training begins.

    Notes
    -----
    The names are those of Keras: ``epoch_loss``, ``epoch_accuracy``, ``epoch_learning_rate``, by epoch from 0, and
    ``batch_loss``, by optimizer step. Histograms are ``weights/dense/W`` and ``gradients/dense/W``.
    A run that starts or resumes at epoch n hides existing entries in its folder from epoch n on.

    Examples
    --------
    >>> callback = minidl.callbacks.TensorBoard("logs/first", histogram_freq=1)
    >>> callback
    TensorBoard(log_dir='logs/first', histogram_freq=1)
    """

    last = writes = True  # so that the logs include values added by other callbacks

    def __init__(
        self,
        log_dir: str | Path = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        *,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
    ) -> None:
        self.log_dir = str(as_path(log_dir, f"{WHO}: log_dir"))
        self.histogram_freq = checks.integer(histogram_freq, f"{WHO}: histogram_freq", minimum=0)
        self.write_graph = checks.flag(write_graph, f"{WHO}: write_graph")
        self.write_steps_per_second = checks.flag(write_steps_per_second, f"{WHO}: write_steps_per_second")
        if update_freq not in ("epoch", "batch"):
            update_freq = checks.integer(update_freq, f"{WHO}: update_freq (or 'epoch', 'batch')", minimum=1)
        self.update_freq = update_freq

    def on_train_begin(self, logs: Logs = None) -> None:
        self._package = import_package("tensorboardX", WHO, "tensorboard")
        self._folder = Path(self.log_dir).absolute()  # the program may change its working directory while it trains
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writers: dict[str, Any] = {}
        self._drawn = not self.write_graph

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._started, self._steps = time.monotonic(), self.model.optimizer.iterations
        self._drawn |= epoch > 0 and any(self._folder.glob("train/events.*"))  # by the run that is resumed
        writer = self._writer("train", epoch)
        if not self._drawn:
            self._drawn = True
            writer.add_text("summary", f"```\n{summary(self.model)}\n```", epoch)
            writer.file_writer.add_event(self._package.proto.event_pb2.Event(graph_def=graph(self.model)))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        every = {"epoch": 0, "batch": 1}.get(str(self.update_freq), self.update_freq)
        steps = self.model.optimizer.iterations
        if isinstance(every, int) and every and steps % every == 0:
            self._write("train", dict(logs or {}), "batch_", steps)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = dict(logs or {})
        if self.write_steps_per_second:
            steps = self.model.optimizer.iterations - self._steps
            logs["steps_per_second"] = steps / max(time.monotonic() - self._started, 1e-9)
        validation = {name.removeprefix("val_"): logs.pop(name) for name in list(logs) if name.startswith("val_")}
        self._write("train", logs, "epoch_", epoch)
        if validation:
            self._write("validation", validation, "epoch_", epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            parameters, writer = self.model.parameters, self._writer("train", epoch)
            for name in parameters:
                writer.add_histogram(f"weights/{name}", parameters[name], epoch)
                writer.add_histogram(f"gradients/{name}", parameters.gradient(name), epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        for writer in vars(self).get("_writers", {}).values():
            writer.close()
        self._writers = {}

    def _writer(self, part: str, step: int) -> Any:
        if part not in self._writers:
            suffix = f".{time.time_ns()}"  # tensorboardX would overwrite a file from the same second
            self._writers[part] = self._package.SummaryWriter(
                str(self._folder / part), purge_step=step or None, filename_suffix=suffix
            )
        return self._writers[part]

    def _write(self, part: str, logs: dict[str, Any], prefix: str, step: int) -> None:
        for name, value in logs.items():
            number = np.asarray(value)
            if number.ndim == 0 and number.dtype.kind in "fiub":
                self._writer(part, step).add_scalar(f"{prefix}{name}", float(number), step)


def graph(model: Model) -> bytes:
    """Return the layers of a model as a chain in TensorBoard's graph format."""
    proto = import_package("tensorboardX", WHO, "tensorboard").proto
    shapes = [model.input_shape, *(layer.output_shape for layer in model.layers)]
    nodes: list[Any] = []
    kinds = [("input", "Placeholder"), *((layer.name, type(layer).__name__) for layer in model.layers)]
    for (name, kind), shape in zip(kinds, shapes, strict=True):
        sizes = [proto.tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in (-1, *shape)]
        listed = proto.attr_value_pb2.AttrValue.ListValue(shape=[proto.tensor_shape_pb2.TensorShapeProto(dim=sizes)])
        attributes = {"_output_shapes": proto.attr_value_pb2.AttrValue(list=listed)}
        inputs = [nodes[-1].name] if nodes else []
        nodes.append(proto.node_def_pb2.NodeDef(name=name, op=kind, input=inputs, attr=attributes))
    encoded: bytes = proto.graph_pb2.GraphDef(node=nodes).SerializeToString()
    return encoded

"""Callbacks that stop training: without improvement, or after a time limit."""

import time
from typing import Any

from minidl import checks
from minidl.callbacks.base import Callback, Logs
from minidl.callbacks.console import print_line
from minidl.callbacks.monitor import MonitorCallback


def stop(callback: Callback, reason: str) -> None:
    """Stop training, and record the reason in ``history.stopped_by``."""
    callback.model.stop_training = True
    if callback.model.history is not None:
        callback.model.history.stopped_by = f"{type(callback).__name__}: {reason}"


class EarlyStopping(MonitorCallback):
    """Stops when ``monitor`` has not improved for ``patience`` epochs, and restores the best weights.

    Parameters
    ----------
    monitor : str
        Key of the logs, such as ``"val_loss"`` or ``"accuracy"``.
    patience : int
        Number of epochs without improvement to wait before stopping.
    min_delta : float
        Smaller changes do not count as an improvement.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better. ``"auto"`` means lower for losses, and ``higher_is_better`` for metrics.
    restore_best_weights : bool
        Whether the model ends with the weights of its best epoch (unless an exception ends `fit`). Keras' default is
        False.
    start_from_epoch : int
        Epochs before this one are not compared.
    verbose : int
        1 prints a line when training is stopped.
    baseline : float, optional
        The value must become better than this within ``patience`` epochs.

    Attributes
    ----------
    best : float or None
        The best value so far.
    best_epoch, stopped_epoch : int
        Counted from 0; ``stopped_epoch`` is 0 if training was not stopped.

    Raises
    ------
    ArgumentError
        If an argument is out of range; when training begins, if the logs will not hold ``monitor``, or ``"auto"``
        cannot choose a mode; at the end of an epoch, if the value is not one number.

    Warns
    -----
    UserWarning
        If the value is NaN: that epoch is not counted.
    """

    state_attributes = ("best", "best_epoch", "wait", "best_weights")
    best_epoch = stopped_epoch = 0

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 0,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
        verbose: int = 0,
        baseline: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, verbose, min_delta=min_delta, patience=patience)
        self.restore_best_weights = checks.flag(restore_best_weights, "EarlyStopping: restore_best_weights")
        self.baseline = None if baseline is None else checks.number(baseline, "EarlyStopping: baseline")
        self.start_from_epoch = checks.integer(start_from_epoch, "EarlyStopping: start_from_epoch", minimum=0)

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        self.wait = self.best_epoch = self.stopped_epoch = 0
        self.best_weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self.read(epoch, logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.improve(value):
            beaten = self.baseline is None or self.is_better(value, self.baseline)
            self.best_epoch, self.wait = epoch, 0 if beaten else self.wait + 1
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            stop(self, f"{self.monitor} has not improved since epoch {self.best_epoch + 1}")

    def on_train_end(self, logs: Logs = ()) -> None:
        restored = logs is not None and self.best_weights  # None: an exception has ended fit
        if restored:
            self.model.set_weights(self.best_weights)
            if (history := self.model.history) is not None:
                history.stopped_by = f"{history.stopped_by}; the weights are those of epoch {self.best_epoch + 1}"
        if self.verbose and (self.stopped_epoch or restored):
            best = f"{self.monitor} was best, {self.best:.4g}, in epoch {self.best_epoch + 1}"
            end = ", whose weights are restored" if restored else ""
            start = f"Epoch {self.stopped_epoch + 1}: stopped early; " if self.stopped_epoch else "EarlyStopping: "
            print_line(f"{start}{best}{end}.")


class TimeLimit(Callback):
    """Stops after the batch in which ``seconds`` of training have passed.

    Parameters
    ----------
    seconds : float
        Time limit in seconds from the start of `fit`, above 0.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = checks.number(seconds, "TimeLimit: seconds", above=0)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._end = time.monotonic() + self.seconds

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if time.monotonic() >= self._end:
            stop(self, f"{self.seconds:g} seconds have passed")

    on_epoch_end: Any = on_train_batch_end

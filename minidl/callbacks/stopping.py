"""Callbacks that stop training: no more improvement, or no more time."""

import sys
import time
from typing import Any

from minidl import checks
from minidl.callbacks.base import Callback, Logs
from minidl.callbacks.monitor import Monitor


class EarlyStopping(Callback):
    """Stops when ``monitor`` has not improved for ``patience`` epochs, and gives back the best weights.

    Parameters
    ----------
    monitor : str
        Key of the logs, such as ``"val_loss"`` or ``"accuracy"``.
    patience : int
        Number of epochs without improvement that are put up with.
    min_delta : float
        A smaller change is no improvement.
    mode : {"auto", "min", "max"}
        Which way is better; ``"auto"`` goes by the name.
    restore_best_weights : bool
        Whether the model ends with the weights of its best epoch (as they were when `fit` was left by an exception).
        Keras' default is False.
    start_from_epoch : int
        Earlier epochs are not looked at.
    verbose : int
        1 prints a line when training is stopped.

    Attributes
    ----------
    best : float
        The best value so far.
    best_epoch, stopped_epoch : int
        Counted from 0; ``stopped_epoch`` is 0 where training was not stopped.

    Raises
    ------
    ArgumentError
        If an argument is out of range; at the end of the first epoch, if the logs do not hold ``monitor``.
    """

    state_attributes = ("best", "best_epoch", "wait", "best_weights")
    stopped_epoch = 0
    best_epoch = 0

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 0,
        min_delta: float = 0,
        mode: str = "auto",
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
        verbose: int = 0,
    ) -> None:
        who = "EarlyStopping"
        self.monitor = Monitor(monitor, mode, min_delta, who)
        self.patience = checks.integer(patience, f"{who}: patience", minimum=0)
        self.restore_best_weights = checks.flag(restore_best_weights, f"{who}: restore_best_weights")
        self.start_from_epoch = checks.integer(start_from_epoch, f"{who}: start_from_epoch", minimum=0)
        self.verbose = verbose

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best, self.wait = self.monitor.worst, 0
        self.best_epoch = self.stopped_epoch = 0
        self.best_weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self.monitor.read(logs)
        if epoch < self.start_from_epoch:
            return
        if self.monitor.improves(value, self.best):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if logs is not None and self.best_weights:
            self.model.set_weights(self.best_weights)
        if self.stopped_epoch and self.verbose:
            best = f"{self.monitor.name} was best, {self.best:.4g}, in epoch {self.best_epoch + 1}"
            sys.stdout.write(f"Epoch {self.stopped_epoch + 1}: stopped early; {best}.\n")


class TimeLimit(Callback):
    """Stops after the batch in which ``seconds`` of training have passed.

    Parameters
    ----------
    seconds : float
        Seconds since `fit` began, above 0.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = checks.number(seconds, "TimeLimit: seconds", above=0)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._end = time.monotonic() + self.seconds

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if time.monotonic() >= self._end:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.on_train_batch_end(epoch)

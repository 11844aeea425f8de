"""Callbacks that change the optimizer's learning rate between two epochs."""

import sys
from collections.abc import Callable

from minidl import checks
from minidl.callbacks.base import Callback, Logs
from minidl.callbacks.monitor import Monitor
from minidl.errors import ArgumentError


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch: ``learning_rate = schedule(epoch, learning_rate)``.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, learning_rate)`` or ``schedule(epoch)`` returns the new rate; epochs count from 0.
    verbose : int
        1 prints a line each time.

    Raises
    ------
    ArgumentError
        If ``schedule`` cannot be called, or, when training begins, if the optimizer has a schedule of its own.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise ArgumentError(
                f"LearningRateScheduler: schedule: expected a function (epoch, rate) -> rate, got {schedule!r}."
            )
        self.schedule, self.verbose = schedule, verbose

    def on_train_begin(self, logs: Logs = None) -> None:
        check_rate_is_free(self)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer = self.model.optimizer
        both = (epoch, float(optimizer.learning_rate))
        rate = self.schedule(*both[: _count_arguments(self.schedule)])
        optimizer.learning_rate = checks.number(rate, f"LearningRateScheduler: rate for epoch {epoch}", at_least=0)
        if self.verbose:
            sys.stdout.write(f"Epoch {epoch + 1}: learning rate {rate:.4g}.\n")


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by ``factor`` when ``monitor`` has not improved for ``patience`` epochs.

    Parameters
    ----------
    monitor, patience, mode, min_delta
        As in `EarlyStopping`.
    factor : float
        Between 0 and 1, both excluded.
    cooldown : int
        Number of epochs after a reduction that are not counted.
    min_lr : float
        The rate never falls below it.
    verbose : int
        1 prints a line at each reduction.

    Raises
    ------
    ArgumentError
        If an argument is out of range; when training begins, if the optimizer has a schedule of its own; at the end
        of the first epoch, if the logs do not hold ``monitor``.
    """

    state_attributes = ("best", "wait", "resting")

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        verbose: int = 0,
    ) -> None:
        who = "ReduceLROnPlateau"
        self.monitor = Monitor(monitor, mode, min_delta, who)
        self.factor = checks.number(factor, f"{who}: factor", above=0, below=1)
        self.patience = checks.integer(patience, f"{who}: patience", minimum=0)
        self.cooldown = checks.integer(cooldown, f"{who}: cooldown", minimum=0)
        self.min_lr = checks.number(min_lr, f"{who}: min_lr", at_least=0)
        self.verbose = verbose

    def on_train_begin(self, logs: Logs = None) -> None:
        check_rate_is_free(self)
        self.best, self.wait, self.resting = self.monitor.worst, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self.monitor.read(logs)
        if self.resting:
            self.resting -= 1
            self.wait = 0
        if self.monitor.improves(value, self.best):
            self.best, self.wait = value, 0
            return
        if self.resting:
            return
        self.wait += 1
        if self.wait < self.patience:
            return
        self.resting, self.wait = self.cooldown, 0
        optimizer = self.model.optimizer
        old = float(optimizer.learning_rate)
        new = max(old * self.factor, self.min_lr)
        if new < old:
            optimizer.learning_rate = new
            if self.verbose:
                sys.stdout.write(f"Epoch {epoch + 1}: learning rate reduced to {new:.4g}.\n")


def check_rate_is_free(callback: Callback) -> None:
    """Refuse an optimizer whose rate follows a schedule, before training begins."""
    optimizer = callback.model.optimizer
    if not isinstance(vars(optimizer).get("learning_rate"), (int, float)):  # the attribute is the rate in force
        raise ArgumentError(
            f"{type(callback).__name__}: expected an optimizer whose learning rate is a number, got {optimizer!r}. "
            "Use either a schedule or a callback."
        )


def _count_arguments(schedule: Callable[..., float]) -> int:
    import inspect  # slow to import

    parameters = inspect.signature(schedule).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return 2 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else min(len(positional), 2)

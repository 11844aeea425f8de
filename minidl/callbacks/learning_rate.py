"""Callbacks that change the optimizer's learning rate between epochs."""

from collections.abc import Callable

from minidl import checks
from minidl.callbacks.base import Callback, Logs
from minidl.callbacks.console import print_line
from minidl.callbacks.monitor import MonitorCallback
from minidl.callbacks.progress import resolve_verbose
from minidl.constructor import accepts
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
        If ``schedule`` cannot be called so, or, when training begins, if the optimizer has a schedule.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not (accepts(schedule, 0, 0.1) or accepts(schedule, 0)):
            who = "LearningRateScheduler: schedule"
            raise ArgumentError(f"{who}: expected a function of (epoch, rate), got {schedule!r}.")
        self.schedule, self.verbose = schedule, resolve_verbose(verbose)

    def on_train_begin(self, logs: Logs = None) -> None:
        check_rate_is_free(self)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer = self.model.optimizer
        both = (epoch, float(optimizer.learning_rate))
        rate = self.schedule(*both[: 1 + accepts(self.schedule, *both)])
        optimizer.learning_rate = checks.number(rate, f"LearningRateScheduler: rate for epoch {epoch}", at_least=0)
        if self.verbose:
            print_line(f"Epoch {epoch + 1}: learning rate {rate:.4g}.")


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by ``factor`` when ``monitor`` has not improved for ``patience`` epochs.

    Parameters
    ----------
    monitor, patience, mode, min_delta, verbose
        As in `EarlyStopping`.
    factor : float
        Strictly between 0 and 1.
    cooldown : int
        Number of epochs after a reduction that do not count towards ``patience``.
    min_lr : float
        Lower limit of the rate.

    Raises
    ------
    ArgumentError
        As in `EarlyStopping`; when training begins, if the optimizer has a schedule.
    """

    state_attributes = ("best", "wait", "cooldown_counter")

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
        super().__init__(monitor, mode, verbose, min_delta=min_delta, patience=patience)
        self.factor = checks.number(factor, "ReduceLROnPlateau: factor", above=0, below=1)
        self.cooldown = checks.integer(cooldown, "ReduceLROnPlateau: cooldown", minimum=0)
        self.min_lr = checks.number(min_lr, "ReduceLROnPlateau: min_lr", at_least=0)

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        check_rate_is_free(self)
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self.read(epoch, logs)
        if value is None:
            return
        if self.improve(value):
            self.wait = 0
        elif not self.cooldown_counter:
            self.wait += 1
        self.cooldown_counter = max(self.cooldown_counter - 1, 0)
        if self.wait and self.wait >= self.patience:
            self.wait, self.cooldown_counter = 0, self.cooldown
            optimizer = self.model.optimizer
            old = float(optimizer.learning_rate)
            new = max(old * self.factor, self.min_lr)
            if new < old:
                optimizer.learning_rate = new
                if self.verbose:
                    print_line(f"Epoch {epoch + 1}: learning rate reduced to {new:.4g}.")


def check_rate_is_free(callback: Callback) -> None:
    """Raise an error if the optimizer's rate follows a schedule, before training begins."""
    optimizer = callback.model.optimizer
    if not isinstance(vars(optimizer).get("learning_rate"), (int, float)):  # the property returns the current rate
        expected = f"expected an optimizer whose learning rate is a number, got {optimizer!r}"
        raise ArgumentError(f"{type(callback).__name__}: {expected}. Use either a schedule or a callback.")

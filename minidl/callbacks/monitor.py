"""MonitorCallback: a callback that compares one value of the logs from epoch to epoch."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from minidl import checks
from minidl.attribute_names import is_builtin
from minidl.callbacks.base import Callback, Logs, overrides
from minidl.callbacks.lambda_callback import LambdaCallback
from minidl.callbacks.progress import resolve_verbose
from minidl.errors import ArgumentError, warn


class MonitorCallback(Callback):
    """Abstract base of `EarlyStopping`, `ReduceLROnPlateau` and `ModelCheckpoint`.

    Parameters
    ----------
    monitor : str
        Key of the logs, such as ``"val_loss"`` or ``"accuracy"``.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better. ``"auto"`` means lower for losses, and ``higher_is_better`` for metrics.
    min_delta : float
        Smaller changes do not count as an improvement.
    patience : int
        Number of epochs without improvement to wait.
    verbose : int
        1 prints a line when the callback acts.

    Attributes
    ----------
    best : float or None
        The best value so far.

    Raises
    ------
    ArgumentError
        If an argument is out of range; when training begins, if the logs will not hold ``monitor``, or ``"auto"``
        cannot choose a mode; at the end of an epoch, if the value is not one number.

    Warns
    -----
    UserWarning
        If the value is NaN: that epoch is not counted.

    Examples
    --------
    >>> class Announce(MonitorCallback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         value = self.read(epoch, logs)
    ...         if value is not None and self.improve(value):
    ...             print(f"epoch {epoch + 1}: the best {self.monitor} so far is {value}")
    >>> announce = Announce("loss")
    >>> for epoch, loss in enumerate([0.5, 0.75, 0.25]):
    ...     announce.on_epoch_end(epoch, {"loss": loss})
    epoch 1: the best loss so far is 0.5
    epoch 3: the best loss so far is 0.25
    """

    best: float | None = None
    higher_is_better = False

    def __init__(
        self, monitor: Any, mode: str = "auto", verbose: int = 0, *, min_delta: float = 0.0, patience: int = 0
    ) -> None:
        who = type(self).__name__
        if not isinstance(monitor, str) or not monitor:
            raise self.error(f"monitor: expected the name of a value in the logs, got {monitor!r}.")
        self.monitor, self.verbose = monitor, resolve_verbose(verbose)
        self.mode = checks.choice(mode, f"{who}: mode", ("auto", "min", "max"))
        self.min_delta = checks.number(min_delta, f"{who}: min_delta", at_least=0)
        self.patience = checks.integer(patience, f"{who}: patience", minimum=0)

    def on_train_begin(self, logs: Logs = None) -> None:
        run, names = self.model.trainer.run, self.known_names()
        metrics = {} if run is None else run.scores.metrics
        if names and self.monitor not in names:
            raise self._missing(names)
        name = self.monitor.removeprefix("val_")
        told = False if name == "loss" else getattr(metrics.get(name), "higher_is_better", None)
        higher = {"min": False, "max": True}.get(self.mode, told)
        if higher is None:
            values = f"higher or lower values of {self.monitor!r}"
            raise self.error(f'mode: cannot tell whether {values} are better. Pass mode="min" or mode="max".')
        self.best, self.higher_is_better = None, higher

    def known_names(self) -> list[str]:
        """Return the names in the logs of an epoch; none if custom callbacks or loops may add others."""
        run = self.model.trainer.run
        if run is None or any(map(_may_add_logs, run.callbacks)):
            return []
        names = ["loss", *run.scores.metrics]
        return [*names, *(f"val_{name}" for name in names if run.validation is not None), "learning_rate"]

    def read(self, epoch: int, logs: Logs) -> float | None:
        """Return the value in the logs; None after an epoch without validation and, with a warning, if it is NaN."""
        if self.monitor not in (logs or {}):
            if self.lacks_validation(epoch):
                return None
            raise self._missing(logs or {})
        value = np.asarray(logs[self.monitor], object)
        if value.size != 1 or not isinstance(value.item(), Real):
            fix = 'A metric with a value for each class takes average="macro" (R2Score a class_aggregation).'
            raise self.error(f"monitor: expected one number, got {self.monitor!r} = {logs[self.monitor]!r}. {fix}")
        if math.isnan(value.item()):
            name = f"{type(self).__name__}: {self.monitor!r}"
            warn(f"{name} is NaN in epoch {epoch + 1}, which is not counted.")
            return None
        return float(value.item())

    def improve(self, value: float) -> bool:
        """Return whether ``value`` is better than ``best`` by more than ``min_delta``; then it is the new ``best``."""
        if self.best is not None and not self.is_better(value, self.best):
            return False
        self.best = value
        return True

    def is_better(self, value: float, reference: float) -> bool:
        """Return whether ``value`` is better than ``reference`` by more than ``min_delta``."""
        sign = 1 if self.higher_is_better else -1
        return sign * value > sign * reference + self.min_delta

    def _missing(self, names: Iterable[str]) -> ArgumentError:
        fix = checks.did_you_mean(self.monitor, names)
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in names):
            fix = " Pass validation_data or validation_split to fit."
        return self.error(f"monitor: expected one of {', '.join(map(repr, names))}; got {self.monitor!r}.{fix}")

    def error(self, text: str) -> ArgumentError:
        """Return an error that begins with the name of the class."""
        return ArgumentError(f"{type(self).__name__}: {text}")


def _may_add_logs(callback: Callback) -> bool:
    """Return whether this is a custom callback that could add a value to the logs of an epoch."""
    known = is_builtin(type(callback)) or isinstance(callback, MonitorCallback)
    custom = isinstance(callback, LambdaCallback) or not known
    return custom and (overrides(callback, "on_epoch_end") or overrides(callback, "on_test_end"))

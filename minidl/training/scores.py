"""Scores: the running loss and metrics over the batches of an epoch or a data set."""

from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.metrics import Metric
from minidl.typing import Array


class Scores:
    """The running loss, the metrics without weights (``plain``) and those with (``weighted``)."""

    def __init__(self, plain: list[Metric], weighted: list[Metric]) -> None:
        self.plain, self.weighted = plain, weighted
        self.metrics = {metric.get_name(): metric for metric in (*plain, *weighted)}  # in the order of the logs
        self.loss, self.rows = 0.0, 0

    def reset(self) -> None:
        """Begin an epoch or a data set."""
        self.loss, self.rows = 0.0, 0
        for metric in self.metrics.values():
            metric.reset()

    def add(self, loss: float, rows: int) -> None:
        """Count the mean loss of so many samples."""
        self.loss += loss * rows
        self.rows += rows

    def update(self, y: Array, y_pred: Array, weight: Array | None) -> None:
        """Show a batch to the metrics."""
        for metric in self.plain:
            metric.update(y, y_pred)
        for metric in self.weighted:
            metric.update(y, y_pred, weight)

    def logs(self, loss: float | None = None, prefix: str = "") -> dict[str, Any]:
        """Return the loss (the mean over the samples unless given) and the metrics, by name."""
        logs = {f"{prefix}loss": self.loss / max(self.rows, 1) if loss is None else loss}
        for name, metric in self.metrics.items():
            value = metric.result()
            if type(value) is not float and np.asarray(value).dtype.kind not in "fiub":
                raise ArgumentError(f"metric {name!r}: expected result to return numbers, got {value!r}.")
            logs[f"{prefix}{name}"] = value
        return logs


def as_returned(logs: dict[str, Any], as_dict: bool) -> Any:
    """Return the logs as Keras does: the loss alone without metrics, a list with them, or a dict."""
    if as_dict:
        return logs
    return logs["loss"] if len(logs) == 1 else list(logs.values())

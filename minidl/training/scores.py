"""Scores: the running loss and metrics over the batches of an epoch or a data set."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.metrics import Metric, resolve_metrics
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential


class Scores:
    """The running loss and metrics of a model over the batches of an epoch or a data set."""

    def __init__(self, model: "Sequential") -> None:
        outputs = model.output_shape[-1]  # type: ignore[index]
        self.plain = resolve_metrics(model.metrics, model.loss, outputs)
        self.weighted = resolve_metrics(model.weighted_metrics, model.loss, outputs)
        self.any = bool(self.plain or self.weighted)
        self.reset()

    def reset(self) -> None:
        """Begin an epoch or a data set."""
        self.loss, self.rows = 0.0, 0
        for metric in self.metrics:
            metric.reset()

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, in the order of the logs."""
        return [*self.plain, *self.weighted]

    def add(self, loss: float, rows: int) -> None:
        """Count the mean loss of so many rows."""
        self.loss += loss * rows
        self.rows += rows

    def update(self, y: Array, y_pred: Array, weight: Array | None) -> None:
        """Show a batch to the metrics."""
        for metric in self.plain:
            metric.update(y, y_pred)
        for metric in self.weighted:
            metric.update(y, y_pred, weight)

    def logs(self, loss: float | None = None, prefix: str = "") -> dict[str, Any]:
        """Return the loss (the mean over the rows unless given) and the metrics, by name."""
        logs = {f"{prefix}loss": self.loss / max(self.rows, 1) if loss is None else loss}
        for metric in self.metrics:
            name, value = metric.get_name(), metric.result()
            if np.asarray(value).dtype.kind not in "fiub":
                raise ArgumentError(f"metric {name!r}: expected result to return numbers, got {value!r}.")
            logs[f"{prefix}{name}"] = value
        return logs


def returned(logs: dict[str, Any], as_dict: bool) -> Any:
    """Return the logs as Keras does: the loss alone without metrics, a list with them, or a dict."""
    if as_dict:
        return logs
    return logs["loss"] if len(logs) == 1 else list(logs.values())

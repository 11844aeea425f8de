"""History: the loss and the metrics of every epoch, as `fit` returns them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.callbacks.base import Callback, Logs
from minidl.callbacks.console import format_logs
from minidl.config import PlainType
from minidl.errors import StateError
from minidl.files import as_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class History(Callback, metaclass=PlainType):
    """Collects all logs of every epoch; returned by `fit`, and available as ``model.history``.

    Passed to another `fit` as a callback, it continues if the numbers of the epochs do (``initial_epoch``); otherwise
    it starts again.

    Attributes
    ----------
    epoch : list of int
        The numbers of the epochs, from 0.
    history : dict of str to list of float
        ``"loss"``, the metrics, ``"val_loss"``, ..., ``"learning_rate"``: one value per epoch that has it.
    absent : dict of str to list of int
        The epochs without a value, such as those without validation, by name: see `epochs_of`.
    stopped_by : str or None
        Why training ended: all epochs done, a callback or the solver with its reason, a signal, or an error.

    Examples
    --------
    >>> history = History()
    >>> history.on_epoch_end(0, {"loss": 0.5, "learning_rate": 0.001})
    >>> history.history
    {'loss': [0.5], 'learning_rate': [0.001]}
    """

    last = True  # so that the logs include what other callbacks add
    state_attributes = ("epoch", "history", "absent")
    stopped_by: str | None = None

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}
        self.absent: dict[str, list[int]] = {}

    def __repr__(self) -> str:
        last = format_logs({name: values[-1] for name, values in self.history.items()}, ", ")
        return f"History({len(self.epoch)} epochs{last and '; last: ' + last})"

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state({"absent": {}, **state})  # files of early versions lack it
        absent: dict[str, Any] = self.absent
        if not all(isinstance(epochs, list) and {*map(type, epochs)} <= {int} for epochs in absent.values()):
            raise StateError(f"History: set_state: expected lists of epochs by name, got {self.absent!r:.100}.")
        for name, values in {"epoch": state["epoch"], **state["history"]}.items():
            own = name in ("epoch", "loss", "val_loss", "learning_rate")  # numbers; callbacks may add strings and None
            known = [value for value in values if own or value is not None] if isinstance(values, list) else object()
            named = isinstance(name, str) and name.isprintable()
            if not named or np.asarray(known).dtype.kind not in ("biuf" if own else "biufU"):
                raise StateError(f"History: set_state: expected lists by name, got {values!r:.100} of {name!r}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.epoch and epoch <= self.epoch[-1]:  # of another fit
            History.__init__(self)
        for name in self.history.keys() - (logs or {}).keys():
            self.absent.setdefault(name, []).append(epoch)
        for name, value in (logs or {}).items():
            if self.epoch and name not in self.history:
                self.absent[name] = [*self.epoch]
            self.history.setdefault(name, []).append(np.asarray(value).tolist())
        self.epoch.append(epoch)

    def epochs_of(self, name: str) -> list[int]:
        """Return the epochs that the values of ``name`` belong to."""
        absent = set(self.absent.get(name, ()))
        return [epoch for epoch in self.epoch if epoch not in absent]

    def to_csv(self, path: str | Path) -> None:
        """Write one row per epoch to the file ``path``, with the column ``epoch`` first."""
        import csv  # only this method needs it

        with as_path(path, "to_csv: path").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["epoch", *self.history])
            columns = [dict(zip(self.epochs_of(name), self.history[name], strict=True)) for name in self.history]
            writer.writerows([epoch, *(column.get(epoch, "") for column in columns)] for epoch in self.epoch)

    def plot(self, name: str = "loss", *, ax: "Axes | None" = None) -> "Axes":
        """Plot the curve of ``name`` and of its validation value with `minidl.plotting.plot_history`."""
        from minidl.plotting.curves import plot_history

        return plot_history(self, name, ax=ax)

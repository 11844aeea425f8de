"""ProgressBar: what `fit`, `evaluate` and `predict` show while they run.

A bar for every epoch on a terminal or in a notebook, one line per epoch when the output goes to a file.
"""

import shutil
import sys
import time
from typing import Any

from minidl.callbacks.base import BatchLogs, Callback, Logs
from minidl.callbacks.console import format_logs, print_line
from minidl.errors import ArgumentError

SECONDS_BETWEEN_DRAWINGS = 0.1
# Narrower than tqdm's own: a long "Epoch 10/40" with the loss and a metric fits into 80 columns.
LAYOUT = "{desc} |{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class ProgressBar(Callback):
    """Shows the progress; created from the ``verbose`` argument, not by users.

    ``verbose`` 0 is silent, 1 draws a bar, 2 prints a line per epoch; "auto" is 1 on a terminal or in a notebook, else
    2. ``params`` holds the numbers of epochs and batches, where they are known.
    """

    writes = True

    _bar: Any = None
    _title = ""  # of the current loop; validation inside an epoch is not shown
    _started = _next = 0.0

    def __init__(self, verbose: Any = "auto") -> None:
        self.verbose = resolve_verbose(verbose)

    def on_train_begin(self, logs: Logs = None) -> None:
        # a run resumed in the middle of an epoch does not call on_epoch_begin
        self._title, self._started = "Epoch", time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._open(self._epoch(epoch))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._bar is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_DRAWINGS
            self._bar.n = batch + 1
            self._bar.set_postfix_str(format_logs(logs.mean() if isinstance(logs, BatchLogs) else logs, ", "))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._close(logs, f"{self._epoch(epoch)} - {time.monotonic() - self._started:.1f} s - ")

    def on_train_end(self, logs: Logs = None) -> None:
        self._close(None)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._title:
            self._open("Evaluate")

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._title == "Evaluate":
            self.on_train_batch_end(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if self._title == "Evaluate":
            self._close(logs, "Evaluate - ")

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._open("Predict")

    on_predict_batch_end = on_train_batch_end

    def on_predict_end(self, logs: Logs = None) -> None:
        self._close({})

    def _epoch(self, epoch: int) -> str:
        epochs = self.params.get("epochs")
        return f"Epoch {epoch + 1}" if epochs is None else f"Epoch {epoch + 1}/{epochs}"

    def _open(self, title: str) -> None:
        self._title, self._started = title, time.monotonic()
        if self.verbose == 1 and not getattr(sys.stdout, "closed", sys.stdout is None):
            from tqdm.std import tqdm  # 0.1 s to import: only when a bar is shown

            columns, rows = shutil.get_terminal_size()  # 80, 24 if a terminal reports 0, 0: tqdm would draw nothing
            steps = self.params.get("steps")
            self._bar = tqdm(total=steps, desc=title, file=sys.stdout, ncols=columns, nrows=rows, bar_format=LAYOUT)
            self._next = self._started + SECONDS_BETWEEN_DRAWINGS

    def _close(self, logs: Logs, line: str = "") -> None:
        self._title = ""
        if line and self.verbose == 2:
            print_line(f"{line}{format_logs(logs, ' - ')}")
        if self._bar is None:
            return
        if logs is not None:  # ended without an exception
            self._bar.n = self._bar.total or self._bar.n
            self._bar.set_postfix_str(format_logs(logs, ", "), refresh=False)
            self._bar.ncols = None  # the last output on this line may wrap, to show every value
        self._bar.close()
        self._bar = None


def progress_bar(verbose: Any) -> list[Callback]:
    """Return a list with a `ProgressBar`, or an empty list if ``verbose`` is 0."""
    bar = ProgressBar(verbose)
    return [bar] if bar.verbose else []


def resolve_verbose(verbose: Any) -> int:
    """Return 0, 1 or 2 for the user's ``verbose`` argument."""
    if isinstance(verbose, str) and verbose == "auto":
        shown = "ipykernel" in sys.modules or (hasattr(sys.stdout, "isatty") and sys.stdout.isatty())
        return 1 if shown else 2
    if isinstance(verbose, (bool, int)) and verbose in (0, 1, 2):
        return int(verbose)
    raise ArgumentError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}.")

"""CSVLogger: the logs of every epoch as a row of a file."""

from pathlib import Path
from typing import Any

from minidl import checks
from minidl.callbacks.base import Callback, Logs
from minidl.errors import ArgumentError
from minidl.files import as_path, check_regular


class CSVLogger(Callback):
    """Writes one row per epoch to a file: ``epoch``, ``loss``, the metrics, ``val_loss``, ..., ``learning_rate``.

    Each row is written when its epoch ends.

    Parameters
    ----------
    filename : str or Path
        The file; its folder is created before training begins.
    separator : str
        The character between two values.
    append : bool
        True adds to a file that exists, whose columns must be the same; False replaces it. A last row cut off
        by a crash is removed.

    Raises
    ------
    ArgumentError
        If ``separator`` is not one character, or has a meaning in such files; when training begins, if the file to
        append to holds something else; at the end of an epoch, if its columns are others.
    OSError
        When training begins, if the file cannot be written.
    """

    writes = True

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        # absolute, because the program may change its working directory during training
        self.filename = as_path(filename, "CSVLogger: filename").absolute()
        if str(separator) != separator or len(separator) != 1 or separator in '"\r\n':
            raise ArgumentError(f"CSVLogger: separator: expected one character, got {separator!r}.")
        self.separator = separator
        self.append = checks.flag(append, "CSVLogger: append")

    def on_train_begin(self, logs: Logs = None) -> None:
        self.filename.parent.mkdir(parents=True, exist_ok=True)
        check_regular(self.filename)
        with self.filename.open("ab+" if self.append else "wb+") as file:  # a path that cannot be written fails here
            file.seek(0)
            text = file.read()
            if not b"epoch".startswith(text[:5]):
                raise ArgumentError(f"CSVLogger: filename: expected a file with the column epoch, got {self.filename}.")
            rows, end, last = text.rpartition(b"\n")
            separator = self.separator.encode()
            if rows and last.count(separator) == rows.partition(b"\n")[0].count(separator):
                file.write(b"\n")
            elif last:
                file.truncate(len(rows + end))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        import csv  # only a run with this callback needs it

        row = {"epoch": epoch} | {str(name): value for name, value in (logs or {}).items() if name != "epoch"}
        if "val_loss" not in row and self.lacks_validation(epoch):
            names = ["loss", *self.model.trainer.run.scores.metrics]
            row = {"epoch": epoch, **{n: row[n] for n in names}, **{f"val_{n}": "" for n in names}, **row}
        with self.filename.open("r+", newline="", encoding="utf-8") as file:
            header = next(csv.reader(file, delimiter=self.separator), None)
            if header is not None and header != list(row):
                expected = f"expected the columns of {self.filename}, {', '.join(header)}; got {', '.join(row)}"
                fix = "Choose another file, append=False, or the same names in the logs of every epoch."
                raise ArgumentError(f"CSVLogger: {expected}. {fix}")
            file.seek(0, 2)
            writer = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if header is None:
                writer.writerow(row)
            writer.writerow(row.values())

    def get_state(self) -> dict[str, Any]:
        return {"text": self.filename.read_text(encoding="utf-8")}

    def set_state(self, state: dict[str, Any]) -> None:
        self.filename.write_text(state["text"], encoding="utf-8")  # without the rows after the checkpoint

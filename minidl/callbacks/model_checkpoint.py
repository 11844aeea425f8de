"""ModelCheckpoint: saves the model during training to files from which `fit` can resume."""

import contextlib
import re
import string
from pathlib import Path
from typing import Any

from minidl import checks, files
from minidl.callbacks.base import Logs
from minidl.callbacks.console import print_line
from minidl.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model after every epoch, every N batches, or whenever it is the best so far.

    ``fit(..., resume=folder)`` resumes exactly from the newest of its files. A crash never leaves an incomplete file.

    Parameters
    ----------
    filepath : str or Path
        May contain ``{epoch}``, which counts from 1, ``{batch}``, and the names of the logs, such as
        ``"runs/{epoch:02d}-{val_loss:.4f}.safetensors"``. Its folder is created before training begins, or,
        if its name has braces, when a file is written to it.
    monitor, mode, verbose
        As in `EarlyStopping`; for ``save_best_only``.
    save_best_only : bool
        Whether a file is written only when ``monitor`` has improved.
    save_weights_only : bool
        Whether to omit everything needed to resume (optimizer, loss, metrics, history), for smaller files.
    save_freq : {"epoch"} or int
        Save after every epoch, or after this many batches.
    every : int
        Save after this many epochs, if ``save_freq`` is "epoch".
    keep_last : int, optional
        Number of files to keep: older files of this callback are removed once a new one is written. Default: all.
    initial_value_threshold : float, optional
        The first file is written only when ``monitor`` is better than this.

    Raises
    ------
    ArgumentError
        As in `EarlyStopping`; when training begins, if the logs will not hold a name in ``filepath``.
    OSError
        With the path, if a file cannot be written; when training begins, if its folder cannot be created.

    Notes
    -----
    It runs after all other callbacks, whatever its position in the list, so that its files hold their final state.

    Examples
    --------
    >>> callback = ModelCheckpoint("runs/{epoch:02d}.safetensors", save_freq=100, keep_last=3)
    """

    last = writes = True
    best, saved_at = None, 0  # before training, and on a rank that writes nothing
    state_attributes = ("best", "saved_at", "paths")
    paths: list[str] = []
    _base = Path()

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        *,
        every: int = 1,
        keep_last: int | None = None,
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, verbose)
        who = "ModelCheckpoint"
        self.filepath = str(files.model_path(filepath, f"{who}: filepath"))
        self.save_best_only = checks.flag(save_best_only, f"{who}: save_best_only")
        self.save_weights_only = checks.flag(save_weights_only, f"{who}: save_weights_only")
        count = save_freq != "epoch"
        self.save_freq = checks.integer(save_freq, f"{who}: save_freq (or 'epoch')", minimum=1) if count else save_freq
        self.every = checks.integer(every, f"{who}: every", minimum=1)
        self.keep_last = None if keep_last is None else checks.integer(keep_last, f"{who}: keep_last", minimum=1)
        best = initial_value_threshold
        self.initial_value_threshold = None if best is None else checks.number(best, f"{who}: initial_value_threshold")

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.save_best_only:
            super().on_train_begin(logs)
        if self.save_freq != "epoch" and self.model.optimizer.full_batch:
            raise self.error(f"save_freq: expected 'epoch' for LBFGS, got {self.save_freq}.")
        if names := self.known_names():  # refuse wrong names before a folder is made
            self._path(0, dict.fromkeys(names, 0.0) | ({} if self.save_freq == "epoch" else {"batch": 1}))
        self._base = Path.cwd()  # the working directory may change during training
        fixed, braces, _ = self.filepath.partition("{")
        folder = Path(f"{fixed}x" if braces else fixed).parent  # the part without names in braces
        folder.mkdir(parents=True, exist_ok=True)
        if not braces:
            files.check_regular(self._base / fixed)
        files.remove_temporaries(folder, lambda name: self._is_own(str(folder / name)))  # left by a killed process
        self.best, self.saved_at, self.paths = self.initial_value_threshold, self.model.optimizer.iterations, []

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.paths = [path for path in self.paths if self._is_own(path)]  # they will be removed

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq != "epoch" and self.model.optimizer.iterations - self.saved_at >= self.save_freq:
            self._save(self.model.trainer.run.epoch, {**(logs or {}), "batch": batch + 1})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch" and (epoch + 1) % self.every == 0:
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        self.saved_at = self.model.optimizer.iterations
        if self.save_best_only:
            value = self.read(epoch, logs)
            if value is None or not self.improve(value):
                return
        path = self._path(epoch, logs)
        self.paths = [*(other for other in self.paths if other != path), path]
        (self._base / path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save_checkpoint
        save(self._base / path)
        while self.keep_last is not None and len(self.paths) > self.keep_last:
            (self._base / self.paths.pop(0)).unlink(missing_ok=True)
        if self.verbose:
            print_line(f"Epoch {epoch + 1}: saved {path}")

    def _is_own(self, path: Any) -> bool:
        """Return whether ``path`` matches the pattern ``filepath``."""
        parts = string.Formatter().parse(self.filepath)
        pattern = "".join(re.escape(text) + (r"[^/\\]*" if name is not None else "") for text, name, *_ in parts)
        return isinstance(path, str) and re.fullmatch(pattern, path, re.DOTALL) is not None

    def _path(self, epoch: int, logs: dict[str, Any]) -> str:
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except (LookupError, ValueError, TypeError) as error:
            known = ", ".join(["epoch", *logs])
            expected = f"expected only the names {known} in braces, got {self.filepath!r}"
            raise self.error(f"filepath: {expected}: {error}.") from error


class BackupAndRestore(ModelCheckpoint):
    """Keeps a backup from which the same `fit` call resumes exactly after a crash; removed when training ends.

    Parameters
    ----------
    backup_dir : str or Path
        Folder of the backup; each run needs its own.
    save_freq : {"epoch"} or int
        As in `ModelCheckpoint`.
    double_checkpoint : bool
        Whether to keep the previous backup as well.
    delete_checkpoint : bool
        Whether to remove the backup when training has ended without an exception.

    Examples
    --------
    >>> callback = BackupAndRestore("backup", save_freq=100)
    """

    def __init__(
        self,
        backup_dir: str | Path,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        self.backup_dir = str(files.as_path(backup_dir, "BackupAndRestore: backup_dir"))
        self.double_checkpoint = checks.flag(double_checkpoint, "BackupAndRestore: double_checkpoint")
        self.delete_checkpoint = checks.flag(delete_checkpoint, "BackupAndRestore: delete_checkpoint")
        folder = self.backup_dir.replace("{", "{{").replace("}", "}}")
        super().__init__(
            f"{folder}/{{epoch}}.safetensors", save_freq=save_freq, keep_last=2 if double_checkpoint else 1
        )

    def on_train_end(self, logs: Logs = None) -> None:
        if logs is not None and self.delete_checkpoint:
            for path in self.paths:
                (self._base / path).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # there are other files in it
                (self._base / self.backup_dir).rmdir()


def backup_folder(callbacks: Any) -> str | None:
    """Return the folder of the `BackupAndRestore` among the callbacks passed to `fit`; None if there is none."""
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return next((callback.backup_dir for callback in given if isinstance(callback, BackupAndRestore)), None)

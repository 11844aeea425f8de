"""Run: a `fit` in progress, epoch by epoch.

However it ends, the weights and the history are those of the last complete step.
"""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from minidl import checks
from minidl.attribute_names import is_builtin
from minidl.callbacks import BatchLogs, CallbackList, History
from minidl.data import Batch, Stream
from minidl.signals import DeferredSignals
from minidl.training.evaluation import evaluate
from minidl.training.inputs import Data
from minidl.training.trainer import Trainer


class Epochs(NamedTuple):
    """The arguments of `fit` that concern epochs."""

    epochs: int
    initial_epoch: int
    callbacks: CallbackList
    history: History


class Run:
    """A `fit` and its progress, so that another run can resume from exactly this point.

    Parameters
    ----------
    trainer : Trainer
    data : Data
    epochs : Epochs
    seed : int
        Determines the validation samples.

    Attributes
    ----------
    first, epoch, last : int
        The first epoch, the current one, and the end (exclusive).
    batch : int
        Number of completed batches in the current epoch.
    scores : Scores
        Loss and metrics of the current epoch so far.
    start : dict or None
        The initial state of a solver, which repeats its iterations when resumed.
    learning_rate : float or callable
        The learning rate at the beginning.

    Raises
    ------
    StateError
        If all parameters are frozen, and by `train` if the model is already being trained.
    ArgumentError, DataError, ShapeError
        For arguments or data that cannot be used.
    """

    start: dict[str, Any] | None = None
    logs: dict[str, Any] | None = None  # of the last complete epoch
    conditions: dict[str, Any] | None = None  # the settings of the run, as stored in a checkpoint
    ended = ""  # why a solver ended

    def __init__(self, trainer: Trainer, data: Data, epochs: Epochs, seed: int) -> None:
        data = data.checked()
        self.last = checks.integer(epochs.epochs, "fit: epochs", minimum=0)
        self.first = self.epoch = checks.integer(epochs.initial_epoch, "fit: initial_epoch", minimum=0)
        self.frozen, self.batch, self.scores = trainer.network.frozen_parts(), 0, trainer.scores
        self.trainer, self.data, self.callbacks, self.history = trainer, data, epochs.callbacks, epochs.history
        self.source, self.validation = trainer.inputs.for_fit(data, seed, full_batch=trainer.optimizer.full_batch)
        self.learning_rate = vars(trainer.optimizer).get("learning_rate", trainer.optimizer.learning_rate)

    def train(self, resume: Callable[[], None] | None = None) -> History:
        """Train until the last epoch or until stopped; ``resume`` is called first to restore a checkpoint."""
        trainer, callbacks = self.trainer, self.callbacks
        if trainer.run is not None:  # also one that another thread began while this one read its data
            trainer.check_idle("fit")
        callbacks.set_params({"epochs": self.last, "steps": self.data.steps_per_epoch or self.source.steps()})
        with DeferredSignals(Trainer.step.__code__) as signals:
            try:
                trainer.run, trainer.history, trainer.stop_training = self, self.history, False
                callbacks.on_train_begin({})
                if resume is not None:
                    resume()
                self._train_epochs(signals)
                # a run resumed at its end has no further epochs and no logs
                self.logs, early = self.logs or {}, self.epoch < self.last or trainer.stop_training
                vars(self.history)["stopped_by"] = self._end() if early else f"epoch {self.last} of {self.last} is done"
            except BaseException as error:
                self.logs, self.history.stopped_by = None, signals.delivered or f"{type(error).__name__}: {error}"
                raise
            finally:
                trainer.run = None
                callbacks.on_train_end(self.logs)
        return self.history

    def is_under_way(self) -> bool:
        """Return whether a thread is in `train`; an exception can prevent `train` from recording its end."""
        for frame in sys._current_frames().values():
            inner: FrameType | None = frame
            while inner is not None:
                if inner.f_code is Run.train.__code__ and inner.f_locals["self"] is self:
                    return True
                inner = inner.f_back
        return False

    def _end(self) -> str:
        """Return why training ended before its last epoch, or was stopped in it by a callback."""
        if not self.trainer.stop_training:
            return self.ended
        if self.history.stopped_by is not None:
            return self.history.stopped_by
        custom = [type(callback).__name__ for callback in self.callbacks if not is_builtin(type(callback))]
        return f"{' or '.join(custom) or 'a callback'}: model.stop_training is set"

    def _train_epochs(self, signals: DeferredSignals) -> None:
        trainer = self.trainer
        if isinstance(self.source.data, Stream):
            self.source.data.skip_epochs(self.epoch - self.first)
        while self.epoch < self.last and (self.batch or not trainer.stop_training):
            if self.batch == 0:
                self.scores.reset()
                self.callbacks.on_epoch_begin(self.epoch, {})
                if trainer.stop_training:  # the history has no entry for an epoch that never ran
                    break
            if not trainer.stop_training:  # a resumed run may already have been about to stop
                self._train_epoch(self._batches(), signals)
            self.end_epoch()
            signals.deliver()

    @np.errstate(all="ignore")  # for all steps at once, as entering it takes 4 us
    def _train_epoch(self, batches: Iterator[Batch], signals: DeferredSignals) -> None:
        trainer, callbacks, scores = self.trainer, self.callbacks, self.scores
        for index, batch in enumerate(batches, start=self.batch):
            callbacks.on_train_batch_begin(index, {})
            loss, z = trainer.step(batch, ("fit", self.epoch, index))
            scores.add(loss, len(batch[0]))
            if scores.metrics:
                scores.update(batch[1], trainer.objective.outputs(z), batch[2])
            self.batch = index + 1
            callbacks.on_train_batch_end(index, BatchLogs(scores.logs, loss))
            if signals.received:
                signals.deliver()
            if trainer.stop_training:
                break

    def _batches(self) -> Iterator[Batch]:
        """Return the remaining batches of the epoch; a stream runs under the floating-point settings of now."""
        data, order, size = self.source
        if isinstance(data, Stream):
            return iter(np.errstate(**np.geterr())(data.batches(self.batch).__next__), None)
        if self.data.shuffle:
            order = self.trainer.network.randomness.order(len(data) if order is None else len(order), order)
        return data.batches(size, order, self.batch, self.data.steps_per_epoch)

    def end_epoch(self) -> None:
        """Validate, count the epoch, and call the callbacks."""
        trainer, logs = self.trainer, self.scores.logs()
        if self.validation is not None and self.data.validates(self.epoch + 1):
            logs |= evaluate(trainer.objective, trainer.new_scores(), self.validation, self.callbacks, "val_")
        logs["learning_rate"] = trainer.optimizer.learning_rate
        self.logs = logs
        epoch, self.epoch, self.batch = self.epoch, self.epoch + 1, 0
        trainer.network.randomness.epochs += 1
        self.callbacks.on_epoch_end(epoch, logs)

"""Run: a `fit` under way, epoch by epoch.

Whatever stops it, the weights and the history are those of the last complete step.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.callbacks import CallbackList, History, ProgressBar
from minidl.callbacks.base import check_callbacks
from minidl.data import Batch, Stream, Table, is_stream
from minidl.errors import StateError
from minidl.optimizers import LBFGS
from minidl.sequential.fitting import built_for
from minidl.signals import DeferredSignals
from minidl.training.evaluation import measure
from minidl.training.full_batch import train_full_batch
from minidl.training.scores import Scores
from minidl.training.sources import Validation, batch_size_of, make_source, split_off, steps_of
from minidl.training.steps import step
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential


class Run:
    """Where a `fit` stands, so that it can go on from exactly here.

    Attributes
    ----------
    first, epoch, epochs : int
        The epochs that it began with, is in, and ends before.
    batch : int
        The batches of the epoch that are done.
    scores : Scores
        The epoch's loss and metrics so far.
    callbacks : CallbackList
    given : dict
        What the run depends on: a run that goes on must have been given the same.
    start : dict or None
        Where a full-batch run began: its solver is run again up to the place where it goes on.
    """

    def __init__(
        self,
        model: "Sequential",
        source: Table | Stream,
        rows: Array | None,
        validation: Validation,
        callbacks: CallbackList,
        *,
        epochs: int,
        initial_epoch: int,
        batch_size: int,
        shuffle: bool,
        steps_per_epoch: int | None,
    ) -> None:
        self.model, self.source, self.rows, self.validation, self.callbacks = model, source, rows, validation, callbacks
        self.epochs, self.batch_size, self.shuffle, self.steps = epochs, batch_size, shuffle, steps_per_epoch
        self.first = self.epoch = initial_epoch
        self.batch = 0
        self.scores = Scores(model)
        self.start: dict[str, Any] | None = None
        self.conditions: dict[str, Any] | None = None  # ``given`` as a checkpoint describes it
        self.logs: dict[str, Any] | None = None  # of the last complete epoch
        self.given = {
            "data": (source, rows),
            "validation": validation,
            "batch_size": batch_size,
            "shuffle": shuffle,
            "steps_per_epoch": steps_per_epoch,
            "learning_rate": vars(model.optimizer)["learning_rate"],
        }

    def train(self, signals: DeferredSignals) -> None:
        """Train to the last epoch, or until something stops it."""
        model = self.model
        if isinstance(model.optimizer, LBFGS):
            train_full_batch(self, signals)
            return
        if isinstance(self.source, Stream):
            self.source.skip_epochs(self.epoch - self.first)
        while self.epoch < self.epochs and (self.batch or not model.stop_training):
            if self.batch == 0:
                self.scores.reset()
                self.callbacks.on_epoch_begin(self.epoch, {})
            if not model.stop_training:  # a run may go on from where it was about to stop
                self._train_epoch(signals)
            self.end_epoch()
            signals.deliver()

    def _batches(self) -> Iterator[Batch]:
        """Yield the batches of the epoch that are still to come."""
        if isinstance(self.source, Stream):
            return self.source.batches(self.batch)
        order = self.rows
        if self.shuffle:
            # a function of the seed and the epoch, so that a run can go on from any batch
            count = len(self.source) if order is None else len(order)
            shuffled = np.random.default_rng([self.model.seed, self.model.epoch]).permutation(count)
            order = shuffled if order is None else order[shuffled]
        if self.steps is not None:
            order = np.arange(len(self.source)) if order is None else order
            order = order[: self.steps * self.batch_size]
        return self.source.batches(self.batch_size, order, self.batch)

    def _train_epoch(self, signals: DeferredSignals) -> None:
        model, callbacks, scores = self.model, self.callbacks, self.scores
        begins = callbacks.listeners["on_train_batch_begin"]
        ends = callbacks.listeners["on_train_batch_end"]
        for x, y, weight in self._batches():
            if begins:
                callbacks.on_train_batch_begin(self.batch, {})
            loss, z = step(model, x, y, weight, ("fit", self.epoch, self.batch))
            scores.add(loss, len(x))
            if scores.any:
                scores.update(y, model.plan.finish(z), weight)
            self.batch += 1
            if ends and callbacks.hears("on_train_batch_end"):
                callbacks.on_train_batch_end(self.batch - 1, scores.logs(loss))
            if signals.received:
                signals.deliver()
            if model.stop_training:
                break

    def end_epoch(self) -> None:
        """Validate, count the epoch, and tell the callbacks."""
        logs = self.scores.logs()
        if self.validation is not None:
            self.callbacks.on_test_begin({})
            validated = measure(self.model, *self.validation, self.batch_size, self.callbacks).logs(prefix="val_")
            self.callbacks.on_test_end(validated)
            logs.update(validated)
        logs["learning_rate"] = self.model.optimizer.learning_rate
        self.logs = logs
        epoch, self.epoch, self.batch = self.epoch, self.epoch + 1, 0
        self.model.epoch += 1
        self.callbacks.on_epoch_end(epoch, logs)


def fit(
    model: "Sequential", x: Any, y: Any, batch_size: Any, epochs: Any, verbose: Any, callbacks: Any,
    validation_split: Any, validation_data: Any, shuffle: Any, class_weight: Any, sample_weight: Any,
    initial_epoch: Any, steps_per_epoch: Any, split: Any, resume: Any,
) -> History:  # fmt: skip
    """Train ``model``: see `Sequential.fit`."""
    model._require_compiled("fit")
    _check(model, epochs, initial_epoch, shuffle, batch_size, validation_split, split)
    progress = ProgressBar(verbose, epochs)
    checkpoint = _checkpoint(resume)
    seed = model.seed if checkpoint is None else checkpoint.seed
    trial = model if model._built or is_stream(x, y) else built_for(model, x, "")
    source = make_source(trial, x, y, sample_weight, class_weight, steps_per_epoch, "fit: ")
    size = batch_size_of(batch_size, source, isinstance(model.optimizer, LBFGS))
    rows, validation = split_off(trial, source, validation_data, validation_split, split, class_weight, seed)
    history = History()
    progress.steps = steps_of(source, rows, size, steps_per_epoch, "fit: steps_per_epoch")
    hooks = CallbackList([history, *check_callbacks(callbacks), progress], model)
    if not model._built:
        model.build(trial.input_shape)  # type: ignore[arg-type]  # nothing can be wrong any more
    run = Run(
        model, source, rows, validation, hooks, epochs=epochs, initial_epoch=initial_epoch, batch_size=size,
        shuffle=shuffle, steps_per_epoch=steps_per_epoch,
    )  # fmt: skip
    if checkpoint is not None:
        checkpoint.check(model, run)
    model._run, model.history, model.stop_training = run, history, False
    with DeferredSignals() as signals:
        try:
            hooks.on_train_begin({})
            if checkpoint is not None:
                checkpoint.apply(model, run)
            run.train(signals)
            run.logs = run.logs or {}  # a run that goes on from its end has no further epoch
        except BaseException:
            run.logs = None
            raise
        finally:
            model._run = None
            hooks.on_train_end(run.logs)
    return history


def _check(
    model: "Sequential",
    epochs: Any,
    initial_epoch: Any,
    shuffle: Any,
    batch_size: Any,
    validation_split: Any,
    split: Any,
) -> None:
    """Raise for what is wrong by itself, before the data is looked at."""
    if model._run is not None:
        raise StateError(f"{model.label}: fit: expected a model that is not being trained. Train a copy: model.copy().")
    checks.integer(epochs, "fit: epochs", minimum=0)
    checks.integer(initial_epoch, "fit: initial_epoch", minimum=0)
    checks.flag(shuffle, "fit: shuffle")
    if batch_size is not None:
        checks.integer(batch_size, "fit: batch_size", minimum=1)
    checks.number(validation_split, "fit: validation_split", at_least=0, below=1)
    checks.choice(split, "fit: split", ("shuffle", "stratify", "last"))


def _checkpoint(resume: Any) -> Any:
    """Return what ``fit(resume=...)`` names, or None."""
    if resume is None:
        return None
    from minidl.saving import Checkpoint

    return Checkpoint.find(resume)

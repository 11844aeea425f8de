"""The training loop: `fit`, `evaluate` and `train_on_batch` for a compiled model.

A step is all or nothing: whatever stops the training, the weights and the history are those of the last
complete step.
"""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.callbacks import CallbackList, History, ProgressBar
from minidl.data import Batch, Stream, Table, is_stream, split_rows
from minidl.errors import ArgumentError, NonFiniteError
from minidl.metrics import Metric, resolve_metrics
from minidl.optimizers import LBFGS
from minidl.signals import DeferredSignals
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential

CAREFUL = 1e25  # an update of this size could overflow float32


class Scores:
    """The running loss and metrics of a model over the batches of an epoch or a data set."""

    def __init__(self, model: "Sequential") -> None:
        outputs = model.output_shape[-1]  # type: ignore[index]
        self.plain = resolve_metrics(model.metrics, model.loss, outputs)
        self.weighted = resolve_metrics(model.weighted_metrics, model.loss, outputs)
        self.any = bool(self.plain or self.weighted)
        self.reset()

    def reset(self) -> None:
        self.loss, self.rows = 0.0, 0
        for metric in self.metrics:
            metric.reset()

    @property
    def metrics(self) -> list[Metric]:
        return [*self.plain, *self.weighted]

    def add(self, loss: float, rows: int) -> None:
        self.loss += loss * rows
        self.rows += rows

    def update(self, y: Array, y_pred: Array, weight: Array | None) -> None:
        for metric in self.plain:
            metric.update(y, y_pred)
        for metric in self.weighted:
            metric.update(y, y_pred, weight)

    def logs(self, loss: float | None = None, prefix: str = "") -> dict[str, Any]:
        """Return the loss (the mean over the rows unless given) and the metrics, by name."""
        logs = {f"{prefix}loss": self.loss / max(self.rows, 1) if loss is None else loss}
        for metric in self.metrics:
            logs[f"{prefix}{metric.get_name()}"] = metric.result()
        return logs


class Run:
    """A `fit` under way: where it stands, so that it can go on from exactly here.

    Attributes
    ----------
    epoch, batch : int
        The epoch, and the batches of it that are done.
    scores : Scores
        The epoch's loss and metrics so far.
    callbacks : CallbackList
    given : dict
        What the run depends on: a run that goes on must have been given the same.
    start : dict or None
        Where a full-batch run began: its solver is run again up to the place where it goes on.
    """

    def __init__(self, model: "Sequential", callbacks: CallbackList, epoch: int, given: dict[str, Any]) -> None:
        self.given, self.start = given, None
        self.first = self.epoch = epoch
        self.batch = 0
        self.scores, self.callbacks = Scores(model), callbacks


def step(model: "Sequential", x: Array, y: Array, weight: Array | None, where: str = "") -> tuple[float, Array]:
    """Take one training step on a checked batch; return its loss and the trunk's output.

    Raises
    ------
    NonFiniteError
        Before anything has changed.
    """
    plan, optimizer = model.plan, model.optimizer
    values, gradients = plan.parameters.values, plan.parameters.gradients
    states = [state.copy() for state in plan.states]
    try:
        with np.errstate(all="ignore"):
            loss, z = plan.backpropagate(x, y, weight)
            square = plan.square_of_gradients()
            if not math.isfinite(loss) or not (math.isfinite(square) or np.isfinite(gradients).all()):
                raise NonFiniteError(_blame(model, x, loss, where))
            frozen = [(part, values[part].copy()) for part in plan.frozen]
            if max(1.0, math.sqrt(square)) * optimizer.learning_rate < CAREFUL:
                optimizer.step(values, gradients)
            else:
                _careful_step(model, where)
            for part, value in frozen:
                values[part] = value
    except BaseException:
        for state, before in zip(plan.states, states, strict=True):
            state[...] = before
        raise
    return loss, z


def _careful_step(model: "Sequential", where: str) -> None:
    """Take a step that may overflow, and take it back if it does."""
    values, before = model.parameters.values, model.parameters.values.copy()
    state = model.optimizer.get_state()
    model.optimizer.step(values, model.parameters.gradients)
    if not np.isfinite(values).all():
        rate = model.optimizer.learning_rate
        values[...] = before
        model.optimizer.set_state(state)
        raise NonFiniteError(
            f"{where}the update overflowed {values.dtype} (learning rate {rate:g}). "
            "The weights are those before it. Lower the learning rate or clip the gradients."
        )


def _blame(model: "Sequential", x: Array, loss: float, where: str) -> str:
    """Return the message that names the first array that is not finite."""
    plan = model.plan
    first = None
    for layer in plan.for_inference()[0]:
        x = layer.forward(x, False)
        if first is None and not np.isfinite(x).all():
            first = f"the output of {layer.label}"
    if first is None and math.isfinite(loss):
        bad = [name for name in reversed(list(model.parameters)) if not np.isfinite(model.parameters.gradient(name)).all()]
        path, _, name = bad[0].rpartition("/")
        first = f"the gradient d{name} of layer {path!r}"
    return (
        f"{where}expected a finite loss and finite gradients, got loss {loss:g}; the first array that is not finite is "
        f"{first or 'the loss itself'}. The weights are those of the last finite step. Lower the learning rate "
        f"({model.optimizer.learning_rate:g} now), scale the data, or clip the gradients."
    )


def fit(
    model: "Sequential", x: Any, y: Any, batch_size: Any, epochs: Any, verbose: Any, callbacks: Any, validation_split: Any,
    validation_data: Any, shuffle: Any, class_weight: Any, sample_weight: Any, initial_epoch: Any, steps_per_epoch: Any,
    split: Any, resume: Any,
) -> History:  # fmt: skip
    """Train ``model``: see `Sequential.fit`."""
    model._require_compiled("fit")
    checks.integer(epochs, "fit: epochs", minimum=0)
    checks.integer(initial_epoch, "fit: initial_epoch", minimum=0)
    checks.flag(shuffle, "fit: shuffle")
    full_batch = isinstance(model.optimizer, LBFGS)
    checkpoint = _checkpoint(resume)
    seed = model.seed if checkpoint is None else checkpoint.seed
    source = _source(model, x, y, sample_weight, class_weight, steps_per_epoch, "fit: ")
    size = _batch_size(batch_size, source, full_batch)
    rows, validation = _validation(model, source, validation_data, validation_split, split, seed)
    history = History()
    steps = _steps(source, rows, size, steps_per_epoch)
    progress = ProgressBar(verbose, epochs, steps)
    callbacks = CallbackList([history, *_listed(callbacks), progress], model)
    given = {"data": (source, rows), "validation": validation, "batch_size": size, "shuffle": shuffle}
    given |= {"steps_per_epoch": steps_per_epoch, "learning_rate": vars(model.optimizer)["learning_rate"]}
    run = Run(model, callbacks, initial_epoch, given)
    if checkpoint is not None:
        checkpoint.check(model, run)
    model._run, model.history, model.stop_training = run, history, False
    logs = None
    with DeferredSignals() as signals:
        try:
            callbacks.on_train_begin()
            if checkpoint is not None:
                checkpoint.apply(model, run)
            loop = _fit_full_batch if full_batch else _fit_batches
            logs = loop(model, run, source, rows, size, epochs, shuffle, steps_per_epoch, validation, signals) or {}
        finally:
            model._run = None
            callbacks.on_train_end(logs)
    return history


def _checkpoint(resume: Any) -> Any:
    """Return what ``fit(resume=...)`` names, or None."""
    if resume is None:
        return None
    from minidl.saving import Checkpoint

    return Checkpoint.find(resume)


def _fit_batches(
    model: "Sequential", run: Run, source: Table | Stream, rows: Array | None, size: int, epochs: int, shuffle: bool,
    steps: int | None, validation: Any, signals: DeferredSignals,
) -> dict[str, Any] | None:  # fmt: skip
    logs = None
    if isinstance(source, Stream):
        source.skip_epochs(run.epoch - run.first)
    while run.epoch < epochs and (run.batch or not model.stop_training):
        if run.batch == 0:
            run.scores.reset()
            run.callbacks.on_epoch_begin(run.epoch)
        batches: Iterator[Batch]
        if isinstance(source, Table):
            order = _order(model, len(source), rows) if shuffle else rows
            if steps is not None and order is None:
                order = np.arange(len(source))
            limit = None if steps is None else steps * size
            batches = source.batches(size, order if limit is None else order[:limit], run.batch)
        else:
            batches = source.batches(run.batch)
        if not model.stop_training:  # a run may go on from where it was about to stop
            _train_batches(model, run, batches, signals)
        logs = _end_epoch(model, run, run.scores.logs(), validation, size)
        signals.deliver()
    return logs


def _order(model: "Sequential", count: int, rows: Array | None) -> Array:
    """Return the order of the rows in this epoch: a function of the model's seed and its count of epochs."""
    order = np.random.default_rng([model.seed, model.epoch]).permutation(count if rows is None else len(rows))
    return order if rows is None else rows[order]


def _train_batches(model: "Sequential", run: Run, batches: Iterator[Batch], signals: DeferredSignals) -> None:
    callbacks, scores = run.callbacks, run.scores
    begins = callbacks.listeners["on_train_batch_begin"]
    ends = callbacks.listeners["on_train_batch_end"]
    for x, y, weight in batches:
        if begins:
            callbacks.on_train_batch_begin(run.batch)
        loss, z = step(model, x, y, weight, f"fit: epoch {run.epoch + 1}, batch {run.batch}: ")
        scores.add(loss, len(x))
        if scores.any:
            scores.update(y, model.plan.finish(z), weight)
        run.batch += 1
        if ends and callbacks.hears("on_train_batch_end"):
            callbacks.on_train_batch_end(run.batch - 1, scores.logs(loss))
        if signals.received:
            signals.deliver()
        if model.stop_training:
            break


def _fit_full_batch(
    model: "Sequential", run: Run, source: Table, rows: Array | None, size: int, epochs: int, shuffle: bool,
    steps: int | None, validation: Any, signals: DeferredSignals,
) -> dict[str, Any] | None:  # fmt: skip
    """Let a solver that needs all rows at once train: an epoch is one of its iterations."""
    plan, values = model.plan, model.parameters.values
    x, y, weight = source.batch(slice(None) if rows is None else rows)
    logs = None
    replayed, done_before = 0, run.epoch - run.first
    if run.start is None:
        run.start = _moment(model)
    else:
        _return_to(model, run.start)

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        values[...] = point
        with np.errstate(all="ignore"):
            loss, _ = plan.backpropagate(x, y, weight)
        if not math.isfinite(loss) and run.epoch == run.first:
            raise NonFiniteError(_blame(model, x, loss, "fit: "))
        return loss, plan.parameters.gradients

    def on_iteration(loss: float) -> bool:
        nonlocal logs, replayed
        replayed += 1
        if replayed < done_before:
            return False
        if replayed == done_before:
            return begin_epoch()
        run.scores = _measure(model, source, rows, size, CallbackList(None, model))
        logs = _end_epoch(model, run, run.scores.logs(), validation, size)
        done = begin_epoch()
        signals.deliver()
        return done

    def begin_epoch() -> bool:
        """Tell the callbacks that the next epoch begins, or return True if there is none."""
        if run.epoch >= epochs or model.stop_training:
            return True
        run.callbacks.on_epoch_begin(run.epoch)
        return False

    if run.first < epochs and (done_before or not begin_epoch()):
        model.optimizer.minimize(value_and_gradient, values, on_iteration, epochs - run.first)
    return logs


def _moment(model: "Sequential") -> dict[str, Any]:
    """Return all that the steps to come depend on, for `_return_to`."""
    return {
        "weights": model.get_weights(),
        "rng": model.rng.bit_generator.state,
        "iterations": model.optimizer.iterations,
    }


def _return_to(model: "Sequential", start: dict[str, Any]) -> None:
    model.set_weights(start["weights"])
    model.rng.bit_generator.state = start["rng"]
    model.optimizer.iterations = start["iterations"]


def _end_epoch(model: "Sequential", run: Run, logs: dict[str, Any], validation: Any, size: int) -> dict[str, Any]:
    """Validate, count the epoch, and tell the callbacks; return the logs."""
    if validation is not None:
        run.callbacks.on_test_begin()
        source, rows = validation
        scores = _measure(model, source, rows, size, run.callbacks)
        validated = scores.logs(prefix="val_")
        run.callbacks.on_test_end(validated)
        logs.update(validated)
    logs["learning_rate"] = model.optimizer.learning_rate
    epoch, run.epoch, run.batch = run.epoch, run.epoch + 1, 0
    model.epoch += 1
    run.callbacks.on_epoch_end(epoch, logs)
    return logs


def train_on_batch(model: "Sequential", x: Any, y: Any, weight: Any, class_weight: Any, return_dict: bool) -> Any:
    """Take one step: see `Sequential.train_on_batch`."""
    model._require_compiled("train_on_batch")
    x, y, weight = model.table(x, y, weight, class_weight).batch(slice(None))
    loss, z = step(model, x, y, weight, "train_on_batch: ")
    scores = Scores(model)
    if scores.any:
        scores.update(y, model.plan.finish(z), weight)
    return _returned(scores.logs(loss), return_dict)


def evaluate(
    model: "Sequential", x: Any, y: Any, batch_size: Any, weight: Any, verbose: Any, return_dict: bool, steps: Any,
    callbacks: Any,
) -> Any:  # fmt: skip
    """Return the exact loss and metrics: see `Sequential.evaluate`."""
    model._require_compiled("evaluate")
    model._require_built("evaluate")
    size = checks.integer(batch_size, "evaluate: batch_size", minimum=1)
    source = _source(model, x, y, weight, None, steps, "evaluate: ")
    count = _steps(source, None, size, steps)
    hooks = CallbackList([*_listed(callbacks), ProgressBar(verbose, 1, count)], model)
    hooks.on_test_begin()
    rows = np.arange(min(len(source), steps * size)) if isinstance(source, Table) and steps else None
    logs = _measure(model, source, rows, size, hooks).logs()
    hooks.on_test_end(logs)
    return _returned(logs, return_dict)


def _measure(model: "Sequential", source: Table | Stream, rows: Array | None, size: int, callbacks: CallbackList) -> Scores:
    """Return the loss (penalties included) and the metrics over a data set, on twins of the layers."""
    plan, scores = model.plan, Scores(model)
    chain, loss = plan.for_inference()
    penalty = plan.penalty()
    begins, ends = callbacks.listeners["on_test_batch_begin"], callbacks.listeners["on_test_batch_end"]
    batches = source.batches(size, rows) if isinstance(source, Table) else source.batches()
    for index, (x, y, weight) in enumerate(batches):
        if begins:
            callbacks.on_test_batch_begin(index)
        z = x
        with np.errstate(all="ignore"):
            for layer in chain:
                z = layer.forward(z, False)
            value = loss.forward(z, y, weight) + penalty
            scores.add(value, len(x))
            if scores.any:
                scores.update(y, plan.finish(z), weight)
        if ends and callbacks.hears("on_test_batch_end"):
            callbacks.on_test_batch_end(index, scores.logs(value))
    return scores


def predict(model: "Sequential", chain: list[Any], x: Array, size: int, callbacks: Any, verbose: Any) -> Array:
    """Return the outputs with callbacks around the batches: see `Sequential.predict`."""
    hooks = CallbackList([*_listed(callbacks), ProgressBar(verbose, 1, -(-len(x) // size))], model)
    y = np.empty((len(x), *model.output_shape), model.dtype)  # type: ignore[misc]
    hooks.on_predict_begin()
    for index, start in enumerate(range(0, len(x), size)):
        part = slice(start, start + size)
        hooks.on_predict_batch_begin(index)
        y[part] = model._infer(chain, x[part].astype(model.dtype, copy=False))
        hooks.on_predict_batch_end(index, {"outputs": y[part]})
    hooks.on_predict_end()
    return y


def _source(model: "Sequential", x: Any, y: Any, weight: Any, class_weight: Any, steps: Any, who: str) -> Table | Stream:
    """Return what the user passed as a `Table` or a `Stream`."""
    if steps is not None:
        checks.integer(steps, f"{who}steps", minimum=1)
    if not is_stream(x, y):
        return model.table(x, y, weight, class_weight)
    if weight is not None:
        raise ArgumentError(f"{who}sample_weight: expected None for an iterable: let it yield (x, y, sample_weight).")

    def check(x: Any, y: Any, weight: Any = None, who: str = "") -> Table:
        return model.table(x, y, weight, class_weight, who)

    return Stream(x, check, steps, f"{who}x")


def _batch_size(value: Any, source: Table | Stream, full_batch: bool) -> int:
    if value is not None:
        checks.integer(value, "fit: batch_size", minimum=1)
    if not isinstance(source, Table):
        if value is not None:
            raise ArgumentError("fit: batch_size: expected None for an iterable, whose batches have their own sizes.")
        if full_batch:
            raise ArgumentError("fit: x: expected arrays for LBFGS, which needs all rows at once, got an iterable.")
        return 32
    if full_batch and value is not None and value < len(source):
        raise ArgumentError(f"fit: batch_size: expected None or at least {len(source)}, all rows, for LBFGS, got {value}.")
    return len(source) if full_batch else 32 if value is None else value


def _validation(
    model: "Sequential", source: Table | Stream, data: Any, part: Any, split: str, seed: int
) -> tuple[Array | None, Any]:
    """Return the rows to train on (None for all), and the validation source with its rows, or None."""
    checks.number(part, "fit: validation_split", at_least=0, below=1)
    checks.choice(split, "fit: split", ("shuffle", "stratify", "last"))
    if data is not None:
        if part:
            raise ArgumentError("fit: validation_data: expected it without validation_split: choose one of the two.")
        if isinstance(data, (tuple, list)) and len(data) in (2, 3) and not is_stream(data, None):
            return None, (model.table(*data, who="validation_data: "), None)
        return None, (_source(model, data, None, None, None, None, "fit: validation_data: "), None)
    if not part:
        return None, None
    if not isinstance(source, Table):
        raise ArgumentError("fit: validation_split: expected 0 for an iterable, got a part. Use validation_data.")
    if split == "stratify" and model.loss.link is None and not model.loss.sparse:
        raise ArgumentError(f"fit: split: expected classes to stratify by, got the loss {model.loss!r}. Use 'shuffle'.")
    rng = np.random.default_rng([seed, 0, 1])
    rows, kept = split_rows(source.y, len(source), part, split, rng)
    return rows, (source, kept)


def _steps(source: Table | Stream, rows: Array | None, size: int, steps: int | None) -> int | None:
    if not isinstance(source, Table):
        return steps
    count = -(-(len(source) if rows is None else len(rows)) // size)
    return count if steps is None else min(steps, count)


def _listed(callbacks: Any) -> Iterable[Any]:
    return [] if callbacks is None else [callbacks] if not isinstance(callbacks, Iterable) else callbacks


def _returned(logs: dict[str, Any], as_dict: bool) -> Any:
    if as_dict:
        return logs
    return logs["loss"] if len(logs) == 1 else list(logs.values())

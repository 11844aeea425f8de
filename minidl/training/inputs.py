"""Inputs: from what users pass to `fit` and `evaluate` to checked tables and streams, all in one place."""

from typing import Any, NamedTuple

import numpy as np

from minidl import checks
from minidl.data import (
    Batch,
    Stream,
    Table,
    as_array,
    balanced,
    check_features,
    check_finite,
    check_weights,
    class_factors,
    classes_of,
    is_stream,
    read_only,
    split_rows,
)
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.losses import Loss
from minidl.network import Network
from minidl.numeric import in_dtype
from minidl.randomness import split_generator
from minidl.typing import Array

BATCH_SIZE = 32


class Data(NamedTuple):
    """The arguments of `fit` that are about data."""

    x: Any
    y: Any
    sample_weight: Any = None
    class_weight: Any = None
    batch_size: int | None = None
    shuffle: bool = True
    steps_per_epoch: int | None = None
    validation_split: float = 0.0
    validation_data: Any = None
    split: str = "shuffle"


class Source(NamedTuple):
    """Where the batches of an epoch come from: a table or stream, its rows (None for all), and samples a batch."""

    data: Table | Stream
    rows: Array | None
    batch_size: int

    def steps(self) -> int | None:
        """Return the number of batches in an epoch, where it is known."""
        if not isinstance(self.data, Table):
            return self.data.steps
        return -(-(len(self.data) if self.rows is None else len(self.rows)) // self.batch_size)


class Inputs:
    """Checks data against a network and the loss behind it."""

    def __init__(self, network: Network, loss: Loss) -> None:
        self.network, self.loss = network, loss

    def batch(self, x: Any, y: Any, weight: Any, class_weight: Any = None, who: str = "") -> Batch:
        """Return the samples as one checked batch."""
        x, y, weight = self._checked(x, y, weight, who)
        if class_weight is not None:
            weight = self._weigh_classes(class_weight, y, weight, who)
        return read_only(in_dtype(x, self.network.dtype)), read_only(y), weight

    def table(self, x: Any, y: Any, weight: Any = None, who: str = "") -> Table:
        """Return the samples as a checked table, of which memory-mapped files are read a batch at a time."""
        return Table(*self._checked(x, y, weight, who), self.network.dtype)

    def _checked(self, x: Any, y: Any, weight: Any, who: str) -> tuple[Array, Array, Array | None]:
        network = self.network
        x = check_features(x, network.input_shape, network.layers[0], network.dtype, f"{who}x")
        if not len(x):
            raise DataError(f"{who}x: expected at least one row, got shape {x.shape}.")
        return (
            x,
            self._targets(y, len(x), f"{who}y"),
            check_weights(weight, len(x), network.dtype, f"{who}sample_weight"),
        )

    def _targets(self, value: Any, rows: int, who: str) -> Array:
        """Return ``y`` as labels of shape (rows,) or targets of shape (rows, outputs), which the loss can use."""
        network, loss = self.network, self.loss
        if len(network.output_shape) != 1:
            raise ShapeError(f"{who}: expected outputs of shape (batch, units), got rows of {network.output_shape}.")
        outputs = network.output_shape[0]
        y = as_array(value, who)
        if len(y) != rows:
            fix = f" Its shape is {y.shape}: use y.T." if y.shape[1:] == (rows,) else ""
            raise ShapeError(f"{who}: expected a row for each of x: x has {rows} rows, y has {len(y)}.{fix}")
        check_finite(y, who, network.dtype)
        if loss.sparse:
            if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
                raise ShapeError(
                    f"{who}: expected labels of shape ({rows},), got {y.shape}. "
                    f'For one-hot targets use loss="categorical_crossentropy".'
                )
            y = y.reshape(rows)
        elif y.ndim == 1 and outputs == 1:
            y = y.reshape(rows, 1)
        if not loss.sparse and y.shape != (rows, outputs):
            fix = ' For integer labels use loss="sparse_categorical_crossentropy".' if loss.link == "softmax" else ""
            raise ShapeError(
                f"{who}: expected shape {(rows, outputs)}, as the model's output for these rows, got {y.shape}.{fix}"
            )
        try:
            loss.check_targets(y, outputs)
        except DataError as error:  # the loss calls them y
            raise DataError(str(error).replace("y:", f"{who}:", 1)) from None
        return in_dtype(y, np.intp if loss.sparse else network.dtype)

    def stream(self, iterable: Any, class_weight: Any, steps: int | None, who: str) -> Stream:
        """Return an iterable of batches, each of which is checked as it arrives."""
        if _is_balanced(class_weight):
            raise ArgumentError(
                f'{who}: class_weight: "balanced" needs arrays; for an iterable of batches pass a dict.'
            )

        def check(x: Any, y: Any, weight: Any = None, who: str = "") -> Batch:
            return self.batch(x, y, weight, class_weight, who)

        return Stream(iterable, check, steps, who)

    def for_fit(self, data: Data, seed: int, *, full_batch: bool) -> tuple[Source, Source | None]:
        """Return where `fit` takes its batches from, and where those of the validation come from."""
        if is_stream(data.x, data.y):
            return self._streams_for_fit(data, full_batch=full_batch)
        table = self.table(data.x, data.y, data.sample_weight)
        size = _batch_size(data.batch_size, len(table), full_batch=full_batch)
        rows, validation = None, self._validation(data, size)
        if data.validation_split:
            rows, held_out = self._split(table, data, seed)
            validation = Source(table, held_out, size)
        source = Source(self._weigh_table(table, rows, data.class_weight), rows, size)
        _check_steps(data.steps_per_epoch, source, "fit: steps_per_epoch")
        return source, validation

    def for_evaluate(self, x: Any, y: Any, weight: Any, batch_size: int, steps: int | None) -> Source:
        """Return where `evaluate` takes its batches from."""
        if is_stream(x, y):
            _refuse_weights(weight, "evaluate: ")
            return Source(self.stream(x, None, steps, "evaluate: x"), None, batch_size)
        table = self.table(x, y, weight)
        _check_weights_count(table, None, "")
        source = Source(table, None, batch_size)
        _check_steps(steps, source, "evaluate: steps")
        return source if steps is None else Source(table, np.arange(min(len(table), steps * batch_size)), batch_size)

    def _streams_for_fit(self, data: Data, *, full_batch: bool) -> tuple[Source, Source | None]:
        if data.batch_size is not None:
            raise ArgumentError("fit: batch_size: expected None for an iterable, whose batches have their own sizes.")
        if full_batch:
            raise ArgumentError("fit: x: expected arrays for LBFGS, which needs all rows at once, got an iterable.")
        if data.validation_split:
            raise ArgumentError("fit: validation_split: expected 0 for an iterable, got a part. Use validation_data.")
        _refuse_weights(data.sample_weight, "fit: ")
        stream = self.stream(data.x, data.class_weight, data.steps_per_epoch, "fit: x")
        source = Source(stream, None, BATCH_SIZE)
        _check_steps(data.steps_per_epoch, source, "fit: steps_per_epoch")
        return source, self._validation(data, BATCH_SIZE)

    def _validation(self, data: Data, size: int) -> Source | None:
        given, who = data.validation_data, "validation_data: "
        if given is None:
            return None
        if data.validation_split:
            raise ArgumentError("fit: validation_data: expected it without validation_split: choose one of the two.")
        if isinstance(given, (tuple, list)) and len(given) in (2, 3) and not is_stream(given, None):
            x, y, weight = (*given, None)[:3]
            table = self.table(x, y, weight, who)
            _check_weights_count(table, None, who)
            return Source(table, None, size)
        if not is_stream(given, None):
            raise ArgumentError(
                "fit: validation_data: expected (x, y), (x, y, sample_weight) or an iterable of them, "
                f"got {type(given).__name__}."
            )
        return Source(self.stream(given, None, None, "fit: validation_data: x"), None, size)

    def _split(self, table: Table, data: Data, seed: int) -> tuple[Array, Array]:
        if data.split == "stratify" and self.loss.link is None:
            raise ArgumentError(
                f"fit: split: expected classes to stratify by, got the loss {self.loss!r}. Use 'shuffle'."
            )
        return split_rows(table.y, len(table), data.validation_split, data.split, split_generator(seed))

    def _weigh_table(self, table: Table, rows: Array | None, class_weight: Any) -> Table:
        """Return the table with the class weights of its training rows in the sample weights."""
        if class_weight is not None:
            y = table.y if rows is None else table.y[rows]
            given = balanced(classes_of(y)) if _is_balanced(class_weight) else class_weight
            table = table.with_weight(self._weigh_classes(given, table.y, table.sample_weight, ""))
        _check_weights_count(table, rows, "")
        return table

    def _weigh_classes(self, class_weight: Any, y: Array, weight: Array | None, who: str) -> Array:
        loss, outputs = self.loss, self.network.output_shape[0]
        if (loss.link is None and not loss.binary) or (loss.binary and outputs > 1):
            raise ArgumentError(
                f"{who}class_weight: expected a loss with one class for each row, got {loss!r} on {outputs} outputs. "
                "Use sample_weight."
            )
        factors = class_factors(class_weight, y, outputs)
        factors = factors if weight is None else weight * factors
        check_finite(factors, f"{who}class_weight", self.network.dtype)
        return factors.astype(self.network.dtype)


def _is_balanced(class_weight: Any) -> bool:
    return isinstance(class_weight, str) and class_weight == "balanced"


def _refuse_weights(weight: Any, who: str) -> None:
    if weight is not None:
        raise ArgumentError(f"{who}sample_weight: expected None for an iterable: let it yield (x, y, sample_weight).")


def _check_weights_count(table: Table, rows: Array | None, who: str) -> None:
    """Raise a `DataError` if none of the samples counts."""
    weight = table.sample_weight
    if weight is not None and not (weight if rows is None else weight[rows]).any():
        raise DataError(f"{who}sample_weight: expected a row that counts, got 0 for all, class_weight included.")


def _batch_size(value: int | None, rows: int, *, full_batch: bool) -> int:
    """Return the samples of a step: 32 unless given, all for a solver."""
    if not full_batch:
        return BATCH_SIZE if value is None else value
    if value is not None and value < rows:
        raise ArgumentError(f"fit: batch_size: expected None or at least {rows}, all rows, for LBFGS, got {value}.")
    return rows


def _check_steps(steps: int | None, source: Source, who: str) -> None:
    if steps is None:
        return
    checks.integer(steps, who, minimum=1)
    count = source.steps() or steps
    if steps > count:
        size = source.batch_size
        raise ArgumentError(f"{who}: expected at most {count}, the batches of {size} rows that there are, got {steps}.")

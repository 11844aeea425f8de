"""Inputs: turns the data passed to `fit` and `evaluate` into checked tables and streams."""

from typing import Any, NamedTuple, Self

import numpy as np

from minidl import checks
from minidl.data import Batch, Samples, Stream, Table, Words, column_names, is_stream, split_rows
from minidl.errors import ArgumentError, DataError
from minidl.randomness import split_generator
from minidl.typing import Array

BATCH_SIZE = 32
TRAINING = Words("", "fit: x", "fit: steps_per_epoch")
VALIDATION = Words("validation_data: ", "fit: validation_data", "fit: validation_steps")
EVALUATION = Words("", "evaluate: x", "evaluate: steps")
COUNTS = ("batch_size", "steps_per_epoch", "validation_steps", "validation_batch_size")
SEVERAL = (list, tuple, set, frozenset, range)  # types that hold several epochs
LEAST_ENDLESS = 1000  # batches: validation data counts as endless after this many, or ten times as many as in training


class Data(NamedTuple):
    """The arguments of `fit` that concern data."""

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
    validation_steps: int | None = None
    validation_batch_size: int | None = None
    validation_freq: Any = 1

    def checked(self) -> Self:
        """Return the arguments as Python numbers; an `ArgumentError` for those that are invalid whatever the data."""
        checks.flag(self.shuffle, "fit: shuffle")
        share = checks.number(self.validation_split, "fit: validation_split", at_least=0, below=1)
        for name in COUNTS:
            if (value := getattr(self, name)) is not None:
                self = self._replace(**dict[str, Any]({name: checks.integer(value, f"fit: {name}", minimum=1)}))
        checks.choice(self.split, "fit: split", ("shuffle", "stratify", "last"))
        for epoch in self.validation_freq if isinstance(self.validation_freq, SEVERAL) else [self.validation_freq]:
            checks.integer(epoch, "fit: validation_freq", minimum=1)
        if (self.validation_data is not None) == bool(share) and (share or self.validation_steps):
            if not share:
                raise ArgumentError("fit: validation_steps: expected None without validation data.")
            raise ArgumentError("fit: validation_data: expected None with validation_split: choose one of the two.")
        return self._replace(validation_split=share)

    def validates(self, epoch: int) -> bool:
        """Return whether the model is validated after this epoch, counted from 1."""
        every = self.validation_freq
        return epoch in every if isinstance(every, SEVERAL) else epoch % every == 0


class Source(NamedTuple):
    """The source of an epoch's batches: a table or stream, its rows (None for all), and the batch size."""

    data: Table | Stream
    rows: Any
    batch_size: int

    def steps(self) -> int | None:
        """Return the number of batches per epoch, or None if it is unknown."""
        if not isinstance(self.data, Table):
            return self.data.steps
        return -(-(len(self.data) if self.rows is None else len(self.rows)) // self.batch_size)

    def first(self, steps: int | None, words: Words) -> "Source":
        """Return a source with the first ``steps`` batches of a table (None for all)."""
        if steps is None:
            return self
        count, size = self.steps() or steps, self.batch_size
        if steps > count:
            expected = f"expected at most {count}, the number of batches of {size} rows"
            raise ArgumentError(f"{words.steps}: {expected}, got {steps}.")
        assert isinstance(self.data, Table)
        rows = np.arange(min(steps * size, len(self.data))) if self.rows is None else self.rows[: steps * size]
        return self._replace(rows=rows)


class Inputs(Samples):
    """The data of `fit` and `evaluate` as checked tables and streams."""

    def table(self, x: Any, y: Any, weight: Any = None, who: str = "") -> Table:
        """Return the samples as a checked table; arrays on disk are read one batch at a time."""
        return Table(*self.checked(x, y, weight, who, first=True, on_disk=True), self.network.input_dtype, self.y_dtype)

    def stream(
        self, iterable: Any, steps: int | None, words: Words, weight: Any, class_weight: Any = None, most: Any = None
    ) -> Stream:
        """Return a stream of batches, each checked as it arrives; sample weights come with the batches."""
        if weight is not None:
            who = f"{words.iterable.removesuffix('x')}sample_weight"
            raise ArgumentError(f"{who}: expected None for an iterable: let it yield (x, y, sample_weight).")
        if isinstance(class_weight, str):
            got = f'{words.iterable}: class_weight: "{class_weight}"'
            raise ArgumentError(f"{got} needs arrays; for an iterable of batches pass a dict.")
        first = True

        def check(item: Any, who: str) -> Batch:
            nonlocal first
            if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
                got = type(item).__name__
                raise DataError(f"{who}expected a tuple (x, y) or (x, y, sample_weight), got {got}.")
            x, y, weight = (*item, None)[:3]
            if words is TRAINING and (model := self.network.root()) is not None:
                model.feature_names = model.feature_names or column_names(x) or None
            batch = self.batch(x, y, weight, class_weight, who, first=first)
            first = False
            return batch

        return Stream(iterable, check, steps, words, goes_on=words is TRAINING, most=most)

    def for_fit(self, data: Data, seed: int, *, full_batch: bool) -> tuple[Source, Source | None]:
        """Return the sources of the training and validation batches of `fit`; None without validation."""
        if type(data.x) is not np.ndarray and is_stream(data.x, data.y):
            source = self._stream_for_fit(data, full_batch=full_batch)
            return source, None if data.validation_data is None else self._validation(data, source)
        table = self.table(data.x, data.y, data.sample_weight)
        if full_batch and (data.batch_size or len(table)) < len(table):
            expected = f"expected None or at least {len(table)}, all rows, for LBFGS"
            raise ArgumentError(f"fit: batch_size: {expected}, got {data.batch_size}.")
        size = len(table) if full_batch else data.batch_size or BATCH_SIZE
        rows, held_out = self._split(table, data, seed) if data.validation_split else (None, None)
        weighed = data.class_weight is not None or table.sample_weight is not None
        source = Source(self._weigh_table(table, rows, data.class_weight) if weighed else table, rows, size)
        if data.steps_per_epoch is not None:
            source.first(data.steps_per_epoch, TRAINING)
        if held_out is None:
            return source, None if data.validation_data is None else self._validation(data, source)
        _check_weights_count(table, held_out, "validation_split: ")
        validation = Source(table, held_out, data.validation_batch_size or size)
        return source, validation.first(data.validation_steps, VALIDATION)

    def for_evaluate(
        self, samples: tuple[Any, Any, Any], size: int, steps: int | None, words: Words = EVALUATION, most: Any = None
    ) -> Source:
        """Return the source of the batches of `evaluate` or of validation, given (x, y, sample_weight)."""
        x, y, weight = samples
        if steps is not None:
            checks.integer(steps, words.steps, minimum=1)
        if not is_stream(x, y):
            table = self.table(x, y, weight, words.arrays)
            _check_weights_count(table, None, words.arrays)
            return Source(table, None, size).first(steps, words)
        return Source(self.stream(x, steps, words, weight, most=most), None, size)

    def _stream_for_fit(self, data: Data, *, full_batch: bool) -> Source:
        if data.batch_size is not None:
            raise ArgumentError("fit: batch_size: expected None for an iterable, whose batches have their own sizes.")
        if full_batch:
            raise ArgumentError("fit: x: expected arrays for LBFGS, which needs all rows at once, got an iterable.")
        if data.validation_split:
            raise ArgumentError("fit: validation_split: expected 0 for an iterable. Use validation_data.")
        stream = self.stream(data.x, data.steps_per_epoch, TRAINING, data.sample_weight, data.class_weight)
        return Source(stream, None, BATCH_SIZE)

    def _validation(self, data: Data, training: Source) -> Source:
        given, size = data.validation_data, data.validation_batch_size
        samples = (given, None, None)
        if not is_stream(given, None):
            if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
                got = "samples" if isinstance(given, list) and type((*given, 0)[0]) is tuple else type(given).__name__
                expected = "expected (x, y), (x, y, sample_weight) or an iterable of them"
                raise ArgumentError(f"fit: validation_data: {expected}, got {got}.")
            samples = (*given, None)[:3]
        elif size is not None:
            raise ArgumentError("fit: validation_batch_size: expected None for an iterable of batches.")
        most = max(LEAST_ENDLESS, 10 * (training.steps() or 0))
        return self.for_evaluate(samples, size or training.batch_size, data.validation_steps, VALIDATION, most)

    def _split(self, table: Table, data: Data, seed: int) -> tuple[Array, Array]:
        if data.split == "stratify" and self.loss.link is None:
            got = f"the loss {self.loss!r}. Use 'shuffle'"
            raise ArgumentError(f"fit: split: expected classes to stratify by, got {got}.")
        return split_rows(table.y, len(table), data.validation_split, data.split, split_generator(seed))

    def _weigh_table(self, table: Table, rows: Array | None, class_weight: Any) -> Table:
        """Return the table with class weights, based on the training rows, multiplied into its sample weights."""
        if class_weight is not None:
            table = table.with_weight(self.weigh_classes(class_weight, table.y, table.sample_weight, "", rows))
        _check_weights_count(table, rows, "")
        return table


def _check_weights_count(table: Table, rows: Array | None, who: str) -> None:
    """Raise a `DataError` if all of the samples have weight 0."""
    weight = table.sample_weight
    if weight is not None and not (weight if rows is None else weight[rows]).any():
        raise DataError(f"{who}sample_weight: expected a positive weight, got 0 for all, class_weight included.")

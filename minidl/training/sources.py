"""From the arguments of `fit` and `evaluate` to checked sources of batches."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.data import Stream, Table, balanced, classes_of, is_stream, split_rows
from minidl.errors import ArgumentError, DataError
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential

Validation = tuple[Table | Stream, Array | None] | None  # the data and its rows (None for all)


def make_source(
    model: "Sequential", x: Any, y: Any, weight: Any, class_weight: Any, steps: Any, who: str
) -> Table | Stream:
    """Return what the user passed as a `Table` or a `Stream`."""
    if not is_stream(x, y):
        return _weighed(model.table(x, y, weight, class_weight), "")
    model._require_built(f"{who}x")
    if isinstance(class_weight, str) and class_weight == "balanced":
        raise ArgumentError(f"{who}class_weight: expected a dict for an iterable, whose classes nobody has counted.")
    if weight is not None:
        raise ArgumentError(f"{who}sample_weight: expected None for an iterable: let it yield (x, y, sample_weight).")

    def check(x: Any, y: Any, weight: Any = None, who: str = "") -> Table:
        return model.table(x, y, weight, class_weight, who)

    return Stream(x, check, steps, f"{who}x")


def _weighed(table: Table, who: str) -> Table:
    """Return ``table``, unless none of its rows counts."""
    if table.sample_weight is not None and not table.sample_weight.any():
        raise DataError(f"{who}sample_weight: expected a row that counts, got 0 for all, class_weight included.")
    return table


def batch_size_of(value: Any, source: Table | Stream, full_batch: bool) -> int:
    """Return the rows of a step: 32 unless given, all for a full-batch optimizer."""
    if not isinstance(source, Table):
        if value is not None:
            raise ArgumentError("fit: batch_size: expected None for an iterable, whose batches have their own sizes.")
        if full_batch:
            raise ArgumentError("fit: x: expected arrays for LBFGS, which needs all rows at once, got an iterable.")
        return 32
    if full_batch and value is not None and value < len(source):
        raise ArgumentError(
            f"fit: batch_size: expected None or at least {len(source)}, all rows, for LBFGS, got {value}."
        )
    return len(source) if full_batch else 32 if value is None else value


def split_off(
    model: "Sequential", source: Table | Stream, data: Any, part: Any, split: str, class_weight: Any, seed: int
) -> tuple[Array | None, Validation]:
    """Return the rows to train on (None for all), and the validation source with its rows, or None."""
    if class_weight == "balanced":  # by the classes of the training data, also where others are validated
        class_weight = balanced(classes_of(source.y))  # type: ignore[union-attr, arg-type]
    if data is not None:
        if part:
            raise ArgumentError("fit: validation_data: expected it without validation_split: choose one of the two.")
        if isinstance(data, (tuple, list)) and len(data) in (2, 3) and not is_stream(data, None):
            x, y, weight = (*data, None)[:3]
            who = "validation_data: "
            return None, (_weighed(model.table(x, y, weight, class_weight, who), who), None)
        if not is_stream(data, None):
            raise ArgumentError(
                "fit: validation_data: expected (x, y), (x, y, sample_weight) or an iterable of them, "
                f"got {type(data).__name__}."
            )
        return None, (make_source(model, data, None, None, class_weight, None, "fit: validation_data: "), None)
    if not part:
        return None, None
    if not isinstance(source, Table):
        raise ArgumentError("fit: validation_split: expected 0 for an iterable, got a part. Use validation_data.")
    if split == "stratify" and model.loss.link is None:
        raise ArgumentError(f"fit: split: expected classes to stratify by, got the loss {model.loss!r}. Use 'shuffle'.")
    rng = np.random.default_rng([seed, 0, 1])
    rows, kept = split_rows(source.y, len(source), part, split, rng)
    return rows, (source, kept)


def steps_of(source: Table | Stream, rows: Array | None, size: int, steps: int | None, who: str) -> int | None:
    """Return the number of batches in an epoch, where it is known; check ``steps``, the user's wish."""
    if steps is not None:
        checks.integer(steps, who, minimum=1)
    if not isinstance(source, Table):
        return steps
    count = -(-(len(source) if rows is None else len(rows)) // size)
    if steps is not None and steps > count:
        raise ArgumentError(f"{who}: expected at most {count}, the batches of {size} rows that there are, got {steps}.")
    return steps or count

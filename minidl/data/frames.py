"""Frames: tables whose columns have names, from pandas, polars or Arrow.

A model remembers the names that it was fitted on, so that no column is taken for another one.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minidl.errors import DataError

SHOWN = 5  # names that a message lists


def is_frame(value: Any) -> bool:
    """Tell whether ``value`` has named columns."""
    kind = type(value)
    return hasattr(kind, "columns") and (hasattr(kind, "to_numpy") or hasattr(kind, "column_names"))


def column_names(value: Any) -> tuple[str, ...]:
    """Return the names of the columns of a frame; none for anything else, nor for a frame that only numbers them."""
    if not is_frame(value):
        return ()
    names = tuple(map(str, value.column_names if hasattr(type(value), "column_names") else value.columns))
    return () if names == tuple(map(str, range(len(names)))) else names


def columns_of(frame: Any) -> Iterable[tuple[str, Any]]:
    """Return the names and the columns of a frame."""
    kind = type(frame)
    if hasattr(kind, "column_names"):  # Arrow
        return [*zip(map(str, frame.column_names), frame.columns, strict=True)]
    if hasattr(kind, "get_columns"):  # polars
        return [*zip(frame.columns, frame.get_columns(), strict=True)]
    return [(str(name), column) for name, column in frame.items()]


def has_plain_columns(frame: Any) -> bool:
    """Tell whether the columns are of types of NumPy that have a common one: then the frame is converted at once.

    Otherwise pandas would make an array of objects, which is slower by far: see benchmarks/frames.py.
    """
    types = getattr(frame, "dtypes", [None])
    kinds = {each.kind if isinstance(each, np.dtype) else "O" for each in types}
    return kinds <= {"f", "i", "u"} or kinds == {"b"}


def check_columns(value: Any, network: Any, who: str) -> tuple[str, ...]:
    """Return the names of the columns of ``value``; a `DataError` unless the model was fitted on the same, in order."""
    names, model = column_names(value), network.root()
    numbers = sorted(map(str, range(len(names))))
    known = (model and model.feature_names) or (numbers if sorted(names) == numbers else names)
    if not names or tuple(known) == names:
        return names
    got = [f"no column {name!r}" for name in known if name not in names][:SHOWN]
    got += [f"the unknown column {name!r}" for name in names if name not in known][:SHOWN]
    expected = f"expected the columns that the model was fitted on, {', '.join(map(repr, known))}"
    fix = f"Use {who}[list(model.feature_names)], or .to_numpy() where names do not matter."
    raise DataError(f"{who}: {expected}; got {', '.join(got) or 'them in another order'}. {fix}")


def check_order(x: Any, other: Any, who: str) -> None:
    """Raise a `DataError` if two objects of pandas have the same labels of rows in different orders."""
    first: Any = getattr(x, "index", None)
    second: Any = getattr(other, "index", None)
    if not hasattr(first, "equals") or not hasattr(second, "equals") or first.equals(second):
        return
    if len(first) == len(second) and set(first) == set(second):
        fix = f"Use {who}.loc[x.index], or .to_numpy() if the rows are in order."
        got = "the labels of its index in another order"
        raise DataError(f"{who}: expected the rows in the order of x, got {got}. {fix}")

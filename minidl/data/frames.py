"""Frames: tables with named columns, from pandas, polars or Arrow.

A model remembers the column names that it was fitted on, so that columns cannot be mixed up.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minidl.errors import DataError

SHOWN = 5  # maximum number of names listed in a message


def is_frame(value: Any) -> bool:
    """Return whether ``value`` has named columns."""
    kind = type(value)
    return hasattr(kind, "columns") and (hasattr(kind, "to_numpy") or hasattr(kind, "column_names"))


def column_names(value: Any) -> tuple[str, ...]:
    """Return the column names of a frame; empty for anything else, and for a frame whose columns are only numbered."""
    if not is_frame(value):
        return ()
    names = tuple(map(str, value.column_names if hasattr(type(value), "column_names") else value.columns))
    return () if names == tuple(map(str, range(len(names)))) else names


def columns_of(frame: Any) -> Iterable[tuple[str, Any]]:
    """Return the names and the columns of a frame."""
    if hasattr(type(frame), "column_names"):  # Arrow
        return [*zip(map(str, frame.column_names), frame.columns, strict=True)]
    if hasattr(type(frame), "get_columns"):  # polars
        return [*zip(frame.columns, frame.get_columns(), strict=True)]
    return [(str(name), column) for name, column in frame.items()]


def has_plain_columns(frame: Any) -> bool:
    """Return whether the columns have NumPy types with a common one, so that the frame can be converted as a whole.

    Otherwise pandas would make an array of objects, which is much slower: see benchmarks/frames.py.
    """
    types = getattr(frame, "dtypes", [None])
    kinds = {each.kind if isinstance(each, np.dtype) else "O" for each in types}
    return kinds <= {"f", "i", "u"} or kinds == {"b"}


def check_columns(value: Any, network: Any, who: str) -> tuple[str, ...]:
    """Return the column names of ``value``; a `DataError` if they differ from those the model was fitted on."""
    names, model = column_names(value), network.root()
    numbers = sorted(map(str, range(len(names))))
    known = (model and model.feature_names) or (numbers if sorted(names) == numbers else names)
    if not names or tuple(known) == names:
        return names
    got = [f"no column {name!r}" for name in known if name not in names][:SHOWN]
    got += [f"the unknown column {name!r}" for name in names if name not in known][:SHOWN]
    expected = f"expected the columns that the model was fitted on, {', '.join(map(repr, known))}"
    fix = "Use x[list(model.feature_names)], or .to_numpy() where names do not matter."
    raise DataError(f"{who}: {expected}; got {', '.join(got) or 'them in another order'}. {fix}")


def check_order(x: Any, other: Any, who: str) -> None:
    """Raise a `DataError` if two pandas objects have the same row labels in different orders."""
    first: Any = getattr(x, "index", None)
    second: Any = getattr(other, "index", None)
    if not hasattr(first, "equals") or not hasattr(second, "equals") or first.equals(second):
        return
    if len(first) == len(second) and set(first) == set(second):
        fix = f"Use {who.rpartition(' ')[2]}.loc[x.index], or .to_numpy() if the rows are in order."
        got = "the labels of its index in another order"
        raise DataError(f"{who}: expected the rows in the order of x, got {got}. {fix}")

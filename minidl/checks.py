"""Checks of single arguments: each returns the value, or raises an `ArgumentError`.

``who`` names the receiver and the argument, such as ``"Dense: units"``; it opens the message.
"""

from collections.abc import Iterable, Sequence
from math import inf, isfinite
from sys import float_info
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.typing import Array, Shape


def integer(value: Any, who: str, *, minimum: int | None = None) -> int:
    """Return ``value`` as an int of at least ``minimum``; booleans, floats and strings are refused."""
    value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    expected = "an integer" if minimum is None else f"an integer of at least {minimum}"
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or (minimum is not None and value < minimum):
        raise ArgumentError(f"{who}: expected {expected}, got {value!r}.")
    return int(value)


def number(
    value: Any, who: str, *, at_least: float = -inf, above: float = -inf, at_most: float = inf, below: float = inf
) -> float:
    """Return ``value`` as a finite float inside the bounds; booleans and strings are refused."""
    value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value  # np.where returns 0-d arrays
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    fits = real and (not isinstance(value, int) or abs(value) <= float_info.max) and isfinite(value)
    if fits and at_least <= value <= at_most and above < value < below:
        return float(value)
    bounds = ((">=", at_least), (">", above), ("<=", at_most), ("<", below))
    expected = " and ".join(f"{word} {bound:g}" for word, bound in bounds if isfinite(bound))
    raise ArgumentError(f"{who}: expected {f'a finite number {expected}'.strip()}, got {value!r}.")


def real_array(value: Any, who: str) -> Array:
    """Return ``value`` as an array of finite real numbers."""
    array = np.array(value)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ArgumentError(f"{who}: expected finite numbers, got {value!r:.100}.")
    return array


def is_shape(value: Any) -> bool:
    """Return whether ``value`` is a tuple or list of positive integers, short enough for an array with a batch axis."""
    return (
        isinstance(value, (tuple, list))
        and len(value) < 64
        and all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in value)
    )


def flag(value: Any, who: str) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(f"{who}: expected True or False, got {value!r}.")
    return bool(value)


def choice(value: Any, who: str, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``; otherwise raise an error that lists them."""
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    expected = ", ".join(repr(name) for name in known)
    raise ArgumentError(f"{who}: expected one of {expected}, got {value!r}.{did_you_mean(value, known)}")


def floating_type(value: Any, who: str) -> str:
    """Return the name of a floating-point type: float32, float64 or the platform's long double."""
    simple = not isinstance(value, str) or value.lstrip("<=>|").isidentifier()  # NumPy also parses "2, f4"
    try:
        name = np.dtype(value if simple and value else "None").name  # NumPy takes None for float64
    except TypeError:
        name = str(value)
    return choice(name, who, ("float32", "float64", np.dtype(np.longdouble).name))


def is_same_kind(now: Any, then: Any) -> bool:
    """Return whether ``then`` and ``now`` are both numbers (or None, not yet set), strings, lists or dicts."""
    if now is None or isinstance(now, (int, float, np.number)):
        return (then is None and now is None) or isinstance(then, (int, float, np.number))
    return isinstance(then, type(now))


def wrong_label(labels: Array, count: float) -> int | None:
    """Return the row of the first label that is not an integer in [0, ``count``); None if all are valid."""
    with np.errstate(invalid="ignore"):  # inf % 1 warns
        wrong = ~((labels >= 0) & (labels < count) & (labels % 1 == 0))
    return int(wrong.argmax()) if wrong.any() else None


def batch_shape(shape: Shape | None) -> str:
    """Return the shape of a batch of samples of ``shape`` as text, such as ``(batch, 28, 28)``."""
    return f"({', '.join(['batch', *map(str, shape or ())])})"


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """Return a hint such as `` Did you mean 'adam'?`` if a known name is close to ``value``, else ""."""
    if not isinstance(value, str) or len(value) > 200:  # comparing takes time, and such a text is no name
        return ""
    import difflib  # only needed for an error

    near = difflib.get_close_matches(value.lower(), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def place(index: tuple[int, ...], names: Sequence[str] = ()) -> str:
    """Return a position as messages name it: ``row 3, column 2``, or ``row 3, column 'age'`` if columns have names."""
    words = f"row {index[0]}"
    if len(index) == 2:
        return f"{words}, column {repr(names[index[1]]) if names else index[1]}"
    return words if len(index) == 1 else f"{words}, position {tuple(int(i) for i in index[1:])}"

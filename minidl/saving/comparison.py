"""Comparison of a file's content with the expected content: names, types, shapes and finite numbers."""

import math
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, MinidlError, ModelFileError

SHOWN = 50  # maximum number of mismatches listed in a message
WORDING = {
    bool: "True or False", int: "an integer of at least 0", float: "a finite number", str: "a string",
    dict: "a dict", list: "a list", object: "a value",
}  # fmt: skip


@contextmanager
def file_errors(path: Any) -> Iterator[None]:
    """Context that turns errors caused by a file's content into a `ModelFileError` with the path."""
    try:
        yield
    except (ArithmeticError, LookupError, AttributeError, TypeError, ValueError, RecursionError, MinidlError) as error:
        lines = [shown(line, 500) for line in str(error)[:20_000].split("\n")]
        raise ModelFileError("\n".join([f"{path}: not a valid model file: {lines[0]}", *lines[1:]])) from error


def shown(text: str, length: int = 200) -> str:
    """Return a text from a file so that it is safe to print: truncated, and without control characters."""
    text = text[:length]
    return text if text.isprintable() else ascii(text)[1:-1]


def raise_problems(problems: Iterable[str]) -> None:
    """Raise an `ArgumentError` that lists ``problems``, if there are any."""
    problems = list(problems)
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise ArgumentError("\n  ".join(["", *problems[:SHOWN], *more]))


def mismatches(path: str, found: Any, expected: Any) -> Iterator[str]:
    """Yield a message for each place where ``found`` does not match ``expected``.

    ``expected`` is a type, an array of the expected shape and dtype, or a list or dict of these. Integers must not be
    negative, and numbers must be finite.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in {**expected, **found}:
            where = shown(f"{path}/{name}")
            if name not in found:
                yield f"{where}: expected {_wording(expected[name])}, got none"
            elif name not in expected:
                yield f"{where}: expected no such {'array' if isinstance(found[name], np.ndarray) else 'name'}"
            else:
                yield from mismatches(where, found[name], expected[name])
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        for index, item in enumerate(expected):
            yield from mismatches(f"{path}/{index}", found[index], item)
    elif isinstance(expected, (dict, list)) or not _fits(found, expected):
        got = f"{found.shape} and {found.dtype}" if isinstance(found, np.ndarray) else f"{found!r:.100}"
        yield f"{path}: expected {_wording(expected)}, got {got}"
    elif isinstance(expected, np.ndarray) and not np.isfinite(found).all():
        yield f"{path}: expected finite values, got NaN or infinity"


def _fits(found: Any, expected: Any) -> bool:
    if isinstance(expected, np.ndarray):
        return isinstance(found, np.ndarray) and (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if expected in (int, float):
        number = isinstance(found, (int, expected)) and not isinstance(found, bool) and math.isfinite(found)
        return number and (expected is float or found >= 0)
    return isinstance(found, expected)


def _wording(expected: Any) -> str:
    if isinstance(expected, np.ndarray):
        return f"an array of shape {expected.shape} and type {expected.dtype}"
    return f"{len(expected)} items" if isinstance(expected, (dict, list)) else WORDING.get(expected, str(expected))


def differences(path: str, before: Any, now: Any, skip: Container[str] = ()) -> Iterator[str]:
    """Yield each difference of two descriptions as a message, except for keys in ``skip``; 1, 1.0 and True differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            if name not in skip:
                yield from differences(shown(f"{path}: {name}"), before.get(name), now.get(name), skip)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from differences(f"{path} {index}", left, right, skip)
    elif type(before) is not type(now) or before != now:
        yield f"{path}: expected {_summary(before)}, got {_summary(now)}"


def _summary(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} items"
    return shown(str(value["class"] if isinstance(value, dict) and "class" in value else value), 100)

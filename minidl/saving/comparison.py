"""Comparison of what a file holds with what it must hold: the names, kinds and shapes of everything in it."""

import functools
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError, MinidlError, ModelFileError

SHOWN = 50  # mismatches that a message lists
CHECKS: dict[type, Any] = {
    bool: checks.flag,
    int: functools.partial(checks.integer, minimum=0),
    float: checks.number,
}


@contextmanager
def file_errors(path: Any) -> Iterator[None]:
    """Make a `ModelFileError` with the path of whatever goes wrong with what a file holds."""
    try:
        yield
    except (ArithmeticError, LookupError, AttributeError, TypeError, ValueError, RecursionError, MinidlError) as error:
        raise ModelFileError(f"{path}: not a valid model file: {str(error)[:20_000]}") from error


def raise_problems(problems: Iterable[str]) -> None:
    """Raise an `ArgumentError` that lists ``problems``, if there are any."""
    problems = list(problems)
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise ArgumentError("\n  ".join(["", *problems[:SHOWN], *more]))


def name_mismatches(path: str, found: Iterable[str], expected: Iterable[str], kind: str = "part") -> list[str]:
    """Return which of the names ``expected`` are missing in ``found``, and which others are there."""
    found, expected = list(found), list(expected)
    missing = [f"{path}: expected the {kind} {name!r}, got none" for name in expected if name not in found]
    others = [name for name in found if name not in expected]
    return missing + [f"{path}: expected no {kind} {name[:100]!r}, only {', '.join(expected)}" for name in others]


def mismatches(path: str, found: Any, like: Any) -> Iterator[str]:
    """Yield where ``found`` has not the names, kinds and shapes of ``like``, or a number that is not finite."""
    if isinstance(like, dict) and isinstance(found, dict):
        for name, value in like.items():
            yield from mismatches(f"{path}/{name}", found.get(name), value)
        for name in found.keys() - like.keys():
            kind = "array" if isinstance(found[name], np.ndarray) else "value"
            yield f"{path}/{name}"[:200] + f": expected no such {kind}"
    elif isinstance(like, list) and isinstance(found, list) and len(found) == len(like):
        for index, (item, value) in enumerate(zip(found, like, strict=True)):
            yield from mismatches(f"{path}/{index}", item, value)
    elif isinstance(like, np.ndarray):
        array = found if isinstance(found, np.ndarray) else None
        if array is None or array.shape != like.shape or array.dtype != like.dtype:
            got = "none" if array is None else f"{array.shape} and {array.dtype}"
            yield f"{path}: expected an array of shape {like.shape} and type {like.dtype}, got {got}"
        elif not np.isfinite(array).all():
            yield f"{path}: expected finite values, got others"
    elif type(like) in CHECKS:
        try:
            CHECKS[type(like)](found, path)
        except ArgumentError as error:
            yield str(error)[:300]
    elif type(found) is not type(like):
        yield f"{path}: expected a {type(like).__name__}, got {found!r:.100}"


def differences(path: str, before: Any, now: Any, skip: Container[str] = ()) -> Iterator[str]:
    """Yield where two descriptions differ, apart from the keys in ``skip``; 1, 1.0 and True are not the same."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*before, *now]):
            if name not in skip:
                yield from differences(f"{path}: {name}", before.get(name), now.get(name), skip)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from differences(f"{path} {index}", left, right, skip)
    elif type(before) is not type(now) or before != now:
        yield f"{path}: expected {_summary(before)}, got {_summary(now)}"


def _summary(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} items"
    return str(value["class"] if isinstance(value, dict) and "class" in value else value)[:100]

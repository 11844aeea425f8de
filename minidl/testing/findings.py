"""Findings: the errors that a check reports, and the exceptions by which it gives no verdict."""

import re
import traceback
from dataclasses import dataclass, field
from typing import Any

from minidl.errors import CacheError
from minidl.layers.base import Layer
from minidl.testing.probe import LayerFailure
from minidl.testing.source_lines import place_of

PASS, FAIL, UNVERIFIED, SKIPPED, XFAIL = "PASS", "FAIL", "UNVERIFIED", "SKIPPED", "XFAIL"
NOTED = "NOTED"  # violates a rule that does not count for this subject
ASSIGNED = re.compile(r"(\w+)(\[.*\])?\s*\W{0,2}=(?!=)")  # the name of the array in a line that changes it in place
SHAPE_TROUBLE = ("core dimension", "not aligned", "could not be broadcast", "cannot reshape")


class Skipped(Exception):
    """A check does not apply; the text is the reason."""


class Unverified(Exception):
    """A check could not reach a verdict; the text is the reason. Never counted as passed."""


@dataclass
class Finding:
    """One error found by a check.

    Attributes
    ----------
    check : str
        Name of the check that found it.
    message : str
        What is wrong.
    target : str
        The array concerned, such as ``"dx"``; empty if none.
    index : tuple of int or None
        Index of its worst entry.
    analytic, numeric, error : float or None
        Value of that entry, the expected value, and the error estimate of the expected value.
    detail : str
        Number of wrong entries, the input and the arguments.
    why : str
        The most likely cause.
    slope : float or None
        Slope of the Taylor remainder: 2 for a correct gradient, 1 for a wrong one.
    where, source : str
        ``"Dense.backward, dense.py:88"`` and the text of that line.
    hypotheses : list of (str, float)
        All causes considered, with their scores, best first.
    also : list of str
        Other wrong arrays.
    """

    check: str
    message: str = ""
    target: str = ""
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    error: float | None = None
    detail: str = ""
    why: str = ""
    slope: float | None = None
    where: str = ""
    source: str = ""
    hypotheses: list[tuple[str, float]] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def resembles(self, other: "Finding") -> bool:
        """Return whether ``other`` seems to have the same cause: it concerns the same array or the same line."""
        if self.target and other.target:
            return self.target == other.target or self.target in other.also
        return self.message == other.message or (bool(self.where) and self.where == other.where)


def from_failure(check: str, failure: LayerFailure, told: str = "") -> Finding:
    """Return the finding that reports an exception inside the layer."""
    error = failure.error
    where, source = place_of(error)
    text = " ".join(str(error).split())
    message = f"{failure.method} raised {type(error).__name__}: {text}"
    why = ""
    if failure.writes:
        what = "its input" if failure.method == "forward" else "the upstream gradient or a cached input"
        message = f"{failure.method} writes into {what}"
        name = ASSIGNED.match(source)
        why = f"arrays that are handed in belong to the caller: work on a copy{f' of {name[1]}' if name else ''}"
    elif check == "empty-batch" and "reshape" in text:
        why = "a length of -1 cannot be worked out where there are no rows: write all lengths in reshape"
    elif check == "empty-batch" and "zero-size" in text:
        why = "a maximum or a minimum of no rows does not exist: return early, or give initial="
    elif isinstance(error, CacheError) and failure.method == "backward" and check != "contract":
        kept = f"self.{error.name}" if error.name else "what backward needs"
        why = f"forward sets {kept} in some calls only, such as in training: backward needs it after each"
    elif failure.method == "backward" and any(sign in text for sign in SHAPE_TROUBLE):
        why = "the shapes of the operands do not fit; they would for a square layer: a transpose, a sum or keepdims "
        why += "is missing"
    return Finding(check, message, detail=told, why=why, where=where, source=source)


def rejected_gradient(error: BaseException) -> tuple[str, Any] | None:
    """Return name and value of the gradient that was rejected for its shape, or None for any other error."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "__setattr__" and isinstance(frame.f_locals.get("self"), Layer):
            return frame.f_locals["name"], frame.f_locals["value"]
    return None

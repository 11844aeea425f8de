"""The errors of minidl: one base class and its few kinds; and its warnings.

Every message names the caller, what it expected, what it got and how to fix it.
"""

import sys
import warnings

# The names that minidl has, too; a MissingPackageError is an ImportError, which most code catches as such.
__all__ = [
    "ArgumentError", "CacheError", "DataError", "LayerError", "MinidlError", "ModelFileError", "NonFiniteError",
    "ShapeError", "StateError",
]  # fmt: skip


class MinidlError(Exception):
    """Base of every error that minidl raises on purpose; a line of more than 2,000 characters is cut in the middle."""

    def __init__(self, message: object = "") -> None:
        lines = [one if len(one) <= 2000 else f"{one[:1400]} [...] {one[-400:]}" for one in str(message).split("\n")]
        super().__init__("\n".join(lines))


class ArgumentError(MinidlError, ValueError):
    """An argument of a constructor or a call has the wrong type or value."""


class ShapeError(MinidlError, ValueError):
    """An array has the wrong shape."""


class DataError(MinidlError, ValueError):
    """The data passed to ``fit``, ``evaluate`` or ``predict`` cannot be used."""


class StateError(MinidlError, RuntimeError):
    """A call came too early: the model is not built, not compiled, or has seen no forward pass."""


class CacheError(StateError, AttributeError):
    """A layer was used before ``build`` or ``forward`` had provided the values it needs."""


class LayerError(MinidlError, RuntimeError):
    """A layer broke its contract: it returned nothing, forgot a gradient, or changed its input."""


class NonFiniteError(MinidlError, ArithmeticError):
    """Training produced NaN or infinity; the weights are those of the last finite step."""


class ModelFileError(MinidlError):
    """A model file is corrupt, not written by minidl, or does not fit the known classes."""


class MissingPackageError(MinidlError, ImportError):
    """An optional package is required and not installed."""


NOT_USERS = {"minidl", "numpy", "contextlib"}  # NumPy and contextlib run the decorated functions of minidl


def warn(text: str) -> None:
    """Issue a UserWarning that names the user's line: the innermost one that is not in minidl."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in NOT_USERS:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)

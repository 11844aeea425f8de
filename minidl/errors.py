"""The errors of minidl: one base class and its few kinds.

Every message says who complains, what it expected, what it got and how to fix it.
"""


class MinidlError(Exception):
    """Base of every error that minidl raises on purpose."""


class ArgumentError(MinidlError, ValueError):
    """An argument of a constructor or a call has the wrong type or value."""


class ShapeError(MinidlError, ValueError):
    """An array has the wrong shape."""


class DataError(MinidlError, ValueError):
    """The data handed to ``fit``, ``evaluate`` or ``predict`` cannot be used."""


class StateError(MinidlError, RuntimeError):
    """A call came too early: the model is not built, not compiled, or has seen no forward pass."""


class CacheError(StateError, AttributeError):
    """A layer was asked for something that only ``build`` or ``forward`` provides."""


class LayerError(MinidlError, RuntimeError):
    """A layer broke its contract: it returned nothing, forgot a gradient, or changed its input."""


class NonFiniteError(MinidlError, ArithmeticError):
    """Training met a NaN or an infinity; the weights are those of the last finite step."""


class ModelFileError(MinidlError):
    """A model file is damaged, foreign, or does not fit the known classes."""


class MissingPackageError(MinidlError, ImportError):
    """An optional package is needed for this and is not installed."""

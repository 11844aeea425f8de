"""Resolution: finds the loss for a name or instance, and turns losses into functions."""

from typing import Any

import numpy as np

from minidl.config import resolve
from minidl.errors import ArgumentError
from minidl.losses.base import Loss
from minidl.names import snake_case
from minidl.typing import Array


class ClassFunction:
    """Abstract base of functions that call a class, the loss or metric ``cls``, and have its name."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.higher_is_better = getattr(cls, "higher_is_better", False)
        self.__name__ = snake_case(cls.__name__)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


class LossFunction(ClassFunction):
    """A loss as a function: ``function(y_true, y_pred)`` returns the loss of each sample as an array.

    Can be a loss or a metric in ``compile``. Accepts the arguments of the loss: ``huber(y_true, y_pred, delta=2.0)``.

    Parameters
    ----------
    cls : type of Loss

    Examples
    --------
    >>> minidl.losses.mean_absolute_error([[0.0, 1.0], [2.0, 2.0]], [[1.0, 1.0], [0.0, 0.0]])
    array([0.5, 2. ])
    """

    @np.errstate(all="ignore")
    def __call__(self, y_true: Any, y_pred: Any, *arguments: Any, **keywords: Any) -> Array:
        """Return the loss of each sample, for arrays whose last axis holds the outputs."""
        loss, y_pred, y_true = self.cls(*arguments, **keywords), np.asarray(y_pred), np.asarray(y_true)
        rows = y_pred.reshape(-1, y_pred.shape[-1] or 1 if y_pred.ndim else 1)
        if loss.sparse or y_true.size == rows.size:
            y_true = y_true.reshape(-1 if loss.sparse else rows.shape)
        return loss.values(rows, y_true).reshape(y_pred.shape[:-1])


def resolve_loss(value: Any, who: str) -> Loss:
    """Return the loss for a name or an instance.

    Raises
    ------
    ArgumentError
        For an unknown name, a class, or a function, whose derivative is unknown.
    """
    if isinstance(value, LossFunction):
        value = value.cls()
    if callable(value) and not isinstance(value, (type, Loss)):
        raise ArgumentError(
            f"{who}: expected the name of a loss or an instance, got {value!r}: a plain function has no backward. "
            "Derive a class from minidl.Loss with forward and backward."
        )
    return resolve(value, Loss, who)

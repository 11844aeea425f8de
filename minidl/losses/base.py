"""Loss: how far predictions are from the targets, and the gradient with respect to the predictions.

Only losses take the mean over the batch: no layer divides by the batch size.
"""

import copy
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from minidl.config import Configured
from minidl.constructor import replace_items
from minidl.data import as_array
from minidl.errors import ShapeError
from minidl.losses.targets import checked_weights, floating
from minidl.names import snake_case
from minidl.numeric import in_dtype, total
from minidl.typing import Array


class Loss(Configured, ABC):
    """Abstract base of all losses: ``L = forward(y_pred, y_true)``, ``dy = backward()``.

    The arrays of a batch are (batch, outputs), in the dtype of ``y_pred``. An attribute with a leading
    underscore is a cache of the last `forward`, which is never copied, pickled or saved; a constructor
    stores its arguments under their own names and does nothing else. There is no need to call
    ``super().__init__()``.

    Attributes
    ----------
    link : {"sigmoid", "softmax", None}
        The final activation that training skips, because the loss is more accurate on its inputs, the logits.
    from_logits : bool
        Whether ``y_pred`` are logits.
    sparse : bool
        Whether the targets are integer labels of shape (batch,).
    binary : bool
        Whether each output is a separate yes-no question.
    trusts_targets : bool
        Whether `check_targets` has already checked all targets, so that `forward` need not call it.

    Examples
    --------
    >>> class Absolute(Loss):
    ...     def forward(self, y_pred, y_true, sample_weight=None):
    ...         self._d = y_pred - y_true
    ...         return self.mean(np.abs(self._d), sample_weight)
    ...
    ...     def backward(self):
    ...         return self.share(np.sign(self._d))
    >>> loss = Absolute()
    >>> loss.forward(np.array([[1.0], [4.0]]), np.array([[2.0], [1.0]]))
    2.0
    >>> loss.backward()
    array([[-0.5],
           [ 0.5]])
    """

    link: str | None = None
    from_logits: bool = False
    sparse: bool = False
    binary: bool = False
    trusts_targets: bool = False

    @abstractmethod
    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        """Return the mean loss of the batch, keeping what `backward` needs in underscore attributes."""

    @abstractmethod
    def backward(self) -> Array:
        """Return ``dL/dy_pred`` for the last `forward`, with the shape and dtype of ``y_pred``."""

    def columns(self, outputs: int) -> int:
        """Return the number of target columns for a model with ``outputs`` outputs; by default, the same number.

        Losses for distributions return another number, such as ``outputs // 2`` for means and variances.
        """
        return outputs

    def check_targets(self, y: Array, outputs: int) -> None:
        """Raise a `DataError` if the targets of a data set are invalid for a model with this number of outputs."""

    @property
    def threshold(self) -> float:
        """The decision threshold: larger outputs count as positive."""
        return 0.0 if self.from_logits else 0.5

    def copy_with(self, **attributes: Any) -> Self:
        """Return a copy with the given attributes, without checking them."""
        loss = copy.copy(self)
        vars(loss).update(attributes)
        return loss

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, with copies of the losses in it: each holds caches of its own."""
        state: dict[str, Any] = replace_items(super().__getstate__(), Loss, copy.copy)
        return state

    def get_name(self) -> str:
        """Return the name by which ``compile`` knows this loss, such as ``"mean_squared_error"``."""
        return snake_case(type(self).__name__)

    def pair(self, y_pred: Any, y_true: Any) -> tuple[Array, Array]:
        """Return predictions and targets as arrays of the same floating-point dtype; for use in `forward`.

        Raises
        ------
        ShapeError
            If they do not both have the same shape (batch, outputs).
        DataError
            If they are not numeric, or have no rows.
        """
        if type(y_pred) is not np.ndarray or y_pred.dtype.char not in "fdg" or not y_pred.size:
            y_pred = floating(y_pred, f"{type(self).__name__}: y_pred")
        if type(y_true) is not np.ndarray or y_true.dtype != y_pred.dtype:
            y_true = in_dtype(as_array(y_true, f"{type(self).__name__}: y_true"), y_pred.dtype)
        if y_true.shape != y_pred.shape or y_true.ndim != 2:
            expected, got = "y_pred and y_true of one shape (batch, outputs)", f"{y_pred.shape} and {y_true.shape}"
            fix = "Reshape both: .reshape(-1, 1)" if y_pred.ndim == y_true.ndim == 1 else "Reshape one of them"
            raise ShapeError(f"{type(self).__name__}: expected {expected}, got {got}. {fix}.")
        if not self.trusts_targets:
            self.check_targets(y_true, y_pred.shape[1])
        return y_pred, y_true

    def match(self, y_pred: Array, y_true: Array) -> Array:
        """Return the targets in the dtype of the predictions, as `pair` does."""
        return self.pair(y_pred, y_true)[1]

    def mean(self, values: Array, sample_weight: Array | None = None) -> float:
        """Return the weighted sum of the values divided by their number; for use in `forward`.

        Parameters
        ----------
        values : array
            One per output, (batch, outputs), or one per row, (batch,).
        sample_weight : array, (batch,), optional
            Weight of each row. As in Keras, the divisor is the unweighted number of values.
        """
        if sample_weight is None:
            self._share: Any = 1 / values.size
            return total(values) * self._share
        share = np.asarray(sample_weight) / values.size
        if share.shape == (len(values), 1):
            share = share[:, 0]
        if share.shape != values.shape[:1]:
            expected, got = f"sample_weight of shape {values.shape[:1]}", np.shape(sample_weight)
            raise ShapeError(f"{type(self).__name__}: expected {expected}, got {got}.")
        self._share = share
        return total(values * (share if values.ndim == 1 else share[:, None]))

    def share(self, derivative: Array) -> Array:
        """Return the derivative of each value, (batch, outputs), times its weight in the last `mean`."""
        if isinstance(self._share, float):
            return derivative * self._share
        return (derivative * self._share[:, None]).astype(derivative.dtype, copy=False)

    @np.errstate(all="ignore")
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return the mean loss of a batch, with the arguments in Keras' order."""
        return self.forward(y_pred, y_true, checked_weights(sample_weight))

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return the loss of each row, for a loss whose `forward` ends in `mean`."""
        loss = self.copy_with(mean=lambda values, sample_weight=None: values)
        return np.asarray(loss.forward(y_pred, y_true)).reshape(len(y_pred), -1).mean(axis=1)

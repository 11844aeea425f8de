"""Binary cross-entropy: the negative logarithm of the probability that the model assigns to the target.

On logits it is accurate to the last digits, however confident the prediction, and the derivative
is dZ = A - Y, as in the course notes. On probabilities, log(0) counts as the log of the smallest number.
"""

import numpy as np

from minidl.losses.base import Loss
from minidl.losses.targets import check_range, crossentropy_options
from minidl.numeric import log_or_lowest
from minidl.typing import Array


class BinaryCrossentropy(Loss):
    """Binary cross-entropy: ``L = mean(-y log(p) - (1 - y) log(1 - p))``, over rows and outputs.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits z with ``p = 1 / (1 + exp(-z))`` rather than probabilities p.
    label_smoothing : float
        ``s`` in [0, 1] replaces y by ``y (1 - s) + s / 2``.

    Shapes
    ------
    y_pred  (batch, outputs)    p or z; each output is a separate yes-no question
    y_true  (batch, outputs)    y in [0, 1]

    Raises
    ------
    ShapeError
        In `forward`, if the shapes differ.
    DataError
        In `check_targets`, for targets outside [0, 1].

    Notes
    -----
    With m values in the batch::

        dL/dp = (-y / p + (1 - y) / (1 - p)) / m      dL/dz = (p - y) / m

    Course notes, section 3.1 and equation (0). Keras clips p to [1e-7, 1 - 1e-7]; minidl does not.

    Examples
    --------
    >>> loss = BinaryCrossentropy(from_logits=True)
    >>> loss.forward(np.array([[40.0]]), np.array([[1.0]]))
    4.248354255291589e-18
    """

    aliases = ("bce",)
    link = "sigmoid"
    binary = True

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        options = crossentropy_options("BinaryCrossentropy", from_logits, label_smoothing)
        self.from_logits, self.label_smoothing = options

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        if self.label_smoothing:
            y = y * (1 - self.label_smoothing) + self.label_smoothing / 2
        if not self.from_logits:
            self._p, self._y = y_pred, y
            with np.errstate(divide="ignore", invalid="ignore"):
                values = y * -log_or_lowest(np.log(y_pred)) - (1 - y) * log_or_lowest(np.log1p(-y_pred))
            return self.mean(values, sample_weight)
        self._z = y_pred
        self._e = np.exp(-np.abs(y_pred))  # never overflows
        self._miss = ~np.signbit(y_pred) - y  # 1 - y for z > 0, -y below: p - y where p is 0 or 1
        return self.mean(y_pred * self._miss + np.log1p(self._e), sample_weight)

    def backward(self) -> Array:
        if self.from_logits:
            # p = 1 - e / (1 + e) for z > 0, else e / (1 + e): p - y stays accurate
            return self.share(self._miss - np.copysign(self._e / (1 + self._e), self._z))
        p, y = self._p, self._y
        tiny = np.finfo(p.dtype).tiny
        return self.share((1 - y) / np.maximum(1 - p, tiny) - y / np.maximum(p, tiny))

    def check_targets(self, y: Array, outputs: int) -> None:
        fix = "Use {0, 1}, or probabilities."
        check_range(y, 0, 1, "BinaryCrossentropy", "For {-1, 1} use {0, 1}: y = (y + 1) / 2." if y.min() == -1 else fix)

"""CosineSimilarity: the negative cosine of the angle between prediction and target."""

import numpy as np

from minidl.losses.base import Loss
from minidl.losses.resolution import LossFunction
from minidl.typing import Array


class CosineSimilarity(Loss):
    """Negative cosine similarity: ``L = mean over rows of -sum(p y) / (|p| |y|)``, from -1 (same direction) to 1.

    Notes
    -----
    With ``u = p / |p|``, ``v = y / |y|`` and m rows in the batch, ``dL/dp = (sum(u v) u - v) / |p| / m``. For a row of
    zeros, the similarity and the derivative are 0.
    """

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        self._v, *_ = directions(y)
        self._u, self._largest, self._length = directions(y_pred)
        self._cosine = np.add.reduce(self._u * self._v, axis=1)
        return self.mean(-self._cosine, sample_weight)

    def backward(self) -> Array:
        along = self._cosine[:, None] * self._u - self._v
        for part in (self._largest, self._length):  # one by one, because their product may overflow
            along = np.divide(along, part, out=np.zeros_like(along), where=part > 0)
        return self.share(along)


@np.errstate(all="ignore")
def directions(x: Array) -> tuple[Array, Array, Array]:
    """Return the rows of ``x`` scaled to length 1 (zero rows stay 0), and two factors of their lengths, (rows, 1)."""
    largest = np.abs(x).max(axis=1, keepdims=True, initial=0)  # so that no square overflows or vanishes
    scaled = np.divide(x, largest, out=np.zeros_like(x), where=largest != 0)
    length = np.sqrt(np.add.reduce(scaled * scaled, axis=1, keepdims=True))
    return np.divide(scaled, length, out=np.zeros_like(x), where=length != 0), largest, length


cosine_similarity = LossFunction(CosineSimilarity)

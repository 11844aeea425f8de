"""A loss that is right."""

import numpy as np

from minidl import Loss


class PairwiseRanking(Loss):
    """Hinge of each pair of outputs that stands in the wrong order, or not far enough apart."""

    target_domain = "real"

    def __init__(self, margin=1.0):
        self.margin = margin

    def forward(self, y_pred, y_true, sample_weight=None):
        y = self.match(y_pred, y_true)
        lead = y_pred[:, :, None] - y_pred[:, None, :]
        ordered = y[:, :, None] > y[:, None, :]
        hinge = np.where(ordered, np.maximum(self.margin - lead, 0), 0)
        self._active = (hinge > 0).astype(y_pred.dtype)
        return self.mean(hinge.sum(axis=(1, 2)) / y.shape[1] ** 2, sample_weight)

    def backward(self):
        outputs = self._active.shape[1]
        pushed = self._active.sum(axis=1) - self._active.sum(axis=2)
        return self.share(pushed / outputs**2)

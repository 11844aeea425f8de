"""A loss that is right."""

import numpy as np

from minidl import Loss


class InfoNCE(Loss):
    """Each row of y_pred has to be most similar to its own row of y_true among all of the batch."""

    target_domain = "real"

    def __init__(self, temperature=0.5):
        self.temperature = temperature

    def forward(self, y_pred, y_true, sample_weight=None):
        self._keys = self.match(y_pred, y_true)
        s = y_pred @ self._keys.T / self.temperature
        behind = s - np.diagonal(s)[:, None]
        top = behind.max(axis=1, keepdims=True)
        e = np.exp(behind - top)
        self._p = e / e.sum(axis=1, keepdims=True)
        rest = np.where(np.eye(len(s)) > 0, 0, e).sum(axis=1)
        own = np.exp(-top[:, 0])
        return self.mean(np.where(own == 1, np.log1p(rest), top[:, 0] + np.log(rest + own)), sample_weight)

    def backward(self):
        ds = self._p - np.eye(len(self._p), dtype=self._p.dtype)
        return self.share(ds @ self._keys / self.temperature)

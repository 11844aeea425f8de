"""A loss that is right."""

import numpy as np

from minidl import Loss


class Focal(Loss):
    """-(1 - q)**gamma * log(q) with q the probability of the right class, from logits of two classes."""

    from_logits = True
    target_domain = "binary"

    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def forward(self, y_pred, y_true, sample_weight=None):
        t = self.match(y_pred, y_true)
        self._sign = 2 * t - 1
        margin = self._sign * y_pred
        self._logq = -np.logaddexp(0, -margin)
        self._rest = np.exp(-np.logaddexp(0, margin))
        return self.mean((-(self._rest**self.gamma) * self._logq).mean(axis=1), sample_weight)

    def backward(self):
        q, r = np.exp(self._logq), self._rest
        slope = r**self.gamma * (self.gamma * q * self._logq - r)
        return self.share(self._sign * slope / slope.shape[1])

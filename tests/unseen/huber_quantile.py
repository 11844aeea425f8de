"""A loss that is right."""

import numpy as np

from minidl import Loss


class HuberQuantile(Loss):
    """Quantile loss with a parabola of half width delta around zero error."""

    def __init__(self, tau=0.3, delta=0.5):
        self.tau = tau
        self.delta = delta

    def forward(self, y_pred, y_true, sample_weight=None):
        e = self.match(y_pred, y_true) - y_pred
        a = np.abs(e)
        self._e, self._small = e, a <= self.delta
        self._w = np.where(e >= 0, self.tau, 1 - self.tau).astype(e.dtype)
        huber = np.where(self._small, 0.5 * e**2 / self.delta, a - 0.5 * self.delta)
        return self.mean(self._w * huber, sample_weight)

    def backward(self):
        slope = np.where(self._small, self._e / self.delta, np.sign(self._e))
        return self.share(-self._w * slope)

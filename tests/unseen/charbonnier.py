"""A loss that is right."""

import numpy as np

from minidl import Loss


class Charbonnier(Loss):
    """mean(sqrt(d**2 + epsilon**2) - epsilon), d = y_pred - y_true"""

    def __init__(self, epsilon=0.1):
        self.epsilon = epsilon

    def forward(self, y_pred, y_true, sample_weight=None):
        self._d = y_pred - self.match(y_pred, y_true)
        self._root = np.hypot(self._d, self.epsilon)
        return self.mean(self._root - self.epsilon, sample_weight)

    def backward(self):
        return self.share(self._d / self._root)

"""A layer that is right."""

import numpy as np

from minidl import Layer


class CRFPartition(Layer):
    """Log of the sum over all paths of exp(emissions + transitions), by the forward recursion."""

    def build(self, input_shape):
        steps, tags = input_shape
        self.add_parameter("W", (tags, tags))
        return (1,)

    @staticmethod
    def lse(v, axis):
        top = v.max(axis=axis, keepdims=True)
        return np.squeeze(top, axis) + np.log(np.exp(v - top).sum(axis=axis))

    def forward(self, x, training=False):
        alpha = np.empty(x.shape, self.W.dtype)
        alpha[:, 0] = x[:, 0]
        for t in range(1, x.shape[1]):
            alpha[:, t] = x[:, t] + self.lse(alpha[:, t - 1, :, None] + self.W, 1)
        self._x, self._alpha = x, alpha
        self._logz = self.lse(alpha[:, -1], 1)
        return self._logz[:, None]

    def backward(self, dy):
        x, alpha = self._x, self._alpha
        beta = np.zeros_like(alpha)
        for t in range(x.shape[1] - 2, -1, -1):
            beta[:, t] = self.lse(self.W + (x[:, t + 1] + beta[:, t + 1])[:, None, :], 2)
        dW = np.zeros_like(self.W)
        for t in range(1, x.shape[1]):
            score = alpha[:, t - 1, :, None] + self.W + (x[:, t] + beta[:, t])[:, None, :]
            pair = np.exp(score - self._logz[:, None, None])
            dW += (dy[:, :, None] * pair).sum(axis=0)
        self.dW = dW
        return dy[:, :, None] * np.exp(alpha + beta - self._logz[:, None, None])

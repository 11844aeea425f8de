"""Layers that normalise, over the batch or over the features."""

import numpy as np

from minidl.layers import Layer


class Softmax(Layer):
    def forward(self, x, training=False):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y

    def backward(self, dy):
        y = self._y
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


class LogSoftmax(Layer):
    def forward(self, x, training=False):
        z = x - x.max(axis=-1, keepdims=True)
        self._y = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return self._y

    def backward(self, dy):
        return dy - np.exp(self._y) * dy.sum(axis=-1, keepdims=True)


class LogSumExp(Layer):
    """One number a row: y = log(sum(exp(x)))."""

    def build(self, input_shape):
        return (1,)

    def forward(self, x, training=False):
        top = x.max(axis=-1, keepdims=True)
        e = np.exp(x - top)
        total = e.sum(axis=-1, keepdims=True)
        self._p = e / total
        return top + np.log(total)

    def backward(self, dy):
        return dy * self._p


class BatchNorm(Layer):
    def __init__(self, epsilon=1e-3, momentum=0.9):
        self.epsilon = epsilon
        self.momentum = momentum

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        self.add_state("mean", input_shape, "zeros")
        self.add_state("variance", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._training = training
        if training and len(x):
            mean, variance = x.mean(axis=0), x.var(axis=0)
            self.mean = self.momentum * self.mean + (1 - self.momentum) * mean
            self.variance = self.momentum * self.variance + (1 - self.momentum) * variance
        else:
            mean, variance = self.mean, self.variance
        self._std = np.sqrt(variance + self.epsilon)
        self._x = x
        self._xhat = (x - mean) / self._std
        return self.gamma * self._xhat + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = dy * self.gamma / self._std
        if not self._training or not len(dy):
            return g
        return g - g.mean(axis=0) - self._xhat * (g * self._xhat).mean(axis=0)


class LayerNorm(Layer):
    def __init__(self, epsilon=1e-3):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        centred = x - x.mean(axis=-1, keepdims=True)
        self._std = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        self._xhat = centred / self._std
        return self.gamma * self._xhat + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = dy * self.gamma
        xhat = self._xhat
        return (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


class RMSNorm(Layer):
    def __init__(self, epsilon=1e-6):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon)
        self._xhat = x * self._r
        return self.gamma * self._xhat

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        g, xhat = dy * self.gamma, self._xhat
        return self._r * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True))


class L2Normalise(Layer):
    """y = x / |x|, row by row."""

    def forward(self, x, training=False):
        self._norm = np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True)), 1e-300)
        self._y = x / self._norm
        return self._y

    def backward(self, dy):
        y = self._y
        return (dy - y * (dy * y).sum(axis=-1, keepdims=True)) / self._norm


class CentreTheBatch(Layer):
    """y = x - mean over the batch: rows are coupled, nothing is trained."""

    def forward(self, x, training=False):
        self._rows = len(x)
        return x - x.mean(axis=0) if len(x) else x.copy()

    def backward(self, dy):
        return dy - dy.mean(axis=0) if len(dy) else dy.copy()


class GroupNorm(Layer):
    def __init__(self, groups, epsilon=1e-3):
        self.groups = groups
        self.epsilon = epsilon

    def forward(self, x, training=False):
        z = x.reshape(len(x), self.groups, x.shape[1] // self.groups)
        z = z - z.mean(axis=-1, keepdims=True)
        self._std = np.sqrt((z**2).mean(axis=-1, keepdims=True) + self.epsilon)
        self._xhat = z / self._std
        return self._xhat.reshape(x.shape)

    def backward(self, dy):
        g, xhat = dy.reshape(self._xhat.shape), self._xhat
        dx = (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std
        return dx.reshape(dy.shape)


class Simplex(Layer):
    """The nearest point with positive entries that sum to one, of each row (sparsemax)."""

    def forward(self, x, training=False):
        x = x - x.max(axis=-1, keepdims=True)
        ordered = -np.sort(-x, axis=-1)
        count = np.arange(1, x.shape[-1] + 1)
        sums = np.cumsum(ordered, axis=-1)
        size = (1 + count * ordered > sums).sum(axis=-1, keepdims=True)
        level = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
        y = np.maximum(x - level, 0).astype(x.dtype if x.dtype.kind == "f" else float)
        self._inside = y > 0
        return y

    def backward(self, dy):
        inside = self._inside
        means = (dy * inside).sum(axis=-1, keepdims=True) / np.maximum(1, inside.sum(axis=-1, keepdims=True))
        return ((dy - means) * inside).astype(dy.dtype)

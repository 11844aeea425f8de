"""A layer that is right."""

import numpy as np

from minidl import Layer


class BatchNorm(Layer):
    """Normalises each feature over the batch in training, by running statistics otherwise."""

    rows_coupled = True

    def __init__(self, momentum=0.9, epsilon=1e-3):
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        self.add_state("running_mean", input_shape, "zeros")
        self.add_state("running_var", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._batch_used = training and len(x) > 0
        if self._batch_used:
            mean = x.mean(axis=0)
            var = ((x - mean) ** 2).mean(axis=0)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mean = self.running_mean
            var = self.running_var
        self._std = np.sqrt(var + self.epsilon)
        self._normal = (x - mean) / self._std
        return self.gamma * self._normal + self.beta

    def backward(self, dy):
        normal = self._normal
        self.dgamma = (dy * normal).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = dy * self.gamma
        if not self._batch_used:
            return g / self._std
        return (g - g.mean(axis=0) - normal * (g * normal).mean(axis=0)) / self._std

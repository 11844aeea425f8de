"""A layer that is right."""

import numpy as np

from minidl import Layer


class Maxout(Layer):
    """y = the largest of some affine pieces."""

    def __init__(self, units=3, pieces=2, decay=0.9):
        self.units = units
        self.pieces = pieces
        self.decay = decay

    def build(self, input_shape):
        (inputs,) = input_shape
        self.add_parameter("W", (inputs, self.units, self.pieces))
        self.add_parameter("b", (self.units, self.pieces), "zeros")
        self.add_state("wins", (self.units, self.pieces), "zeros")  # to find dead pieces
        return (self.units,)

    def forward(self, x, training=False):
        z = np.tensordot(x, self.W, axes=(1, 0)) + self.b
        self._x = x
        self._winner = z.argmax(axis=2)
        if training and len(x) > 0:
            share = (self._winner[:, :, None] == np.arange(self.pieces)).mean(axis=0)
            self.wins = self.decay * self.wins + (1 - self.decay) * share
        return z.max(axis=2)

    def backward(self, dy):
        chosen = self._winner[:, :, None] == np.arange(self.pieces)
        dz = np.where(chosen, dy[:, :, None], 0)
        self.dW = np.tensordot(self._x, dz, axes=(0, 0))
        self.db = dz.sum(axis=0)
        return np.tensordot(dz, self.W, axes=((1, 2), (1, 2)))

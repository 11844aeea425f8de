"""A layer that is right."""

import numpy as np

from minidl import Layer


class TokenEmbedding(Layer):
    """y = scale * table[x], a row for each token id."""

    vocabulary = 6
    input_domain = ("integer", 6)
    certify_input_shape = (5,)

    def __init__(self, units=3, scale=2.0):
        self.units = units
        self.scale = scale

    def build(self, input_shape):
        (length,) = input_shape
        self.add_parameter("table", (self.vocabulary, self.units))
        self.add_state("uses", (self.vocabulary,), "zeros")  # how often each token was trained on
        return (length, self.units)

    def forward(self, x, training=False):
        self._ids = x.astype(np.int64)
        if training:
            self.uses = self.uses + np.bincount(self._ids.ravel(), minlength=self.vocabulary)
        return self.scale * self.table[self._ids]

    def backward(self, dy):
        dtable = np.zeros(self.table.shape, dy.dtype)
        np.add.at(dtable, self._ids, self.scale * dy)
        self.dtable = dtable
        return np.zeros(self._ids.shape, dy.dtype)

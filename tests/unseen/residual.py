"""A layer that is right."""

import numpy as np

from minidl import Dense, Layer, ReLU


class ResidualBlock(Layer):
    """y = x + down(relu(up(x)))"""

    def __init__(self, hidden=5):
        self.hidden = hidden

    def build(self, input_shape):
        (features,) = input_shape
        self.up = Dense(self.hidden)
        self.relu = ReLU()
        self.down = Dense(features)
        shape = self.up.declare(input_shape)
        shape = self.relu.declare(shape)
        return self.down.declare(shape)

    def forward(self, x, training=False):
        h = self.up.forward(x, training)
        h = self.relu.forward(h, training)
        return x + self.down.forward(h, training)

    def backward(self, dy):
        dh = self.down.backward(dy)
        dh = self.relu.backward(dh)
        return dy + self.up.backward(dh)

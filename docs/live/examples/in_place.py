"""Wrong: it writes into an array that belongs to the caller."""

from minidl import Layer


class Clip(Layer):
    def forward(self, x, training=False):
        self._inside = abs(x) < 1
        x[x > 1] = 1
        x[x < -1] = -1
        return x

    def backward(self, dy):
        return dy * self._inside

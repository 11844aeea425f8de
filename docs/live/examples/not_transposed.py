"""Wrong: a transpose is missing, which only shows when the layer is not square."""

from minidl import Layer


class Linear(Layer):
    def __init__(self, units=3):
        self.units = units

    def build(self, input_shape):
        (inputs,) = input_shape
        self.add_parameter("W", (inputs, self.units))
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        return x @ self.W

    def backward(self, dy):
        self.dW = self._x.T @ dy
        return dy @ self.W

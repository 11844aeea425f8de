"""A layer by the module of old. Stops: Write forward(x, training=False), and backward(dy)."""

from keras.engine.topology import Layer


class Scale(Layer):
    def call(self, x):
        return x


Scale()

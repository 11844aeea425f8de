"""A layer as a subclass with call alone. Stops: Write forward(x, training=False), and backward(dy)."""

import keras
import numpy as np


class Antirectifier(keras.layers.Layer):
    def call(self, inputs):
        return np.maximum(inputs - inputs.mean(axis=-1, keepdims=True), 0)


model = keras.Sequential([Antirectifier(), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((4, 2)), np.ones(4), verbose=0)

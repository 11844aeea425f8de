"""A loss as a subclass with call. Stops: Write forward(y_pred, y_true, sample_weight=None), and backward()."""

import keras
import numpy as np


class MyHuberLoss(keras.losses.Loss):
    def __init__(self, threshold=1):
        super().__init__()
        self.threshold = threshold

    def call(self, y_true, y_pred):
        return abs(y_true - y_pred) - 0.5


model = keras.Sequential([keras.layers.Dense(1, input_shape=[1])])
model.compile(optimizer="sgd", loss=MyHuberLoss(threshold=1.02))
model.fit(np.random.rand(8, 1), np.random.rand(8), epochs=1, verbose=0)

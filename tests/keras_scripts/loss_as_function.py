"""A loss of the user's as a plain function of arrays. Stops: Derive a class from minidl.Loss."""

import keras
import numpy as np


def loss_diff(y_true, y_pred):
    return abs(y_true - y_pred) ** 1.5


model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss=loss_diff, optimizer="adam")
model.fit(np.random.rand(8, 2), np.random.rand(8), verbose=0)

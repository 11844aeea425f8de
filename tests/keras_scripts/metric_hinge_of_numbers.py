"""The hinge of targets that are no classes. Stops: expected targets {0, 1} for Hinge."""

import keras
import numpy as np

model = keras.models.Sequential([keras.layers.Dense(4, activation="relu", input_dim=2), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="adam", metrics=["mae", keras.metrics.hinge])
model.fit(np.random.rand(30, 2), np.random.rand(30), epochs=2, verbose=2)

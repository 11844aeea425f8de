"""Epochs and batches in loops of the user's, with the running values of the metrics."""

import keras
import numpy as np

X, Y = np.random.rand(64, 5), np.random.rand(64, 1)
model = keras.Sequential([keras.layers.Dense(8, activation="relu", input_shape=(5,)), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd", metrics=["mae"])
for epoch in range(2):
    for start in range(0, 64, 16):
        loss, mae = model.train_on_batch(X[start : start + 16], Y[start : start + 16])
    print(epoch, dict(zip(model.metrics_names, model.test_on_batch(X, Y), strict=True)))

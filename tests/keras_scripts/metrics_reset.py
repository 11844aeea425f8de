"""Metrics reset between epochs. Stops: Leave it out."""

import keras

model = keras.Sequential([keras.layers.Dense(1, input_shape=(5,))])
model.compile(loss="mse", optimizer="sgd", metrics=["mae"])
model.reset_metrics()

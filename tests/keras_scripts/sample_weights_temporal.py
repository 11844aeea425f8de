"""Weights of samples in fit, evaluation and validation."""

import numpy as np
from keras import Sequential
from keras.layers import Dense, Input

x, y = np.random.rand(40, 3), np.random.randint(0, 2, 40)
w = np.where(y == 1, 3.0, 1.0)
model = Sequential([Input(shape=(3,)), Dense(4, activation="relu"), Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
history = model.fit(x, y, sample_weight=w, validation_data=(x, y, w), epochs=1, verbose=0)
print(history.history.keys(), model.evaluate(x, y, sample_weight=w, verbose=0))

"""lr in the optimizer, and momentum, as in Keras 2."""

import numpy as np
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import SGD, Adam

x, y = np.random.rand(60, 5), np.random.rand(60, 1)
for optimizer in (SGD(lr=0.01, momentum=0.9, nesterov=True), Adam(lr=1e-3)):
    model = Sequential([Dense(10, activation="relu", input_shape=(5,)), Dense(1, activation="linear")])
    model.compile(loss="mean_squared_error", optimizer=optimizer, metrics=["mae", "mse"])
    model.fit(x, y, epochs=2, verbose=0)
    print(model.optimizer.lr)

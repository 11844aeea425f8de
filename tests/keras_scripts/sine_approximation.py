"""A curve from one number: inputs without a second axis, the error of every epoch, a plot of it."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(0)
x = np.linspace(-3, 3, 100)
y = np.sin(x)
model = Sequential()
model.add(Dense(32, input_dim=1, activation="tanh"))
model.add(Dense(32, activation="tanh"))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam", metrics=["mean_absolute_error", "root_mean_squared_error"])
history = model.fit(x, y, epochs=3, batch_size=10, verbose=0)
print(history.history["mean_absolute_error"], model.predict(x).shape)

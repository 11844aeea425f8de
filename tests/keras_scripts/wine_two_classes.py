"""Red or white by a network with batch normalisation, mean absolute error as a second metric."""

import numpy as np
from keras.layers import BatchNormalization, Dense
from keras.models import Sequential
from keras.optimizers import RMSprop

X, Y = np.random.rand(60, 12), np.random.randint(0, 10, 60)
model = Sequential()
model.add(Dense(64, input_dim=12))
model.add(BatchNormalization())
model.add(Dense(1))
model.compile(optimizer=RMSprop(lr=0.0001), loss="mse", metrics=["mae"])
for start in (0, 20, 40):
    model.fit(np.delete(X, range(start, start + 20), 0), np.delete(Y, range(start, start + 20)), epochs=1, verbose=0)
mse_value, mae_value = model.evaluate(X, Y, verbose=0)
print(mse_value, mae_value)

"""A metric written with the backend. Stops: Use NumPy."""

import numpy as np
from keras import backend as K
from keras.layers import Dense
from keras.models import Sequential


def rmse(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true)))


model = Sequential([Dense(1, input_dim=2)])
model.compile("adam", "mse", metrics=[rmse])
model.fit(np.ones((4, 2)), np.ones(4), verbose=0)

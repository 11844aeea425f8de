"""The arguments of Keras 1's fit. Stops: minidl calls it epochs."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential

model = Sequential([Dense(1, input_dim=3, W_regularizer="l2", b_regularizer="l2")])
model.compile("sgd", "mse")
model.fit(np.ones((10, 3)), np.ones(10), nb_epoch=2, verbose=0)

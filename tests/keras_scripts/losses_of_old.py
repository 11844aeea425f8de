"""Losses by the names of Keras 2."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential

for loss in ("huber_loss", "logcosh", "kullback_leibler_divergence", "cosine_similarity", "cosine_proximity"):
    model = Sequential([Dense(3, input_dim=2, activation="softmax")])
    model.compile(loss=loss, optimizer="rmsprop")
    model.fit(np.random.rand(8, 2), np.eye(3)[np.random.randint(0, 3, 8)], verbose=0)

"""Initial values by name, by class and with a seed, and constraints."""

import numpy as np
from keras import initializers
from keras.constraints import max_norm, unit_norm
from keras.layers import Dense, Dropout
from keras.models import Sequential

model = Sequential()
model.add(Dense(12, input_dim=6, kernel_initializer=initializers.HeNormal(seed=42), kernel_constraint=max_norm(3.0)))
model.add(Dropout(rate=0.2))
model.add(Dense(12, kernel_initializer=initializers.RandomNormal(mean=0.0, stddev=0.05, seed=None), activation="relu"))
model.add(Dense(6, kernel_initializer=initializers.VarianceScaling(scale=0.1, mode="fan_in", distribution="uniform")))
model.add(Dense(1, kernel_initializer=initializers.lecun_uniform(seed=1), kernel_constraint=unit_norm(axis=0)))
model.compile(loss="mean_absolute_percentage_error", optimizer="adamax")
model.fit(np.random.rand(20, 6), np.random.rand(20) + 1, epochs=1, verbose=0)

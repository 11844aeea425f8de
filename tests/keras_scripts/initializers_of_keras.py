"""Initializers as objects, by old names and by functions of the module."""

import keras
import numpy as np
from keras import initializers
from keras.initializers import RandomNormal, he_normal

model = keras.Sequential()
model.add(keras.layers.Dense(8, input_dim=4, kernel_initializer=RandomNormal(stddev=0.01), bias_initializer="ones"))
model.add(keras.layers.Dense(8, kernel_initializer=he_normal(seed=3), bias_initializer=initializers.Constant(0.1)))
model.add(keras.layers.Dense(8, kernel_initializer=initializers.VarianceScaling(scale=1.0, mode="fan_avg")))
model.add(keras.layers.Dense(8, kernel_initializer=initializers.RandomUniform(minval=-0.05, maxval=0.05, seed=None)))
model.add(keras.layers.Dense(8, kernel_initializer=keras.initializers.Orthogonal(gain=1.0, seed=None)))
model.add(keras.layers.Dense(8, kernel_initializer=initializers.glorot_normal(), bias_initializer=initializers.Zeros()))
model.add(keras.layers.Dense(8, kernel_initializer="truncated_normal"))
model.add(keras.layers.Dense(8, kernel_initializer="random_uniform"))
model.add(keras.layers.Dense(1, kernel_initializer="lecun_uniform", bias_initializer="zeros"))
print(model.predict(np.zeros((1, 4))))

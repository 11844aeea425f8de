"""A function as a layer. Stops: Write a layer with forward and backward."""

import keras

model = keras.Sequential([keras.layers.Dense(1, input_shape=(1,)), keras.layers.Lambda(lambda x: x * 100.0)])

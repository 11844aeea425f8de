"""The code of a trained autoencoder through its tensors. Stops: Use Sequential."""

import keras
from keras.layers import Dense

autoencoder = keras.models.Sequential([Dense(4, input_shape=(8,), name="bottleneck"), Dense(8)])
encoder = keras.models.Model(autoencoder.input, autoencoder.get_layer("bottleneck").output)

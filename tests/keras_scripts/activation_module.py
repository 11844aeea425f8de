"""An activation from keras.activations. Stops: write activation="relu"."""

from keras import activations
from keras.layers import Dense

layer = Dense(64, activation=activations.relu)

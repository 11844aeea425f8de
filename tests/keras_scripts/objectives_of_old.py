"""A loss by the module of old."""

from keras.objectives import binary_crossentropy

"""Pictures. Stops: Use Flatten() and Dense."""

from keras.layers import Activation, Dense, Dropout, Flatten
from keras.layers.convolutional import Conv2D, MaxPooling2D

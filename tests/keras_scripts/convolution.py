"""A convolutional network. Stops: Use Flatten() and Dense."""

from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential

model = Sequential([Conv2D(32, (3, 3), input_shape=(28, 28, 1)), MaxPooling2D(), Flatten(), Dense(10)])

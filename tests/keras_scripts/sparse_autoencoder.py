"""An autoencoder whose code is kept sparse. Stops: Put ActivityRegularization(l1=..., l2=...) after it."""

from keras import regularizers
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(32, activation="relu", input_shape=(784,), activity_regularizer=regularizers.l1(10e-5)))
model.add(Dense(784, activation="sigmoid"))

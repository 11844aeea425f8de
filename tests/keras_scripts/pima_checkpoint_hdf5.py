"""The weights of each improvement in a file of their own. Stops: {val_accuracy:.2f}.safetensors'."""

import numpy
from keras.callbacks import ModelCheckpoint
from keras.layers import Dense
from keras.models import Sequential

X, Y = numpy.random.rand(40, 8), numpy.random.randint(0, 2, 40)
model = Sequential()
model.add(Dense(12, input_dim=8, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
filepath = "weights-improvement-{epoch:02d}-{val_accuracy:.2f}.hdf5"
checkpoint = ModelCheckpoint(filepath, monitor="val_accuracy", verbose=1, save_best_only=True, mode="max")
model.fit(X, Y, validation_split=0.33, epochs=2, batch_size=10, callbacks=[checkpoint], verbose=0)

"""Architecture as JSON, weights in another file, compiled again after loading. Stops: Use 'model.safetensors'."""

import os
import tempfile

import numpy
from keras.layers import Dense
from keras.models import Sequential, model_from_json

os.chdir(tempfile.mkdtemp())
X, Y = numpy.random.rand(40, 8), numpy.random.randint(0, 2, 40)
model = Sequential()
model.add(Dense(12, input_dim=8, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X, Y, epochs=2, batch_size=10, verbose=0)
model_json = model.to_json()
with open("model.json", "w") as json_file:
    json_file.write(model_json)
with open("model.json") as json_file:
    loaded_model = model_from_json(json_file.read())
model.save_weights("model.h5")
loaded_model.load_weights("model.h5")

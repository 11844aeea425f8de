"""Whole models, weights alone, and a clone; the file's name ends as minidl's do."""

import os
import tempfile

import keras
import numpy as np
from keras import layers

os.chdir(tempfile.mkdtemp())
x, y = np.random.rand(40, 4), np.random.rand(40, 1)
model = keras.Sequential([keras.Input(shape=(4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
model.compile(optimizer="adam", loss="mean_squared_error")
model.fit(x, y, epochs=1, verbose=0)
model.save("model.safetensors")
reconstructed = keras.models.load_model("model.safetensors")
np.testing.assert_allclose(model.predict(x), reconstructed.predict(x))
clone = keras.models.clone_model(model)
clone.set_weights(model.get_weights())
np.testing.assert_allclose(model.predict(x), clone.predict(x))
architecture = keras.models.model_from_json(model.to_json())
print([w.shape for w in architecture.get_weights()], len(model.trainable_weights))

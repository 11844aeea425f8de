"""A whole model in a .keras file. Needs h5py."""

import os
import tempfile

import keras
import numpy as np

os.chdir(tempfile.mkdtemp())
model = keras.Sequential([keras.layers.Dense(4, activation="relu", input_shape=(3,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(), loss=keras.losses.MeanSquaredError(), metrics=["mae"])
x, y = np.random.rand(16, 3), np.random.rand(16)
model.fit(x, y, epochs=1, verbose=0)
model.save("my_model.keras")
again = keras.models.load_model("my_model.keras")
np.testing.assert_allclose(model.predict(x), again.predict(x))

"""A whole model in an HDF5 file. Stops: Use 'my_model.safetensors'."""

from keras.layers import Dense
from keras.models import Sequential, load_model

model = Sequential([Dense(1, input_dim=3)])
model.compile("adam", "mse")
model.save("my_model.h5")
load_model("my_model.h5")

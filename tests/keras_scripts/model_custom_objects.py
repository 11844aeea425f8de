"""A saved model with a metric of the user's, loaded with custom_objects."""

import os
import tempfile

import numpy as np
from keras.layers import Dense
from keras.models import Sequential, load_model

os.chdir(tempfile.mkdtemp())
os.mkdir("saved_model")


def largest(y_true, y_pred):
    return y_pred.max()


x, y = np.random.rand(16, 3), np.random.rand(16)
model = Sequential([Dense(4, activation="relu", input_dim=3), Dense(1)])
model.compile("adam", "mse", metrics=[largest])
model.fit(x, y, verbose=0)
model.save("saved_model/my_model")
again = load_model("saved_model/my_model", custom_objects={"largest": largest})
print(again.evaluate(x, y, verbose=0), again.optimizer.get_config()["learning_rate"])
again.fit(x, y, verbose=0)

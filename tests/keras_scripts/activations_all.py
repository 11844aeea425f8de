"""Activations by name, as layers, and as layers with arguments."""

import numpy as np
from keras.layers import ELU, Activation, Dense, LeakyReLU, PReLU, ReLU, Softmax
from keras.models import Sequential

model = Sequential()
model.add(Dense(8, input_shape=(4,), kernel_initializer="lecun_normal", activation="selu"))
for name in ("elu", "softplus", "tanh", "sigmoid", "relu", "gelu", "swish", "silu", "leaky_relu", "linear"):
    model.add(Dense(8, activation=name))
for layer in (LeakyReLU(alpha=0.05), PReLU(), ELU(alpha=1.0), ReLU(), Activation("relu"), LeakyReLU(0.1)):
    model.add(Dense(8))
    model.add(layer)
model.add(Dense(3))
model.add(Softmax())
model.compile("adam", "categorical_crossentropy", metrics=["categorical_accuracy"])
model.fit(np.random.rand(20, 4), np.eye(3)[np.random.randint(0, 3, 20)], verbose=0)

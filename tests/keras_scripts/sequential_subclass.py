"""A subclass of Sequential with another constructor."""

import numpy as np
from tensorflow.keras import Sequential, layers


class Net(Sequential):
    def __init__(self, hidden, classes):
        super().__init__()
        self.add(layers.Dense(hidden, activation="relu"))
        self.add(layers.Dense(classes, activation="softmax"))


model = Net(8, 3)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(np.random.rand(20, 4), np.random.randint(0, 3, 20), epochs=1, verbose=0)

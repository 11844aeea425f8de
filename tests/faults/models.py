"""A small model with everything a file can hold, trained for an epoch."""

import numpy as np

import minidl
from minidl import Dense, Dropout, Input, Sequential


def small_model(seed=0):
    model = Sequential(
        [
            Input((3,)),
            Dense(4, activation="relu", kernel_initializer=minidl.initializers.HeNormal()),
            Sequential([Dense(3, kernel_regularizer=minidl.regularizers.L2(0.1)), minidl.layers.Tanh()], name="inner"),
            Dropout(0.25),
            Dense(2, activation="softmax", name="end"),
        ],
        seed=seed,
    )
    rate = minidl.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    model.compile(minidl.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def small_data(rows=20, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype(int)


def trained_model(seed=0):
    model = small_model(seed)
    model.fit(*small_data(), epochs=1, verbose=0)
    return model

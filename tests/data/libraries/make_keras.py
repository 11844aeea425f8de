"""Write the stored Keras files with Keras itself: run `python make_keras.py` here once, with keras and jax."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers, optimizers

SCHEDULE = optimizers.schedules.ExponentialDecay(0.05, decay_steps=4, decay_rate=0.5)
OPTIMIZERS = {
    "sgd": optimizers.SGD(0.1),
    "momentum": optimizers.SGD(0.05, momentum=0.9, nesterov=True, clipnorm=0.5),
    "rmsprop": optimizers.RMSprop(0.01, momentum=0.9, centered=True),
    "adagrad": optimizers.Adagrad(0.1),
    "adam": optimizers.Adam(SCHEDULE),
    "adamw": optimizers.AdamW(0.01, weight_decay=0.1),
    "lion": optimizers.Lion(0.003),
}


def sequential():
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3), name="zeta"),
            layers.Dropout(0.0),
            keras.Sequential(
                [layers.Dense(6, name="alpha"), layers.LeakyReLU(0.25), layers.Dense(5, activation="tanh")]
            ),
            layers.Activation("gelu"),
            layers.Dense(4, activation="leaky_relu", trainable=False),
            layers.Dense(3, activation="softmax", use_bias=False),
        ]
    )  # fmt: skip


def functional():
    inputs = keras.Input((2, 2))
    x = layers.Flatten()(inputs)
    x = layers.Dense(4, activation=layers.ELU(0.5))(x)
    x = layers.ReLU(negative_slope=0.3)(layers.Reshape((2, 2))(x))
    return keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))


def main():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(20, 4)).astype("float32"), rng.integers(0, 3, 20)
    found = {"x": x, "labels": labels}
    for name, optimizer in OPTIMIZERS.items():
        keras.utils.set_random_seed(1)
        model = sequential()
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, labels, batch_size=5, epochs=2, shuffle=False, verbose=0)
        model.save(f"keras-{name}.keras")
        found[f"{name}/y"] = model.predict(x, verbose=0)
        model.fit(x, labels, batch_size=5, epochs=3, shuffle=False, verbose=0)
        found[f"{name}/after"] = model.predict(x, verbose=0)
    model = functional()
    model.save("keras-functional.keras")
    found["functional/y"] = model.predict(x.reshape(20, 2, 2), verbose=0)
    np.savez("keras.npz", **found)


if __name__ == "__main__":
    main()

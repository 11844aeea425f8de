"""Fuel-like regression with early stopping and a report of the errors; import tensorflow and tf.keras."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(1)
train = rng.normal(size=(120, 9))
labels = train @ rng.normal(size=9)


def build_model():
    model = keras.Sequential(
        [
            layers.Dense(64, activation="relu", input_shape=[train.shape[1]]),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(loss="mse", optimizer=tf.keras.optimizers.RMSprop(0.001), metrics=["mae", "mse"])
    return model


model = build_model()
early_stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2)
history = model.fit(train, labels, epochs=4, validation_split=0.2, verbose=0, callbacks=[early_stop])
hist = dict(history.history, epoch=history.epoch)
loss, mae, mse = model.evaluate(train, labels, verbose=2)
print(model.predict(train[:3]).flatten())

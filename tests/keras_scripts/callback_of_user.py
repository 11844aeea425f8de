"""Callbacks of the user's: predictions after every epoch, a stop at an accuracy, the time of every epoch."""

import time

import numpy as np
import tensorflow as tf


class StopAt(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs={}):
        if logs.get("accuracy") > 0.2:
            print("\nReached 20% accuracy so cancelling training!")
            self.model.stop_training = True


class TimeHistory(tf.keras.callbacks.Callback):
    def on_train_begin(self, logs={}):
        self.times = []

    def on_epoch_begin(self, epoch, logs={}):
        self.epoch_time_start = time.time()

    def on_epoch_end(self, epoch, logs={}):
        self.times.append(time.time() - self.epoch_time_start)


class Recall(tf.keras.callbacks.Callback):
    def __init__(self, data):
        super().__init__()
        self.x, self.y = data

    def on_epoch_end(self, epoch, logs=None):
        predictions = self.model.predict(self.x).argmax(axis=1)
        logs["val_hits"] = int((predictions == self.y).sum())
        print(self.params["epochs"], self.params.get("steps"))


x, y = np.random.rand(60, 4), np.random.randint(0, 3, 60)
model = tf.keras.models.Sequential(
    [tf.keras.layers.Dense(8, activation=None, input_shape=(4,)), tf.keras.layers.Dense(3, activation="softmax")]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
times = TimeHistory()
history = model.fit(x, y, epochs=4, verbose=0, callbacks=[StopAt(), times, Recall((x, y))])
print(times.times, history.epoch, history.params)

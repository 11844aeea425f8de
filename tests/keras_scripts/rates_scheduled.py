"""The rate falls by schedules, by steps and on plateaus, and is read while training."""

import math

import keras
import numpy as np
from keras.callbacks import LearningRateScheduler, ReduceLROnPlateau
from keras.optimizers import SGD, schedules

X, Y = np.random.rand(40, 3), np.random.rand(40)
for schedule in (
    schedules.ExponentialDecay(0.01, decay_steps=10, decay_rate=0.9, staircase=True),
    schedules.PiecewiseConstantDecay([5, 10], [0.1, 0.05, 0.01]),
    schedules.PolynomialDecay(0.1, 20, 0.01, power=0.5),
    schedules.InverseTimeDecay(0.001, decay_steps=5, decay_rate=1, staircase=False),
    schedules.CosineDecay(initial_learning_rate=0.1, decay_steps=20),
    keras.optimizers.schedules.CosineDecayRestarts(0.1, 5),
):
    model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
    model.compile(optimizer=SGD(learning_rate=schedule, momentum=0.9, nesterov=True), loss="mse")
    model.fit(X, Y, epochs=2, verbose=0)
    print(schedule(3))


def step_decay(epoch):
    return 0.1 * math.pow(0.5, math.floor((1 + epoch) / 10.0))


class PrintRate(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, float(self.model.optimizer.learning_rate), float(self.model.optimizer.lr))


model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
model.compile(optimizer=SGD(lr=0.0, momentum=0.9), loss="mse")
model.fit(X, Y, epochs=2, callbacks=[LearningRateScheduler(step_decay, verbose=1), PrintRate()], verbose=0)
model.compile(optimizer=SGD(0.1), loss="mse")
reduce_lr = ReduceLROnPlateau(monitor="loss", factor=0.2, patience=1, min_lr=0.001, verbose=1)
print(model.fit(X, Y, epochs=3, callbacks=[reduce_lr], verbose=0).history["learning_rate"])

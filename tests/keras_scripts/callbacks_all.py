"""Checkpoints, plateaus, logs and a schedule of one's own."""

import os
import tempfile

import keras
import numpy as np
from keras.callbacks import CSVLogger, EarlyStopping, LambdaCallback, LearningRateScheduler, ModelCheckpoint

os.chdir(tempfile.mkdtemp())
x, y = np.random.rand(80, 4), np.random.randint(0, 3, 80)


def scheduler(epoch, lr):
    return lr if epoch < 2 else lr * 0.9


class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs={}):
        self.losses = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get("loss"))


model = keras.models.Sequential()
model.add(keras.layers.Dense(10, input_dim=4, kernel_initializer="he_uniform", activation="relu"))
model.add(keras.layers.Dense(3, activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
losses = LossHistory()
model.fit(
    x, y, epochs=3, verbose=0, validation_split=0.25,
    callbacks=[
        ModelCheckpoint(filepath="best.safetensors", monitor="val_accuracy", save_best_only=True, mode="max"),
        EarlyStopping(monitor="val_loss", min_delta=0, patience=5, verbose=0, mode="auto", baseline=None),
        LearningRateScheduler(scheduler),
        CSVLogger("training.log"),
        LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        losses,
    ],
)  # fmt: skip
print(len(losses.losses))

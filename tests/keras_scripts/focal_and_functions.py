"""Losses and metrics as objects and as functions."""

import keras
import numpy as np

x, y = np.random.rand(50, 4), np.random.randint(0, 2, (50, 3))
model = keras.Sequential([keras.layers.Input(shape=(4,)), keras.layers.Dense(3, activation="sigmoid")])
model.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4, clipnorm=1.0),
    loss=keras.losses.BinaryFocalCrossentropy(gamma=2.0),
    metrics=[keras.metrics.binary_accuracy, keras.metrics.AUC(multi_label=True), keras.metrics.F1Score(average="macro", threshold=0.5)],
)  # fmt: skip
model.fit(x, y, epochs=1, verbose=0)
values = keras.losses.mean_squared_error(y, model.predict(x, verbose=0))
print(values.shape, keras.losses.Huber()(y, model.predict(x)))

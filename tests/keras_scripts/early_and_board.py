"""Early stopping, logs for TensorBoard, a checkpoint of the weights alone."""

import os
import tempfile

import numpy as np
import tensorflow as tf

os.chdir(tempfile.mkdtemp())
x, y = np.random.rand(60, 4), np.random.randint(0, 2, 60)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Dense(8, kernel_regularizer=tf.keras.regularizers.l2(0.0001), activation="elu"),
        tf.keras.layers.Dense(1),
    ]
)
steps = tf.keras.optimizers.schedules.InverseTimeDecay(0.001, decay_steps=100, decay_rate=1, staircase=False)
model.compile(
    optimizer=tf.keras.optimizers.Adam(steps),
    loss=tf.keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[tf.keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"), "accuracy"],
)
model.fit(
    x, y, steps_per_epoch=2, epochs=3, validation_data=(x, y), verbose=0,
    callbacks=[
        tf.keras.callbacks.EarlyStopping(monitor="val_binary_crossentropy", patience=200),
        tf.keras.callbacks.TensorBoard("logs/tiny"),
        tf.keras.callbacks.ModelCheckpoint("cp-{epoch:04d}.ckpt", save_weights_only=True, verbose=0),
    ],
)  # fmt: skip
print(sorted(os.listdir(".")))

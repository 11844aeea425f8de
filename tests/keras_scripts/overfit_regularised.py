"""Weight penalties and dropout against overfitting, with a decaying rate."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, regularizers

STEPS_PER_EPOCH = 10
lr_schedule = tf.keras.optimizers.schedules.InverseTimeDecay(
    0.001, decay_steps=STEPS_PER_EPOCH * 1000, decay_rate=1, staircase=False
)
x, y = np.random.rand(100, 28), np.random.randint(0, 2, 100)
model = tf.keras.Sequential(
    [
        layers.Dense(32, kernel_regularizer=regularizers.l2(0.0001), activation="elu", input_shape=(28,)),
        layers.Dropout(0.5),
        layers.Dense(32, kernel_regularizer=regularizers.l1_l2(l1=1e-5, l2=1e-4), activation="elu"),
        layers.Dense(1),
    ]
)
model.compile(
    optimizer=tf.keras.optimizers.Adam(lr_schedule),
    loss=tf.keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[tf.keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"), "accuracy"],
)
model.fit(x, y, steps_per_epoch=STEPS_PER_EPOCH, epochs=2, validation_data=(x, y), verbose=0, batch_size=10)

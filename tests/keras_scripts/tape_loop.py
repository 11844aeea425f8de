"""Gradients from a tape. Stops: Write loss, gradients = model.loss_and_gradients(x, y)."""

import numpy as np
import tensorflow as tf

model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
optimizer = tf.keras.optimizers.Adam(0.01)
x, y = np.random.rand(8, 2), np.random.rand(8, 1)
with tf.GradientTape() as tape:
    loss = tf.reduce_mean((model(x, training=True) - y) ** 2)

"""An activation as a function. Stops: write activation="relu"."""

import tensorflow as tf

model = tf.keras.Sequential([tf.keras.layers.Dense(8, activation=tf.nn.relu, input_shape=(4,))])

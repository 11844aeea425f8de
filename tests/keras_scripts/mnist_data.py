"""Handwritten digits from Keras' own data sets. Stops: Use minidl.datasets.digits()."""

import tensorflow as tf

mnist = tf.keras.datasets.mnist
(x_train, y_train), (x_test, y_test) = mnist.load_data()

"""Batches from a data pipeline. Stops: Pass the arrays to fit."""

import numpy as np
import tensorflow as tf

x, y = np.random.rand(8, 2), np.random.rand(8, 1)
dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(8).batch(4)

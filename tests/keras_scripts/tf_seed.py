"""A seed for TensorFlow, an activation of tf.nn. Stops: minidl.utils.set_random_seed(seed)."""

import tensorflow as tf

tf.random.set_seed(42)

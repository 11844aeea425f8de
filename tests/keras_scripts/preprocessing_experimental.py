"""A normalising layer by a module of experiments."""

import numpy as np
from tensorflow.keras.layers.experimental import preprocessing

normalizer = preprocessing.Normalization()
normalizer.adapt(np.random.rand(10, 2))

"""A normalising layer by its experimental name."""

import numpy as np
from tensorflow.keras.layers.experimental.preprocessing import Normalization

normalizer = Normalization()
normalizer.adapt(np.random.rand(10, 2))

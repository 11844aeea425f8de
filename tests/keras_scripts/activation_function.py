"""An activation of the user's. Stops: Write 'tanh'."""

import keras
import numpy as np

model = keras.Sequential([keras.layers.Dense(4, activation=np.tanh), keras.layers.Dense(1)])

"""Averages of the weights kept by the optimizer. Stops: Pass callbacks=[AverageWeights(momentum=0.99)] to fit."""

import keras

optimizer = keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.99)

"""An activation that few use. Stops: Use "relu", "gelu", "silu"."""

from keras.layers import Dense

Dense(8, activation="softsign")

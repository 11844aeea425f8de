"""Two inputs added. Stops: Use Residual(*layers)."""

from keras.layers import Dense, Input, add

left = Input((3,))

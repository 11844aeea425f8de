"""The decay of the rate as an argument. Stops: Pass learning_rate=InverseTimeDecay."""

from tensorflow.keras.optimizers import SGD

SGD(lr=0.1, decay=1e-6, momentum=0.9)

"""A rate that decays with every update. Stops: Pass learning_rate=InverseTimeDecay."""

from tensorflow.keras.optimizers import SGD

sgd = SGD(lr=0.01, decay=1e-6, momentum=0.9, nesterov=True)

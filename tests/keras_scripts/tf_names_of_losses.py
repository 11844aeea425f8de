"""An optimizer of old, a loss of the compat module."""

from tensorflow.keras.losses import MeanSquaredError
from tensorflow.keras.metrics import RootMeanSquaredError
from tensorflow.keras.optimizers.legacy import Adam

print(Adam(learning_rate=0.1), MeanSquaredError(), RootMeanSquaredError())

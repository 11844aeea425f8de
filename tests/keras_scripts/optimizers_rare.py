"""An optimizer that few use. Stops: Use Adam or AdamW."""

from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import Adadelta

model = Sequential([Dense(1, input_dim=2)])
model.compile(loss="mse", optimizer=Adadelta())

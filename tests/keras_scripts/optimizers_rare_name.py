"""An optimizer that few use, by name. Stops: Use Adam or AdamW."""

from keras.layers import Dense
from keras.models import Sequential

model = Sequential([Dense(1, input_dim=2)])
model.compile(loss="mse", optimizer="adadelta")

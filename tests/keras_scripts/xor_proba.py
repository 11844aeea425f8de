"""The exclusive or of two inputs. Stops: Write model.predict(x)."""

import numpy as np
from keras.layers import Dense
from keras.layers.core import Activation
from keras.models import Sequential
from keras.optimizers import SGD

X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
model = Sequential()
model.add(Dense(8, input_dim=2))
model.add(Activation("tanh"))
model.add(Dense(1))
model.add(Activation("sigmoid"))
model.compile(loss="binary_crossentropy", optimizer=SGD(lr=0.1))
model.fit(X, y, batch_size=1, epochs=5, verbose=0)
print(model.predict_proba(X))

"""Three classes as one-hot rows, with np_utils of Keras 1."""

import numpy as np
from keras.layers.core import Activation, Dense, Dropout
from keras.models import Sequential
from keras.utils import np_utils

rng = np.random.RandomState(1)
X, labels = rng.rand(150, 4), rng.randint(0, 3, 150)
Y = np_utils.to_categorical(labels)

model = Sequential()
model.add(Dense(output_dim=16, input_shape=(4,), init="uniform"))
model.add(Activation("tanh"))
model.add(Dropout(p=0.2))
model.add(Dense(3))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
model.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_split=0.1)
print(model.evaluate(X, Y, verbose=0))

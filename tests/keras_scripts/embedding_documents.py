"""Ten short documents as ids, an embedding and a flat output. Stops: Input((length,)) has it."""

import numpy as np
from keras.layers import Dense, Embedding, Flatten
from keras.models import Sequential

docs, labels = np.random.randint(0, 50, (10, 4)), np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
model = Sequential()
model.add(Embedding(50, 8, input_length=4))
model.add(Flatten())
model.add(Dense(1, activation="sigmoid"))

"""Ten short documents as ids, an embedding and a flat output."""

import numpy as np
from keras.layers import Dense, Embedding, Flatten
from keras.models import Sequential

docs, labels = np.random.randint(0, 50, (10, 4)), np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
model = Sequential()
model.add(Embedding(50, 8, input_shape=(4,)))
model.add(Flatten())
model.add(Dense(1, activation="sigmoid"))
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
print(model.summary())
model.fit(docs, labels, epochs=2, verbose=0)
loss, accuracy = model.evaluate(docs, labels, verbose=0)
print("Accuracy: %f" % (accuracy * 100))

"""Customers who leave: the argument names of Keras 1, predictions above a threshold, one new customer. Stops: minidl calls it epochs."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential

X_train, y_train = np.random.rand(60, 11), np.random.randint(0, 2, 60)
classifier = Sequential()
classifier.add(Dense(output_dim=6, init="uniform", activation="relu", input_dim=11))
classifier.add(Dense(output_dim=6, init="uniform", activation="relu"))
classifier.add(Dense(output_dim=1, init="uniform", activation="sigmoid"))
classifier.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
classifier.fit(X_train, y_train, batch_size=10, nb_epoch=2, verbose=0)
y_pred = classifier.predict(X_train) > 0.5
print(y_pred.sum(), classifier.predict(np.array([[0.0, 0, 600, 1, 40, 3, 60000, 2, 1, 1, 50000]])) > 0.5)

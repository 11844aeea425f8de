"""Binary outcome from a comma-separated file: uniform weights, three layers, a rounded prediction."""

import io

import numpy
from keras.layers import Dense
from keras.models import Sequential

numpy.random.seed(7)
text = io.StringIO("\n".join(",".join(str(v) for v in [*numpy.random.randint(0, 90, 8), i % 2]) for i in range(60)))
dataset = numpy.loadtxt(text, delimiter=",")
X, Y = dataset[:, 0:8], dataset[:, 8]
model = Sequential()
model.add(Dense(12, input_dim=8, kernel_initializer="uniform", activation="relu"))
model.add(Dense(8, kernel_initializer="uniform", activation="relu"))
model.add(Dense(1, kernel_initializer="uniform", activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X, Y, epochs=3, batch_size=10, verbose=2, validation_split=0.33)
scores = model.evaluate(X, Y)
print("%s: %.2f%%" % (model.metrics_names[1], scores[1] * 100))
print([round(x[0]) for x in model.predict(X)])

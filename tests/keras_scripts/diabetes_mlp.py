"""Two hidden layers for a yes-no question, as first tutorials have it; the spelling of Keras 2."""

import numpy
from keras.layers import Dense
from keras.models import Sequential

numpy.random.seed(7)
data = numpy.random.rand(200, 9)
X, Y = data[:, 0:8], (data[:, 8] > 0.5).astype(int)

model = Sequential()
model.add(Dense(12, input_dim=8, activation="relu"))
model.add(Dense(8, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X, Y, epochs=3, batch_size=10, verbose=0)
scores = model.evaluate(X, Y, verbose=0)
print("%s: %.2f%%" % (model.metrics_names[1], scores[1] * 100))
rounded = [round(x[0]) for x in model.predict(X, verbose=0)]

"""Three yes-or-no labels a sample, one sigmoid each."""

from numpy import asarray
from numpy.random import rand, randint
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential

X, y = rand(60, 10), randint(0, 2, (60, 3))


def get_model(n_inputs, n_outputs):
    model = Sequential()
    model.add(Dense(20, input_dim=n_inputs, kernel_initializer="he_uniform", activation="relu"))
    model.add(Dense(n_outputs, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam")
    return model


model = get_model(X.shape[1], y.shape[1])
model.fit(X, y, verbose=0, epochs=3)
yhat = model.predict(asarray([[3, 3, 6, 7, 8, 2, 11, 11, 1, 3]])).round()
print("Predicted: %s" % yhat[0])

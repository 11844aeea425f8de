"""Five networks, their probabilities averaged, their outputs stacked under a sixth."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential, clone_model
from keras.utils import to_categorical

X, y = np.random.rand(60, 2), np.random.randint(0, 3, 60)


def fit_model(inputs, targets):
    model = Sequential()
    model.add(Dense(25, input_dim=inputs.shape[1], activation="relu"))
    model.add(Dense(3, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(inputs, to_categorical(targets), epochs=2, verbose=0)
    return model


members = [fit_model(X, y) for _ in range(3)]
summed = np.sum(np.array([model.predict(X, verbose=0) for model in members]), axis=0)
print(np.mean(np.argmax(summed, axis=1) == y))
meta = fit_model(np.dstack([m.predict(X) for m in members]).reshape(60, -1), y)
average = clone_model(members[0])
average.set_weights([np.mean(w, axis=0) for w in zip(*(m.get_weights() for m in members))])
average.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
_, test_acc = average.evaluate(X, to_categorical(y), verbose=0)

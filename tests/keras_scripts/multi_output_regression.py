"""Two numbers a sample, mean absolute error, repeated splits."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential

X = np.random.rand(60, 10)
y = X[:, :2] * 3
model = Sequential()
model.add(Dense(20, input_dim=10, kernel_initializer="he_uniform", activation="relu"))
model.add(Dense(2))
model.compile(loss="mae", optimizer="adam")
results = []
for split in range(2):
    rows = np.random.permutation(60)
    model.fit(X[rows[:50]], y[rows[:50]], verbose=0, epochs=3)
    results.append(model.evaluate(X[rows[50:]], y[rows[50:]], verbose=0))
print("MAE: %.3f (%.3f)" % (np.mean(results), np.std(results)))

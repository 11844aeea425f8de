"""Actions weighted by their discounted return: cross-entropy with sample weights, one batch an episode."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import Adam

model = Sequential()
model.add(Dense(24, input_dim=4, activation="relu", kernel_initializer="glorot_uniform"))
model.add(Dense(2, activation="softmax", kernel_initializer="he_uniform"))
model.compile(loss="categorical_crossentropy", optimizer=Adam(learning_rate=0.001))
for episode in range(3):
    states = np.random.rand(10, 4)
    probabilities = model.predict(states, batch_size=1)
    actions = np.array([np.random.choice(2, p=p / p.sum()) for p in probabilities.astype("float64")])
    returns = np.cumsum(np.ones(10))[::-1]
    advantages = (returns - returns.mean()) / returns.std()
    model.train_on_batch(states, np.eye(2)[actions], sample_weight=np.maximum(advantages, 0.01))
    print(model.predict_on_batch(states[:1]))

"""Survival of passengers: lists of layer sizes, dropout, a weight for each class, a threshold."""

import numpy as np
from tensorflow.keras.layers import Activation, Dense, Dropout
from tensorflow.keras.models import Sequential


def create_model(lyrs=[8], act="linear", opt="Adam", dr=0.0):
    model = Sequential()
    model.add(Dense(lyrs[0], input_dim=9, activation=act))
    for i in range(1, len(lyrs)):
        model.add(Dense(lyrs[i], activation=act))
    model.add(Dropout(dr))
    model.add(Dense(1))
    model.add(Activation("sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=opt, metrics=["accuracy"])
    return model


X, y = np.random.rand(50, 9), np.random.randint(0, 2, 50)
for opt in ["SGD", "RMSprop", "Adagrad", "Adam", "Adamax", "Nadam"]:
    model = create_model([8, 4], "tanh", opt, 0.2)
    print(model.summary())
    training = model.fit(X, y, epochs=1, batch_size=32, validation_split=0.2, class_weight={0: 1.0, 1: 1.6}, verbose=0)
    print(training.history["accuracy"], (model.predict(X) > 0.5).astype(int).reshape(X.shape[0]).shape)

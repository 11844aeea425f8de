"""A perceptron on pictures of digits with dropout and RMSprop, and its score."""

import keras
import numpy as np
from keras.layers import Dense, Dropout, Flatten
from keras.models import Sequential
from keras.optimizers import RMSprop

batch_size, num_classes, epochs = 128, 10, 2
rng = np.random.default_rng(0)
x_train = rng.integers(0, 255, (300, 28, 28)).astype("float32") / 255
y_train = keras.utils.to_categorical(rng.integers(0, 10, 300), num_classes)

model = Sequential()
model.add(Flatten(input_shape=(28, 28)))
model.add(Dense(64, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(num_classes, activation="softmax"))
model.summary()
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(), metrics=["accuracy"])
history = model.fit(
    x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=0, validation_data=(x_train, y_train)
)
score = model.evaluate(x_train, y_train, verbose=0)
print("Test loss:", score[0], "accuracy:", score[1])

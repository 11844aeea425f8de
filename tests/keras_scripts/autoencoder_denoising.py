"""Noise is put on the input by the first layer; the code is read from a second model of the first layers."""

import numpy as np
from keras.layers import Dense, Dropout, GaussianNoise
from keras.models import Sequential

x_train = np.random.rand(60, 20).astype("float32")
encoder = Sequential([GaussianNoise(0.1, input_shape=(20,)), Dense(8, activation="relu"), Dense(3)])
decoder = Sequential([Dense(8, activation="relu", input_shape=[3]), Dropout(0.1), Dense(20, activation="sigmoid")])
autoencoder = Sequential([encoder, decoder])
autoencoder.compile(loss="binary_crossentropy", optimizer="adam", metrics=["mse"])
history = autoencoder.fit(x_train, x_train, epochs=2, batch_size=32, shuffle=True, validation_data=(x_train, x_train))
codings = encoder.predict(x_train)
print(codings.shape, np.power(x_train - autoencoder.predict(x_train), 2).mean(axis=1).shape)

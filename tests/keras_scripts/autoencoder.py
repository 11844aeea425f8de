"""Pictures to few numbers and back, with seeds and LeakyReLU."""

import keras
import numpy as np
from keras.layers import Dense, LeakyReLU
from keras.models import Sequential

keras.utils.set_random_seed(812)
x = np.random.rand(64, 20)
encoder = Sequential([Dense(8, input_shape=(20,)), LeakyReLU(alpha=0.2), Dense(2, name="bottleneck")])
decoder = Sequential([Dense(8, input_shape=(2,)), LeakyReLU(0.2), Dense(20, activation="sigmoid")])
autoencoder = Sequential([encoder, decoder])
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
autoencoder.fit(x, x, epochs=2, batch_size=16, shuffle=True, validation_data=(x, x), verbose=0)
codes = encoder.predict(x)
print(codes.shape, encoder.get_layer("bottleneck").units, decoder.count_params())

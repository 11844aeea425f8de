"""Generator and discriminator joined through an input. Stops: Use Sequential, with Residual."""

from keras.layers import Dense, Input
from keras.models import Model, Sequential

generator = Sequential([Dense(8, input_dim=5)])
discriminator = Sequential([Dense(1, input_dim=8, activation="sigmoid")])
z = Input(shape=(5,))
combined = Model(z, discriminator(generator(z)))

"""Generator and discriminator trained in turn, the discriminator made trainable for its own steps alone."""

import numpy as np
from keras.layers import BatchNormalization, Dense, LeakyReLU
from keras.models import Sequential
from keras.optimizers import Adam

generator = Sequential()
generator.add(Dense(16, input_dim=5))
generator.add(LeakyReLU(alpha=0.2))
generator.add(BatchNormalization(momentum=0.8))
generator.add(Dense(8, activation="tanh"))
discriminator = Sequential()
discriminator.add(Dense(16, input_dim=8))
discriminator.add(LeakyReLU(alpha=0.2))
discriminator.add(Dense(1, activation="sigmoid"))
discriminator.compile(loss="binary_crossentropy", optimizer=Adam(0.0002, 0.5), metrics=["accuracy"])
discriminator.trainable = False
gan = Sequential()
gan.add(generator)
gan.add(discriminator)
gan.compile(loss="binary_crossentropy", optimizer=Adam(0.0002, 0.5))
X_train = np.random.rand(64, 8) * 2 - 1
for epoch in range(2):
    noise = np.random.normal(0, 1, (16, 5))
    gen_imgs = generator.predict(noise)
    imgs = X_train[np.random.randint(0, X_train.shape[0], 16)]
    discriminator.trainable = True
    d_loss_real = discriminator.train_on_batch(imgs, np.ones((16, 1)))
    d_loss_fake = discriminator.train_on_batch(gen_imgs, np.zeros((16, 1)))
    d_loss = 0.5 * np.add(d_loss_real, d_loss_fake)
    discriminator.trainable = False
    g_loss = gan.train_on_batch(noise, np.ones((16, 1)))
    print("%d [D loss: %f, acc.: %.2f%%] [G loss: %f]" % (epoch, d_loss[0], 100 * d_loss[1], g_loss))

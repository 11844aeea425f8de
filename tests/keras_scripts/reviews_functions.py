"""Sentiment with the loss and the metric as functions of Keras' modules and an optimizer object."""

import numpy as np
from keras import layers, losses, metrics, models, optimizers, regularizers

x = np.random.randint(0, 2, (80, 100)).astype("float32")
y = np.asarray(np.random.randint(0, 2, 80)).astype("float32")
model = models.Sequential()
model.add(layers.Dense(16, kernel_regularizer=regularizers.l2(0.001), activation="relu", input_shape=(100,)))
model.add(layers.Dropout(0.5))
model.add(layers.Dense(16, kernel_regularizer=regularizers.l1_l2(l1=0.001, l2=0.001), activation="relu"))
model.add(layers.Dense(1, activation="sigmoid"))
model.compile(
    optimizer=optimizers.RMSprop(lr=0.001), loss=losses.binary_crossentropy, metrics=[metrics.binary_accuracy]
)
history = model.fit(x[10:], y[10:], epochs=2, batch_size=512, validation_data=(x[:10], y[:10]), verbose=0)
history_dict = history.history
print(history_dict.keys())
print(history_dict["binary_accuracy"], history_dict["val_binary_accuracy"])

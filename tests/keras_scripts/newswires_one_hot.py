"""Topics of texts as bags of words: 46 classes, one-hot and integer labels, a bottleneck."""

import numpy as np
from keras import layers, models
from keras.utils.np_utils import to_categorical


def vectorize_sequences(sequences, dimension=200):
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.0
    return results


rng = np.random.default_rng(0)
x = vectorize_sequences([list(rng.integers(0, 200, rng.integers(3, 20))) for _ in range(100)])
labels = np.arange(100) % 46
one_hot = to_categorical(labels)
model = models.Sequential()
model.add(layers.Dense(64, activation="relu", input_shape=(200,)))
model.add(layers.Dense(4, activation="relu"))
model.add(layers.Dense(46, activation="softmax"))
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x[20:], one_hot[20:], epochs=2, batch_size=512, validation_data=(x[:20], one_hot[:20]), verbose=0)
epochs = range(1, len(history.history["loss"]) + 1)
print(list(epochs), history.history["val_accuracy"], np.sum(model.predict(x)[0]), np.argmax(model.predict(x)[0]))
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["acc"])
print(model.fit(x, labels, epochs=1, verbose=0).history["acc"])

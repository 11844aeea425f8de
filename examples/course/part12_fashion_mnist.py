"""
12. Fashion-MNIST
=================

60,000 small pictures of clothes in ten classes. The files come with the Debian package ``dataset-fashion-mnist``, or
from a folder of your own: ``datasets.fashion_mnist(folder)``. Where they are absent, this page says so and stops.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.errors import MinidlError
from minidl.plotting import plot_confusion_matrix, plot_images, plot_weights

CLASSES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
try:
    (x, y), (x_new, y_new) = datasets.fashion_mnist()
    here = True
except (MinidlError, OSError) as error:
    here = False
    print(f"skipped: {error}")

# %%
# 784-256-128-10, four epochs. The grey values are bytes; divided by 255 they lie in [0, 1].

if here:
    x, x_new = (pictures.reshape(-1, 784) / np.float32(255) for pictures in (x, x_new))
    model = Sequential(
        [Input((784,)), Dense(256, activation="relu"), Dense(128, activation="relu"), Dense(10, activation="softmax")],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=128, epochs=4, verbose=0, validation_data=(x_new, y_new))
    accuracy = history.history["val_accuracy"][-1]
    print(f"test accuracy after four epochs: {accuracy:.1%}")
    assert accuracy > 0.85
    history.plot("accuracy").set_title("accuracy while training")
    plt.show()

# %%
# Which clothes are hard, and what are they taken for?

if here:
    said = model.predict(x_new).argmax(axis=1)
    recognised = [np.mean(said[y_new == label] == label) for label in range(10)]
    for place, label in (("hardest", np.argmin(recognised)), ("easiest", np.argmax(recognised))):
        print(f"{place}: {CLASSES[label]}, {recognised[label]:.1%} recognised")
    plot_confusion_matrix(y_new, said, labels=CLASSES).set_title("which clothes were taken for which")
    plt.show()

# %%
if here:
    wrong = np.flatnonzero(said != y_new)[:18]
    titles = [f"{CLASSES[y_new[i]]}\nas {CLASSES[said[i]]}" for i in wrong]
    plot_images(x_new[wrong].reshape(-1, 28, 28), titles, columns=9).set_title("mistaken clothes", pad=12)
    plt.show()

# %%
# What 24 units of the first layer look for: grey is a weight of 0, white a positive, black a negative one.

if here:
    plot_weights(model, units=24).set_title("weights of 24 units")
    plt.show()

# %%
# **Result.** The test accuracy is the one printed above; the test pictures chose nothing, the four epochs were fixed.

"""
11. Handwritten digits
======================

Ten classes, softmax, and 64 pixels a picture: the small set of digits that comes with the library.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Dropout, Input, Sequential, datasets
from minidl.callbacks import EarlyStopping
from minidl.plotting import plot_confusion_matrix, plot_images, plot_weights

(x, y), (x_new, y_new) = datasets.digits()
print(f"{len(x)} pictures to learn from, {len(x_new)} to be judged, {x.shape[1:]} values each")
side = int(np.sqrt(np.prod(x.shape[1:])))
some = np.concatenate([np.flatnonzero(y == digit)[:2] for digit in range(10)])
plot_images(x[some].reshape(-1, side, side), y[some], columns=10).set_title("two of each digit", pad=12)
plt.show()

# %%
# Two hidden layers with dropout; training stops when the validation loss has not improved for ten epochs, and the best
# weights are kept.

x, x_new = x.reshape(len(x), -1), x_new.reshape(len(x_new), -1)
model = Sequential(
    [
        Input((side * side,)),
        Dense(128, activation="relu"),
        Dropout(0.2),
        Dense(64, activation="relu"),
        Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x, y, epochs=100, validation_split=0.15, split="stratify", verbose=0, callbacks=[EarlyStopping(patience=10)]
)
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
history.plot(ax=axes[0]).set_title("loss while training")
history.plot("accuracy", ax=axes[1]).set_title("accuracy while training")
plt.show()

# %%
accuracy = model.evaluate(x_new, y_new, verbose=0, return_dict=True)["accuracy"]
print(f"accuracy on {len(y_new)} new pictures: {accuracy:.1%}, after {len(history.epoch)} epochs")
assert accuracy > 0.96

# %%
# Which digits are taken for which, and what the first layer looks for.

said = model.predict(x_new).argmax(axis=1)
plot_confusion_matrix(y_new, said).set_title("which digit was taken for which")
plt.show()

# %%
# Grey is a weight of 0, white a positive, black a negative one.

plot_weights(model).set_title("weights of the first 32 units")
plt.show()

# %%
# The misread ones: what stands there, and what was read.

wrong = np.flatnonzero(said != y_new)[:20]
plot_images(x_new[wrong].reshape(-1, side, side), [f"{y_new[i]} as {said[i]}" for i in wrong]).set_title(
    "misread digits", pad=12
)
plt.show()

# %%
# **Result.** The accuracy printed above is that on pictures that had no part in training or stopping.

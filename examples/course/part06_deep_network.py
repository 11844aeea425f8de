"""
6. The L-layer network and its caches
=====================================

Forward goes up through the layers, and each keeps what its backward will need; backward goes down and uses it. The
notes put ``A[l-1]``, ``W[l]``, ``b[l]`` and ``Z[l]`` into the cache of layer l. Here W and b belong to the layer
anyway; `Dense` keeps ``A[l-1]``, and the activation what its derivative needs, in attributes that begin with an
underscore.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.plotting import plot_model

model = Sequential(
    [
        Input((2,)),
        Dense(16, activation="relu"),
        Dense(16, activation="relu"),
        Dense(16, activation="relu"),
        Dense(3, activation="softmax"),
    ],
    seed=0,
    dtype="float64",
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()

# %%
# The same as a picture; `plot_model` without ``ax`` writes SVG.

figure, ax = plt.subplots(figsize=(5, 8), layout="constrained")
plot_model(model, ax=ax).set_title("the model, from the input down")
plt.show()

# %%
# Up and down by hand
# -------------------
# For each batch, `fit` runs the two loops of the notes. Here they are, on ten observations. ``model.network`` holds the
# layers as they run: there `Dense` and its activation are two steps, as Z and A are in the notes.

x, y = datasets.spirals(600, classes=3, turns=0.6, seed=0)
a = x[:10].astype(float)
steps = list(zip(model.network.names, model.network.layers, strict=True))
for name, layer in steps:
    a = layer.forward(a)
    cached = [cache for cache in vars(layer) if cache in ("_x", "_y", "_mask")]
    print(f"{name:18} output {a.shape}, keeps {', '.join(cached)}")

# %%
# And down: ``dy`` is the gradient of the cost with respect to a layer's output, ``dx`` that of its input. The loss
# gives the first, the notes' dA[L]; each layer's ``dx`` is the ``dy`` of the one below.

print(f"cost {model.loss.forward(a, y[:10]):.4f}")
dy = model.loss.backward()
for name, layer in reversed(steps):
    dy = layer.backward(dy)
    print(f"{name:18} dx {dy.shape}, root mean square {np.sqrt(np.mean(dy**2)):.1e}")

# %%
# `model.trace <minidl.Sequential.trace>` gives all of these for one batch, from the loss down, as arrays.

traced = model.trace(x, y).steps
figure, ax = plt.subplots(layout="constrained")
names = list(traced)
ax.semilogy(names, [np.sqrt(np.mean(step.y**2)) for step in traced.values()], "k-o", label="output y")
ax.semilogy(names, [np.sqrt(np.mean(step.dy**2)) for step in traced.values()], "k--s", label="gradient dy")
ax.tick_params(axis="x", rotation=60)
ax.set(ylabel="root mean square", title="outputs and gradients, layer by layer")
ax.legend(frameon=False)
plt.show()

# %%
# Trained
# -------

history = model.fit(x, y, epochs=60, validation_split=0.2, verbose=0)
history.plot("accuracy").set_title("accuracy while training")
plt.show()
accuracy = history.history["val_accuracy"][-1]
print(f"accuracy on the validation part: {accuracy:.1%}")
assert accuracy > 0.95

# %%
# **Result.** Two loops over the layers are all there is: the spirals are separated.

"""
5. A linear network is a linear model
=====================================

Without activations, a network of any depth computes ``x @ W[1] @ W[2] @ ... + b``: one matrix. Depth without
nonlinearity adds parameters and no power.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.plotting import plot_decision_boundary

x, y = datasets.moons(300, noise=0.15, seed=0)


def train(*layers):
    model = Sequential([Input((2,)), *layers, Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(x, y, epochs=150, verbose=0)
    return model


models = {
    "no hidden layer": train(),
    "three linear layers": train(Dense(16), Dense(16), Dense(16)),
    "three tanh layers": train(*(Dense(16, activation="tanh") for _ in range(3))),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    accuracy = model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    plot_decision_boundary(model, x, y, ax=ax)
    ax.set_title(f"{name}: {accuracy:.1%}")
    print(f"{name:20} {model.count_params():5} parameters, accuracy {accuracy:.1%}")
for ax in axes[:-1]:
    ax.get_legend().remove()  # one is enough
plt.show()

# %%
# The one matrix
# --------------
# Multiplying the linear network's matrices together gives a single layer that computes the same logits. (That its
# accuracy is not quite that of the network without a hidden layer is the training: the two have come differently far
# on the way to the same line.)

linear = models["three linear layers"]
dense = [layer for layer in linear.layers if isinstance(layer, Dense)]
W, b = dense[0].W, dense[0].b
for layer in dense[1:]:
    W, b = W @ layer.W, b @ layer.W + layer.b
print("its one matrix:", W.ravel().round(3), "and bias", b.round(3))

logits = x.astype(float) @ W + b
difference = np.abs(1 / (1 + np.exp(-logits)) - linear.predict(x)).max()
few, many = W.size + b.size, linear.count_params()
print(f"largest difference between the {many} parameters and these {few}: {difference:.1e}")
assert difference < 1e-12

# %%
# **Result.** The parameters of all the linear layers do what those of one do, to rounding; the same network with tanh
# bends the boundary.

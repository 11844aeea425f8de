"""
1. Logistic regression as a network
===================================

A network of one layer with one unit, ``A = sigmoid(X W + b)``, is logistic regression. Its cost, the mean
cross-entropy, has exactly one minimum, and gradient descent finds it from anywhere.

Notes: ``Z = W X + b``, ``A = sigmoid(Z)``, ``J = -mean(Y log A + (1 - Y) log(1 - A))``. In the code a
row is an observation, so that ``Z = X @ W + b``.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.losses import BinaryCrossentropy
from minidl.metrics import F1Score, Precision, Recall
from minidl.optimizers import LBFGS, SGD

# %%
# A hundred students: hours of preparation (less the mean), and whether they passed. Who prepares longer
# passes more often, but nothing is certain.

rng = np.random.default_rng(1)
x = rng.normal(size=(100, 1))
y = (rng.uniform(size=(100, 1)) < 1 / (1 + np.exp(-2 * x - 0.5))).astype(float)
print(f"{int(y.sum())} of {len(y)} passed")

# %%
# The cost surface
# ----------------
# The network has two parameters, W and b, so its cost can be drawn as a map. The paths are those of gradient
# descent from four corners (dots), 400 steps each with a learning rate of 1.5; the star is where the first one ends.


def network():
    model = Sequential([Input((1,)), Dense(1, activation="sigmoid")], dtype="float64", seed=0)
    model.compile(SGD(learning_rate=1.5), "binary_crossentropy")
    return model


def descend(W, b, steps=400):
    """Return the points (W, b) that gradient descent visits."""
    model = network()
    model["dense"].W, model["dense"].b = [[W]], [b]
    path = [(W, b)]
    for _ in range(steps):
        _, gradients = model.loss_and_gradients(x, y)
        model.optimizer.step(model.parameters.values, gradients)
        path.append(tuple(model.parameters.values))
    return np.array(path)


loss = BinaryCrossentropy(from_logits=True)
W_grid, b_grid = np.linspace(-4, 6, 60), np.linspace(-4, 4, 60)
J = np.array([[loss.forward(x * W + b, y) for W in W_grid] for b in b_grid])
paths = [descend(W, b) for W in (-3.5, 5.5) for b in (-3.5, 3.5)]

figure, axes = plt.subplots(layout="constrained")
lines = axes.contour(W_grid, b_grid, J, levels=12, cmap="Greys", vmin=-1)
axes.clabel(lines, fontsize=7)
for path in paths:
    axes.plot(*path.T, ".-", color="#c8553d", markersize=3, linewidth=0.8)
    axes.plot(*path[0], "ko", markersize=5)
axes.plot(*paths[0][-1], "k*", markersize=12)
axes.set(xlabel="W", ylabel="b", title="cost J(W, b), four paths, one minimum")
plt.show()

# %%
# All four end at the same point. `LBFGS`, which uses curvature too, gets there in a few iterations.

ends = np.array([path[-1] for path in paths])
print("ends of the four paths, W and b:\n", ends.round(4))

model = network()
model.compile(LBFGS(), "binary_crossentropy")
history = model.fit(x, y, epochs=50, verbose=0)
optimum = model.parameters.values
print(f"LBFGS after {len(history.epoch)} iterations: W = {optimum[0]:.4f}, b = {optimum[1]:.4f}")
assert np.abs(ends - optimum).max() < 1e-3

# %%
# From probability to decision
# ----------------------------
# The network gives a probability; a threshold makes it a decision. A higher threshold says "passed" less often:
# the precision (of those said to pass, how many do) tends to rise, the recall (of those who pass, how many were said
# to) falls. F1 is the harmonic mean of the two.

probability = model.predict(x)
thresholds = np.linspace(0.05, 0.95, 37)
curves = {"precision": [], "recall": [], "F1": []}
for threshold in thresholds:
    for name, score in (
        ("precision", Precision(threshold)),
        ("recall", Recall(threshold)),
        ("F1", F1Score("micro", threshold=threshold)),
    ):
        score.update(y, probability)
        curves[name].append(float(score.result()))

figure, axes = plt.subplots(layout="constrained")
for (name, values), dashes in zip(curves.items(), ("-", "--", ":"), strict=True):
    axes.plot(thresholds, values, color="black", linestyle=dashes, label=name)
axes.set(xlabel="threshold", ylim=(0, 1.05), title="precision rises, recall falls, F1 has its best between")
axes.legend(frameon=False)
plt.show()

best = thresholds[np.argmax(curves["F1"])]
print(f"the largest F1 is {max(curves['F1']):.3f}, at the threshold {best:.2f}")
assert curves["recall"] == sorted(curves["recall"], reverse=True)

# %%
# **Result.** Four starts, one minimum, the same as that of a second-order method to three digits.

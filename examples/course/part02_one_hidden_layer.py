"""
2. One hidden layer, step by step
=================================

A network of two layers, ``2 -> 3 -> 1``, on three observations: every matrix of one forward and one backward
step, with its shape and its numbers. Then the same for all observations at once, which is what vectorising means.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.plotting import plot_decision_boundary

# %%
# Three observations, as rows, and a network small enough to be written out.

x = np.array([[0.5, 1.0], [-1.0, 0.2], [1.5, -0.7]])
y = np.array([[1.0], [0.0], [1.0]])

model = Sequential([Input((2,)), Dense(3, activation="tanh"), Dense(1, activation="sigmoid")], seed=3, dtype="float64")
model.compile("sgd", "binary_crossentropy")
print(model.explain(x, y))

# %%
# The last layer starts from the notes' equation (0), ``dZ[2] = A[2] - Y``; the ``1/m`` that the notes put into
# dW and db is already in it here, because the mean lives in the loss.
#
# One observation at a time
# -------------------------
# Without vectorising, the gradient is the mean over the gradients of single observations. Both ways agree to rounding.

_, together = model.loss_and_gradients(x, y)
together = together.copy()
one_by_one = np.mean([model.loss_and_gradients(x[i : i + 1], y[i : i + 1])[1].copy() for i in range(3)], axis=0)
print("largest difference:", np.abs(together - one_by_one).max())
assert np.allclose(together, one_by_one, rtol=0, atol=1e-15)

# %%
# The flower
# ----------
# The same network with four hidden units on the course's flower, which logistic regression cannot separate.

x, y = datasets.flower(400, seed=1)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
accuracy = {}
for ax, hidden in zip(axes, ([], [Dense(4, activation="tanh")]), strict=True):
    name = "one hidden layer" if hidden else "logistic regression"
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(x, y, epochs=200, verbose=0)
    accuracy[name] = model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    plot_decision_boundary(model, x, y, ax=ax)
    ax.set_title(f"{name}: {accuracy[name]:.1%} right")
axes[0].get_legend().remove()  # one is enough
plt.show()

# %%
print(", ".join(f"{name} {value:.1%}" for name, value in accuracy.items()))
assert accuracy["one hidden layer"] > accuracy["logistic regression"] + 0.2

# %%
# **Result.** Four hidden units turn a problem that a straight line cannot solve into one that is nearly solved.

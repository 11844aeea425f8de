r"""
11. L layers and their caches
=============================

**Claim.** A deep network is one layer repeated. What makes the way back possible is what each layer kept on the way
there.

Notes, sections 5.1 to 5.3: initialise; then repeat: forward, cost, backward, update. For each layer

.. math::

   Z^{[l]} = A^{[l-1]} W^{[l]} + b^{[l]} \qquad A^{[l]} = g(Z^{[l]}) \qquad
   dZ^{[l]} = dA^{[l]} * g'(Z^{[l]}) \qquad dA^{[l-1]} = dZ^{[l]} W^{[l]T}
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.optimizers import SGD

x, y = datasets.moons(200, noise=0.15, seed=0)
Y = y.reshape(-1, 1).astype(float)
sizes, rate, m = (2, 8, 8, 8, 1), 0.5, len(x)

# %%
# The notes' own program
# ----------------------
# Four short functions, in the orientation of the notes: observations in columns. Each forward step puts A[l-1], W[l]
# and Z[l] into a cache; each backward step takes them out again.


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def linear_activation_forward(A, W, b, last):
    Z = W @ A + b
    return sigmoid(Z) if last else np.maximum(0, Z), (A, W, Z)


def linear_activation_backward(dA, cache, last):
    A, W, Z = cache
    dZ = dA * sigmoid(Z) * (1 - sigmoid(Z)) if last else dA * (Z >= 0)
    return W.T @ dZ, dZ @ A.T / m, dZ.sum(axis=1, keepdims=True) / m


def step(X, Y, parameters):
    """One step of gradient descent; return the cost before it, and the gradients from the lowest layer up."""
    A, caches = X, []
    for level, (W, b) in enumerate(parameters, start=1):
        A, cache = linear_activation_forward(A, W, b, level == len(parameters))
        caches.append(cache)
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dA, gradients = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A)), []
    for level in reversed(range(len(parameters))):
        dA, dW, db = linear_activation_backward(dA, caches[level], level == len(parameters) - 1)
        gradients.insert(0, (dW, db))
    for (W, b), (dW, db) in zip(parameters, gradients, strict=True):
        W -= rate * dW
        b -= rate * db
    return cost, gradients


# %%
# The same with minidl: the loop of four steps is `fit`, or these two lines. After 200 steps, the costs of both programs
# agree to 12 digits.

hidden = [Dense(n, activation="relu") for n in sizes[1:-1]]
model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], dtype="float64", seed=0)
model.compile(SGD(rate), "binary_crossentropy")
parameters = [(layer.W.T.copy(), layer.b[:, None].copy()) for layer in model.layers]
costs, lengths = [], []
for _ in range(200):
    loss, gradients = model.loss_and_gradients(x, Y)
    cost, by_notes = step(x.T.astype(float), Y.T, parameters)
    assert abs(cost - loss) < 1e-12
    model.optimizer.step(model.parameters.values, gradients)
    costs.append(loss)
    lengths.append([np.linalg.norm(dW) for dW, _ in by_notes])
print(f"cost {costs[0]:.4f} at the beginning, {costs[-1]:.4f} after 200 steps, by both programs")

# %%
# What goes where
# ---------------
# The way there (black) and back (red) through the four layers. The numbers are the lengths of the arrays in the last
# step: A on the way there, dA on the way back, and dW, which is what is learnt from.

A, forward = x.T.astype(float), [np.linalg.norm(x)]
caches = []
for level, (W, b) in enumerate(parameters, start=1):
    A, cache = linear_activation_forward(A, W, b, level == 4)
    caches.append(cache)
    forward.append(np.linalg.norm(A))
dA = -(np.divide(Y.T, A) - np.divide(1 - Y.T, 1 - A))
backward, learnt = [np.linalg.norm(dA)], []
for level in (3, 2, 1, 0):
    dA, dW, _ = linear_activation_backward(dA, caches[level], level == 3)
    backward.insert(0, np.linalg.norm(dA))
    learnt.insert(0, np.linalg.norm(dW))

figure, axes = plt.subplots(figsize=(11, 4), layout="constrained")
box = {"boxstyle": "round", "fc": "white", "ec": "black"}
for level in range(5):
    at = 2.2 * level
    axes.text(at, 1, f"A[{level}]\n{forward[level]:.1f}", ha="center", va="center", bbox=box)
    axes.text(at, -1, f"dA[{level}]\n{backward[level]:.1f}", ha="center", va="center", color="#c8553d", bbox=box)
    if level < 4:
        middle = at + 1.1
        axes.annotate("", (at + 1.8, 1), (at + 0.4, 1), arrowprops={"arrowstyle": "->"})
        axes.annotate("", (at + 0.4, -1), (at + 1.8, -1), arrowprops={"arrowstyle": "->", "color": "#c8553d"})
        text = f"cache {level + 1}:\nA[{level}], W[{level + 1}], Z[{level + 1}]"
        axes.text(middle, 0, text, ha="center", va="center", fontsize=9, bbox=box | {"fc": "0.93"})
        axes.text(middle, -1.7, f"dW[{level + 1}]: {learnt[level]:.4f}", ha="center", color="#c8553d", fontsize=9)
        for end in (1, -1):
            axes.annotate(
                "",
                (middle, 0.95 * end if end < 0 else 0.4),
                (middle, -0.4 if end < 0 else 0.95),
                arrowprops={"arrowstyle": "->", "linestyle": ":"},
            )
axes.set(xlim=(-0.7, 9.5), ylim=(-2, 1.6))
axes.axis("off")
plt.show()

# %%
# When is it false?
# -----------------
# The notes' line ``dAL = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A))`` divides by zero where a prediction is exactly 0
# or 1, and the product with the derivative, which is 0 there, is not a number. That is why training in minidl starts
# from the notes' equation (0), dZ[L] = A[L] - Y, wherever the network ends in a sigmoid.

A = np.array([[1.0]])
with np.errstate(divide="ignore", invalid="ignore"):
    dA = -(np.divide(1.0, A) - np.divide(0.0, 1 - A))
    print("by the notes' lines: dZ =", (dA * A * (1 - A))[0, 0], "; by equation (0): dZ =", (A - 1)[0, 0])

# %%
# The notes list Z[l+1] among the caches of layer l. What layer l needs for its gradients is Z[l] and A[l-1]; its own W
# passes the gradient on. And the loop over the layers is the one that cannot be vectorised (chapter 5).
#
# **Take along.** Forward keeps, backward uses. In a custom layer: ``self._x = x`` in `forward`, ``self._x`` in
# `backward`.

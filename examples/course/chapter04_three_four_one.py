r"""
4. The 3-4-1 network
====================

**Claim.** A layer is several units that look at the same inputs. Stacking their weight vectors into one matrix changes
nothing but the notation.

Notes, sections 4.1 and 4.2: three inputs, four hidden units, one output, all with the sigmoid. Unit k computes
"z_k = w_k' x + b_k". The notes stack the vectors as rows and put observations in columns; here, as in Keras, units are
columns of W and observations are rows:

.. math::

   A^{[1]} = \sigma(X W^{[1]} + b^{[1]}) \qquad A^{[2]} = \sigma(A^{[1]} W^{[2]} + b^{[2]})
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.explain import trace

# %%
# Unit by unit, then at once
# --------------------------
# One observation, and the four hidden units one after the other: each has its own weight vector and bias.

model = Sequential(
    [Input((3,)), Dense(4, activation="sigmoid"), Dense(1, activation="sigmoid")], dtype="float64", seed=2
)
W1, b1, W2, b2 = model.get_weights()
x = np.array([1.0, -0.5, 2.0])

hidden = []
for k in range(4):
    w_k = W1[:, k]  # three weights
    z_k = w_k @ x + b1[k]  # one number
    hidden.append(1 / (1 + np.exp(-z_k)))
print("unit by unit:", np.round(hidden, 4))

# %%
# The same for all units, and for all observations, is a product of matrices: three lines of NumPy, or the model.

X = np.array([x, [0.0, 1.0, 0.0], [2.0, 2.0, -1.0], [-1.0, 0.0, 0.5], [0.3, 0.3, 0.3]])
A1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
assert np.abs(A1[0] - hidden).max() < 1e-15
assert np.abs(A2 - model.predict(X)).max() < 1e-15

# %%
# Every shape, here with five observations, so that no two numbers are equal by accident:

for name, array, notes in (
    ("X", X, "(3, 5)"),
    ("W1", W1, "(4, 3)"),
    ("b1", b1, "(4, 1)"),
    ("A1", A1, "(4, 5)"),
    ("W2", W2, "(1, 4)"),
    ("b2", b2, "(1, 1)"),
    ("A2", A2, "(1, 5)"),
):
    print(f"{name:3} here {array.shape!s:7} in the notes {notes}")

# %%
# The network with its numbers
# ----------------------------
# Each circle holds a unit's output for the first observation, each line is a weight: black if positive, red if
# negative, and the thicker, the larger.

columns = [x, A1[0], A2[0]]
spots = [[(2.5 * level, (len(column) - 1) / 2 - k) for k in range(len(column))] for level, column in enumerate(columns)]
figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
for W, left, right in ((W1, spots[0], spots[1]), (W2, spots[1], spots[2])):
    for i, start in enumerate(left):
        for k, end in enumerate(right):
            w = W[i, k]
            axes.plot(
                *zip(start, end, strict=True), color="black" if w > 0 else "#c8553d", linewidth=3 * abs(w), zorder=1
            )
            at = 0.22 + 0.12 * (i % 2)  # so that neighbours do not overlap
            place = [a + at * (b - a) for a, b in zip(start, end, strict=True)]
            axes.text(
                *place, f"{w:.2f}", fontsize=8, ha="center", va="center", bbox={"fc": "white", "ec": "none", "pad": 0.5}
            )
for level, column in enumerate(spots):
    for k, spot in enumerate(column):
        axes.add_patch(plt.Circle(spot, 0.28, facecolor="white", edgecolor="black", zorder=2))
        axes.text(*spot, f"{columns[level][k]:.2f}", ha="center", va="center", zorder=3)
for level, name in enumerate(("x", "hidden: a[1]", "output: a[2]")):
    axes.text(2.5 * level, 2.1, name, ha="center")
axes.set(xlim=(-0.5, 5.5), ylim=(-2, 2.4), aspect="equal")
axes.axis("off")
plt.show()

# %%
# "Hidden" means: not visible to the user. They are no secret, though. `trace` returns every array of a forward and
# a backward pass.

y = np.array([[1.0], [0.0], [1.0], [0.0], [1.0]])
model.compile("sgd", "binary_crossentropy")
steps = trace(model, X, y).steps
print("hidden outputs of the first observation:", steps["dense/activation"].y[0].round(4))
assert np.abs(steps["dense/activation"].y - A1).max() < 1e-15

# %%
# When is it false?
# -----------------
# The notes call b "a scalar" and the parameters of layer l "scalars w[l], b[l]". W[l] is a matrix of n[l-1] x n[l]
# numbers and b[l] a vector of n[l]: one number would give every unit the same bias. In NumPy both run without a
# complaint, because a scalar is broadcast. minidl refuses it.

try:
    model[0].b = 0.5
except ValueError as error:
    print(error)

# %%
# **Take along.** Count the parameters: 3 x 4 + 4 + 4 x 1 + 1 = 21. If you know the shapes, you know the program.

assert model.count_params() == 21

r"""
13. Depth and hidden representations
====================================

**Claim.** Each ReLU layer can fold its input once more, so that the number of linear pieces doubles with every layer;
one wide layer only adds pieces. And the output of a hidden layer no longer resembles the input.

Notes, section 5.6: shallow networks need "exponentially more" units for some functions; early layers see simple
features, deep ones complex features. Section 2: a thought is a big vector of activity, and what is inside need not look
like what comes in.
"""

import matplotlib.pyplot as plt
import numpy as np
from slider import Slider

from minidl import Dense, Input, Sequential, datasets
from minidl.explain import trace
from minidl.optimizers import Adam

# %%
# Folding
# -------
# A tent, ``t(x) = 2 relu(x) - 4 relu(x - 1/2)`` on [0, 1], takes two units. Applied to itself k times it has 2^k linear
# pieces with 2k units.


def tents(depth):
    """Return a network of ``depth`` layers of two units that folds [0, 1] ``depth`` times."""
    hidden = [Dense(2, activation="relu") for _ in range(depth)]
    model = Sequential([Input((1,)), *hidden, Dense(1)], dtype="float64")
    weights, first = [], np.ones((1, 2))
    out = np.array([[2.0], [-4.0]])
    for level in range(depth):
        weights += [first if level == 0 else out @ first, np.array([0.0, -0.5])]
    model.set_weights([*weights, out, np.zeros(1)])
    return model


def pieces(function, points=2**12 + 1):
    """Return the number of linear pieces on [0, 1], by the changes of slope."""
    grid = np.linspace(0, 1, points)
    slopes = np.diff(function(grid[:, None])[:, 0]) * (points - 1)
    return 1 + int(np.sum(np.abs(np.diff(slopes)) > 1e-6))


# %%
# Three lines of NumPy say the same.

x = np.linspace(0, 1, 2**12 + 1)[:, None]
tent = x
for _ in range(4):
    tent = 2 * np.maximum(tent, 0) - 4 * np.maximum(tent - 0.5, 0)
assert np.abs(tents(4).predict(x) - tent).max() < 1e-12

# %%
# A single layer of n units bends at most n times: n + 1 pieces, whatever its weights.

deep = {2 * k: pieces(tents(k).predict) for k in range(1, 7)}
rng = np.random.default_rng(0)
wide = {}
for n in deep:
    model = Sequential([Input((1,)), Dense(n, activation="relu"), Dense(1)], dtype="float64")
    bends = np.round(np.linspace(0, 1, n + 2)[1:-1] * 2**12) / 2**12  # all inside the interval: the best case
    model.set_weights([np.ones((1, n)), -bends, rng.normal(size=(n, 1)), np.zeros(1)])
    wide[n] = pieces(model.predict)
print("units:        ", *[f"{n:4}" for n in deep])
print("deep, pieces: ", *[f"{n:4}" for n in deep.values()])
print("wide, pieces: ", *[f"{n:4}" for n in wide.values()])
assert list(wide.values()) == [n + 1 for n in wide]
assert list(deep.values()) == [2, 4, 8, 16, 32, 64]

# %%
# One more fold with each layer:


def draw_tents(depth):
    figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
    ax.plot(x, tents(depth).predict(x), color="black")
    ax.set(title=f"{depth} layers of 2 units: {2**depth} pieces", xlabel="x")
    return figure


Slider(range(1, 7), draw_tents, "layers:")

# %%
# What comes out of a hidden layer
# --------------------------------
# A network that reads digits. How far are two pictures of the same digit apart, compared with two pictures of
# different digits? In the pixels, three quarters as far; after each hidden layer, less.

(x, y), (x_new, y_new) = datasets.digits()
model = Sequential(
    [Input((64,)), *[Dense(64, activation="relu") for _ in range(3)], Dense(10, activation="softmax")], seed=0
)
model.compile(Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=20, verbose=0)
print(f"test accuracy {model.evaluate(x_new, y_new, verbose=0, return_dict=True)['accuracy']:.1%}")

inner = {"pixels": x_new}
steps = trace(model, x_new, y_new).steps
inner |= {f"hidden layer {k}": step.y for k, step in enumerate(list(steps.values())[1:6:2], start=1)}


def ratio(vectors):
    """Return the mean distance of vectors of one digit, divided by that of vectors of different digits."""
    squares = (vectors.astype(float) ** 2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors.astype(float) @ vectors.T, 0))
    same = y_new[:, None] == y_new
    return distance[same & ~np.eye(len(y_new), dtype=bool)].mean() / distance[~same].mean()


ratios = {name: ratio(vectors) for name, vectors in inner.items()}
print("same digit / different digits:", {name: round(float(r), 2) for name, r in ratios.items()})
assert list(ratios.values()) == sorted(ratios.values(), reverse=True)


def plane(vectors):
    """Return the two directions in which the vectors differ most (principal components)."""
    centred = vectors - vectors.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T


figure, panels = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
panels[0].semilogy(list(deep), list(deep.values()), "C3.-", label="deep: two units a layer")
panels[0].semilogy(list(wide), list(wide.values()), "k.--", label="wide: all in one layer")
panels[0].set_yscale("log", base=2)
panels[0].set(title="linear pieces", xlabel="ReLU units")
panels[0].legend(frameon=False)
for ax, name in zip(panels[1:], ("pixels", "hidden layer 3"), strict=True):
    points = plane(inner[name])
    for digit in range(10):
        chosen = points[y_new == digit]
        ax.scatter(*chosen.T, s=0)  # sets the limits
        for point in chosen:
            ax.text(*point, str(digit), fontsize=6, color=plt.cm.tab10(digit), ha="center", va="center")
    ax.set(title=f"360 digits, {name}", xticks=[], yticks=[])
plt.show()

# %%
# When is it false?
# -----------------
# The notes' reason is circuit theory: the parity of n bits needs exponentially many gates in one layer, n - 1 in a
# tree. That is true of gates that recognise single words, and not of ReLU units, which can add: one layer of 16
# computes the parity of all 65,536 words of 16 bits. The true statement for ReLU is the one about pieces above.

n = 16
words = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
parity = Sequential([Input((n,)), Dense(n, activation="relu"), Dense(1)], dtype="float64")
tops = np.concatenate([[1.0], np.resize([-2.0, 2.0], n - 1)])[:, None]  # a zigzag of the number of ones
parity.set_weights([np.ones((n, n)), -np.arange(n).astype(float), tops, np.zeros(1)])
correct = np.sum(parity.predict(words)[:, 0] == words.sum(axis=1) % 2)
print(f"one layer of {n} ReLU units: {correct:,} of {len(words):,} words correct")
assert correct == len(words)

# %%
# "Early layers simple, deep layers complex" is an observation about large networks for images. And there is no
# resemblance to a brain beyond the name (notes, section 5.5): a neuron is not a weighted sum.
#
# **Take along.** Depth composes, width adds. Try two or three hidden layers before you try a wide one.

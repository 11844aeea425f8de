"""
9. Depth against width: parity
==============================

Is the number of ones in a word of n bits odd? A tree of XOR gates answers with about n gates in log2(n) layers; with
a single hidden layer, as the circuit argument has it, the number of gates grows exponentially with n. Here the
argument in numbers, first with weights written down by hand, then with trained ones.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.optimizers import Adam

# %%
# Depth, by hand
# --------------
# ``a XOR b = relu(a + b) - 2 relu(a + b - 1)`` for bits, so that two ReLU units and a linear one make a gate. A layer
# of gates halves the number of bits.


def gates(bits):
    """Return the two layers that turn ``bits`` bits into half as many by XOR of neighbours, and their weights."""
    pairs = bits // 2
    W = np.zeros((bits, bits))
    for pair in range(pairs):
        W[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = 1.0
    second = np.zeros((bits, pairs))
    for pair in range(pairs):
        second[2 * pair, pair], second[2 * pair + 1, pair] = 1.0, -2.0
    return [Dense(bits, activation="relu"), Dense(pairs)], [W, np.tile([0.0, -1.0], pairs), second, np.zeros(pairs)]


def tree(bits):
    """Return a network that computes the parity of ``bits`` bits, a power of two."""
    layers, weights, left = [], [], bits
    while left > 1:
        new_layers, new_weights = gates(left)
        layers, weights, left = layers + new_layers, weights + new_weights, left // 2
    model = Sequential([Input((bits,)), *layers], dtype="float64")
    model.set_weights(weights)
    return model


counts = {}
for bits in (2, 4, 8, 16):
    model = tree(bits)
    words = np.array(list(itertools.product((0.0, 1.0), repeat=bits)))
    right = np.array_equal(model.predict(words)[:, 0], words.sum(axis=1) % 2)
    relu_units = sum(layer.units for layer in model.layers if isinstance(layer, Dense)) - (bits - 1)
    counts[bits] = relu_units
    print(f"{bits:2} bits: {relu_units:2} ReLU units in {int(np.log2(bits))} layers, all {len(words):,} right: {right}")
    assert right

# %%
# Against width
# -------------
# A single layer of gates that each recognise one word needs a gate for every word of odd parity: ``2**(n-1)``.

figure, ax = plt.subplots(layout="constrained")
ax.semilogy(list(counts), list(counts.values()), "k-o", label="a tree of log2(n) layers")
ax.semilogy(list(counts), [2 ** (bits - 1) for bits in counts], "k--s", label="one layer, a gate for each odd word")
ax.set(xlabel="bits", ylabel="units", xticks=list(counts), title="units that parity needs")
ax.legend(frameon=False)
plt.show()

# %%
# Trained
# -------
# Gradient descent on all 256 words of 8 bits: one hidden layer against three, with about the same number of
# parameters. (A ReLU unit is no logic gate: one layer of 8 of them can represent this parity too. The question here is
# what training finds.)

x, y = datasets.parity(256, bits=8, seed=0)
shapes = {"one layer of 60": (60,), "three layers of 16": (16, 16, 16)}
figure, ax = plt.subplots(layout="constrained")
for (name, widths), style in zip(shapes.items(), ("k--", "k-"), strict=True):
    curves = []
    for seed in range(3):
        hidden = [Dense(width, activation="relu") for width in widths]
        model = Sequential([Input((8,)), *hidden, Dense(1, activation="sigmoid")], seed=seed)
        model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
        curves.append(model.fit(x, y, epochs=100, verbose=0).history["accuracy"])
    ax.plot(range(1, 101), np.mean(curves, axis=0), style, label=f"{name}, {model.count_params()} parameters")
    print(
        f"{name}: {model.count_params()} parameters, mean accuracy of three runs {np.mean([c[-1] for c in curves]):.1%}"
    )
ax.set(xlabel="epoch", ylabel="accuracy", title="learning the parity of 8 bits, mean of three runs")
ax.legend(frameon=False)
plt.show()

# %%
# **Result.** By construction, depth turns 32,768 gates into 30 for 16 bits, and the tree is right on all 65,536 words.
# What training finds is another matter: on 8 bits both shapes learn the whole table, with ReLU units that are more than
# gates.

"""
9. Depth against width: parity
==============================

Is the number of ones in a word of n bits odd? A tree of XOR gates answers with n - 1 gates in log2(n) layers; a single
layer of gates that each recognise one word, as the circuit argument has it, needs 2^(n-1) of them. Here the argument
in numbers, first with weights written down by hand, then with trained ones.
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


def all_words(bits):
    return np.array(list(itertools.product((0.0, 1.0), repeat=bits)))


def rights(model, bits):
    """Return how many of all words the model gets right."""
    words = all_words(bits)
    return int(np.sum(model.predict(words)[:, 0] == words.sum(axis=1) % 2))


counts = {}
for bits in (2, 4, 8, 16):
    model = tree(bits)
    counts[bits] = sum(dense.units for dense in model.layers[::2])
    right = rights(model, bits)
    print(f"{bits:2} bits: a tree of {bits - 1:2} gates, {counts[bits]:2} ReLU units, {right:6,} words right")
    assert right == 2**bits

# %%
# Against width
# -------------
# One unit recognises one word: with a weight of 1 for each of its ones and -1 for each of its zeros, and one less than
# its number of ones taken off, it is 1 for that word and 0 for every other. The output adds up the units of all words
# of odd parity.


def wide(bits):
    """Return a network of one hidden layer that computes the parity of ``bits`` bits."""
    words = all_words(bits)
    odd = words[words.sum(axis=1) % 2 == 1]
    model = Sequential([Input((bits,)), Dense(len(odd), activation="relu"), Dense(1)], dtype="float64")
    model.set_weights([2 * odd.T - 1, 1 - odd.sum(axis=1), np.ones((len(odd), 1)), np.zeros(1)])
    return model


for bits in (2, 4, 8):
    model = wide(bits)
    print(f"{bits:2} bits: one layer of {model.layers[0].units:3} ReLU units, {rights(model, bits):3} words right")
    assert rights(model, bits) == 2**bits
    assert model.layers[0].units == 2 ** (bits - 1)
widths = {bits: 2 ** (bits - 1) for bits in counts}
print(f"16 bits: {widths[16]:,} units in one layer against {counts[16]} in a tree")

figure, ax = plt.subplots(layout="constrained")
ax.semilogy(list(counts), list(counts.values()), "k-o", label="a tree of log2(n) layers")
ax.semilogy(list(widths), list(widths.values()), "k--s", label="one layer, a unit for each odd word")
ax.set(xlabel="bits", ylabel="ReLU units", xticks=list(counts), title="units of the two constructions for parity")
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
# **Result.** By construction, the units grow exponentially in one layer and linearly in a tree, and both are right on
# every word. What training finds is another matter: on 8 bits both shapes learn nearly the whole table, with ReLU units
# that are more than gates; the deeper one needs fewer epochs.

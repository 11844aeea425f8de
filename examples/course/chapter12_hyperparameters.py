r"""
12. Hyperparameters and scale
=============================

**Claim.** Parameters are found by training, hyperparameters by trying. Judge them over several seeds and on data that
had no part in the choice, or you will choose noise.

Notes, section 5.4: learning rate, number of iterations, depth L, widths n[l] and activation are hyperparameters
(momentum, batch size, penalty and dropout are some more); finding them is "an empirical process". Section 1: progress
is driven by scale, of the data and of the network.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.optimizers import Adam

# %%
# Dots, not numbers
# -----------------
# Two spirals; each dot is one seed. The same search with a single seed would rank the neighbours by luck.

parts = [datasets.spirals(300, turns=1.5, seed=seed) for seed in range(3)]
(x, y), (x_valid, y_valid), (x_test, y_test) = parts


def train(rate=0.01, depth=2, width=16, activation="relu", epochs=20, seed=0):
    """Return the accuracy on the validation and on the test data."""
    hidden = [Dense(width, activation=activation) for _ in range(depth)]
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=seed)
    model.compile(Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0)
    return [model.evaluate(*data, verbose=0, return_dict=True)["accuracy"] for data in (parts[1], parts[2])]


searches = {
    "rate": [0.0003, 0.003, 0.03, 0.3],
    "epochs": [5, 20, 80],
    "depth": [1, 2, 3],
    "width": [4, 16, 64],
    "activation": ["sigmoid", "tanh", "relu"],
}
results = {name: [[train(**{name: v}, seed=s) for s in range(5)] for v in values] for name, values in searches.items()}

# %%
# Scale
# -----
# Three networks on 50 to 1,437 pictures of digits, the test accuracy of each. More data helps everybody; a larger
# network only pays with more data.

(x_digits, y_digits), (x_new, y_new) = datasets.digits()
counts = (50, 200, 800, 1_437)
networks = {"no hidden layer": (), "64": (64,), "256-128": (256, 128)}


def digits_accuracy(widths, count, seed=0):
    layers = [Input((64,)), *[Dense(n, activation="relu") for n in widths], Dense(10, activation="softmax")]
    model = Sequential(layers, seed=seed)
    model.compile(Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_digits[:count], y_digits[:count], epochs=max(20, 6_000 // count), verbose=0)
    return model.evaluate(x_new, y_new, verbose=0, return_dict=True)["accuracy"]


scale = {name: [digits_accuracy(widths, count) for count in counts] for name, widths in networks.items()}

figure, panels = plt.subplots(1, 6, figsize=(14, 3.6), layout="constrained", width_ratios=[1, 1, 1, 1, 1, 1.8])
for ax, (name, values) in zip(panels, searches.items(), strict=False):
    for column, runs in enumerate(results[name]):
        ax.plot([column] * 5, [valid for valid, _ in runs], "o", color="black", alpha=0.4, markersize=5)
    ax.set_xticks(range(len(values)), values, fontsize=8)
    ax.set(title=name, ylim=(0.45, 1.02), xlim=(-0.5, len(values) - 0.5))
panels[0].set_ylabel("validation accuracy")
for (name, accuracies), style in zip(scale.items(), ("k:", "k--", "C3-"), strict=True):
    panels[5].semilogx(counts, accuracies, style, marker=".", label=name)
panels[5].set(title="scale: digits", xlabel="pictures to learn from")
panels[5].legend(frameon=False)
plt.show()

for name, accuracies in scale.items():
    print(
        f"{name:16} test accuracy:",
        ", ".join(f"{c:,} pictures {a:.1%}" for c, a in zip(counts, accuracies, strict=True)),
    )
assert all(accuracies[-1] > accuracies[0] + 0.1 for accuracies in scale.values())

# %%
# The winner's score flatters
# ---------------------------
# The best of all runs by the validation accuracy, and what it reaches on the test data, which had no part in the
# choice.

runs = [(valid, test) for values in results.values() for seeds in values for valid, test in seeds]
valid, test = max(runs)
print(f"best of {len(runs)} runs: validation {valid:.1%}, test {test:.1%}")
print(f"all runs: validation minus test, mean {np.mean([v - t for v, t in runs]):+.1%}")

# %%
# When is it false?
# -----------------
# Notes, section 5.6: monotonically decreasing widths are reasonable. Here are three networks with about equally many
# parameters, three seeds each: decreasing widths are no better than equal ones.


def parameters(widths):
    return sum((inputs + 1) * units for inputs, units in pairwise((64, *widths, 10)))


for widths in ((64, 32, 16), (42, 42, 42), (22, 44, 66)):
    accuracies = [digits_accuracy(widths, 1_437, seed) for seed in range(3)]
    print(f"{'-'.join(map(str, widths)):8} {parameters(widths):,} parameters:", *[f"{a:.1%}" for a in accuracies])

# %%
# The number of iterations is a hyperparameter like the others: with `EarlyStopping` on validation data, you need not
# choose it.
#
# **Take along.** Three sets: one to learn from, one to choose by, one to report. Several seeds. Start small, and add
# depth or width only when the training error is too large.

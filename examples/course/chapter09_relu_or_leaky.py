r"""
9. ReLU or Leaky ReLU?
======================

**Claim.** A ReLU unit whose input is negative for every sample is dead: no gradient reaches its weights. Leaky ReLU
prevents that. With an ordinary start, you will not notice.

Notes, section 4.4.b: "half of the derivatives" of ReLU are 0, which can slow learning down; Leaky ReLU,
:math:`\max(0.01 z, z)`, should therefore be better, though it is used less.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, LeakyReLU, ReLU, Sequential, datasets
from minidl.initializers import Constant
from minidl.optimizers import SGD

# %%
# Three lines of NumPy, and the same as a layer
# ---------------------------------------------

z = np.linspace(-3, 3, 61)
a = np.maximum(0.01 * z, z)
slope = np.where(z >= 0, 1, 0.01)
layer = LeakyReLU()
assert np.array_equal(layer.forward(z), a) and np.array_equal(layer.backward(np.ones_like(z)), slope)

# %%
# An ordinary start, and a bad one
# --------------------------------
# Two hidden layers of 32 units on two data sets, ten seeds, and accuracy on new data. In the right panel all biases
# start at -0.5, which puts many units on the wrong side from the beginning; a step that is too large does the same.

data = {
    "moons": (datasets.moons(400, noise=0.15, seed=0), datasets.moons(1_000, noise=0.15, seed=1)),
    "spirals": (datasets.spirals(400, turns=1.5, seed=0), datasets.spirals(1_000, turns=1.5, seed=1)),
}


def accuracy(name, activation, bias, seed):
    (x, y), (x_new, y_new) = data[name]
    hidden = [Dense(32, activation=activation(), bias_initializer=Constant(bias)) for _ in range(2)]
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=seed)
    model.compile(SGD(0.2, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=40, verbose=0)
    return model.evaluate(x_new, y_new, verbose=0, return_dict=True)["accuracy"]


figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
scores = {}
for ax, (title, bias) in zip(panels, {"biases from 0": 0.0, "biases from -0.5": -0.5}.items(), strict=True):
    for column, (name, kind) in enumerate((name, kind) for name in data for kind in (ReLU, LeakyReLU)):
        dots = scores[title, name, kind.__name__] = [accuracy(name, kind, bias, seed) for seed in range(10)]
        spread = column + np.linspace(-0.15, 0.15, 10)
        ax.plot(spread, dots, "o", color="black" if kind is ReLU else "#c8553d", alpha=0.6, markersize=5)
    ax.set_xticks(range(4), ["moons\nReLU", "moons\nLeaky", "spirals\nReLU", "spirals\nLeaky"])
    ax.set(title=title, ylim=(0.45, 1.02))
panels[0].set_ylabel("accuracy on new data")
plt.show()

for (title, name, kind), dots in scores.items():
    print(f"{title:17} {name:8} {kind:10} median {np.median(dots):.1%}, lowest {min(dots):.1%}")
for name in data:
    ordinary = [np.median(scores["biases from 0", name, kind]) for kind in ("ReLU", "LeakyReLU")]
    assert abs(ordinary[0] - ordinary[1]) < 0.02

# %%
# How many units are dead?
# ------------------------
# A unit is dead if its output is 0 for every sample.

(x, y), _ = data["moons"]
for bias in (0.0, -0.5):
    model = Sequential([Input((2,)), Dense(32, activation="relu", bias_initializer=Constant(bias))], seed=0)
    print(f"biases {bias:+.1f}: {np.mean(~(model.predict(x) > 0).any(axis=0)):.0%} of the first layer's units are dead")

# %%
# When is it false?
# -----------------
# With the bad start, Leaky ReLU recovers on the moons and not, within 40 epochs, on the spirals: a slope of 0.01 lets
# one hundredth of the gradient through, and two layers of it a ten-thousandth.
#
# The 0.01 is nothing special: with smaller and larger slopes the accuracy is the same within the spread of the seeds.
# Towards 1 the network becomes linear, and worse. The notes say "another small positive number" can replace it, which
# is true below 1; above, max(a z, z) bends the other way. `LeakyReLU` accepts such a slope as a slope, so that
# LeakyReLU(2.0) is 2 z below zero and not the maximum.

for slope in (0.0, 0.01, 0.1, 0.3):
    dots = [accuracy("spirals", lambda slope=slope: LeakyReLU(slope), 0.0, seed) for seed in range(4)]
    print(f"slope {slope:4}: accuracy on spirals from {min(dots):.1%} to {max(dots):.1%}")
layer = LeakyReLU(2.0)
assert layer.forward(np.array([-1.0]))[0] == -2.0 != np.maximum(2.0 * -1.0, -1.0)

# %%
# **Take along.** Start with ReLU. If training stagnates early, look for dead units before you change anything else
# (`minidl.plotting.LayerHealth` counts them), and lower the learning rate or switch to Leaky ReLU.

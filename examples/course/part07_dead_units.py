"""
7. The dead-unit effect and LeakyReLU
=====================================

A ReLU unit whose input is negative for every observation passes no gradient, so its weights never change again: it is
dead. LeakyReLU keeps a small slope there, and the unit can come back.
"""

import warnings

import matplotlib.pyplot as plt

from minidl import Dense, Input, LeakyReLU, ReLU, Sequential, datasets
from minidl.initializers import Constant
from minidl.optimizers import SGD
from minidl.plotting import LayerHealth, plot_gradient_flow

x, y = datasets.moons(400, noise=0.15, seed=0)

# %%
# A bias that begins at -1 puts most units on the wrong side at once (a step that is too large does the same later).
# `LayerHealth` sends a fixed batch through a copy of the model after each epoch, and warns.


def train(activation):
    hidden = [Dense(32, activation=activation(), bias_initializer=Constant(-1.0)) for _ in range(2)]
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=0)
    model.compile(SGD(0.5, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    health = LayerHealth(x, y)
    model.fit(x, y, epochs=40, verbose=0, callbacks=[health])
    return health, model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]


results = {}  # name -> health, accuracy
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    results["ReLU"] = train(ReLU)
    results["LeakyReLU"] = train(lambda: LeakyReLU(0.1))
for warning in warned:
    print(warning.message)

# %%
# The part of the units that is dead, layer by layer.

figure, ax = plt.subplots(layout="constrained")
for (activation, (health, _)), marker in zip(results.items(), ("o", "^"), strict=True):
    for (name, parts), dashes in zip(health.dead.items(), ("-", "--"), strict=True):
        ax.plot(
            range(1, 41),
            parts,
            color="black",
            linestyle=dashes,
            marker=marker,
            markevery=10,
            label=f"{activation}: {name}",
        )
ax.set(
    xlabel="epoch", ylabel="part of the units that is dead", ylim=(-0.05, 1.05), title="dead units, ReLU and LeakyReLU"
)
ax.legend(frameon=False)
plt.show()

# %%
# And what it does to the gradients: with ReLU on the left, with LeakyReLU on the right.

figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for ax, (activation, (health, accuracy)) in zip(axes, results.items(), strict=True):
    plot_gradient_flow(health, ax=ax)
    ax.set_title(f"{activation}: accuracy {accuracy:.1%}")
plt.show()

for activation, (health, accuracy) in results.items():
    dead = {name: f"{parts[-1]:.0%}" for name, parts in health.dead.items()}
    print(f"{activation:10} accuracy {accuracy:.1%}, dead at the end: {dead}")
assert results["LeakyReLU"][1] > 0.95 > 0.6 > results["ReLU"][1]

# %%
# **Result.** The dead units stay dead and the network learns nothing; with the small slope no unit is ever dead.

"""
7. The dead-unit effect and LeakyReLU
=====================================

A ReLU unit whose input is negative for every observation passes no gradient, so its weights do not change: it is
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
# A negative bias at the start puts units on the wrong side at once (a step that is too large does the same later).
# `LayerHealth` sends a fixed batch through a copy of the model after each epoch, and warns.


def train(activation, bias):
    """Return what LayerHealth noted, and the accuracy, of two hidden layers whose biases begin at ``bias``."""
    hidden = [Dense(32, activation=activation(), bias_initializer=Constant(bias)) for _ in range(2)]
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=0)
    model.compile(SGD(0.5, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    health = LayerHealth(x, y)
    model.fit(x, y, epochs=40, verbose=0, callbacks=[health])
    return health, model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]


results = {}  # name -> health, accuracy
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    for activation, bias in ((ReLU, -0.3), (ReLU, -0.5), (LeakyReLU, -0.5)):
        results[f"{activation.__name__}, biases from {bias}"] = train(activation, bias)
for warning in warned:
    print(warning.message)

# %%
# The part of the units that is dead, in the first and in the second hidden layer.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
figure.suptitle("dead units while training")
for (name, (health, _)), style in zip(results.items(), ("k-", "k--", "k:"), strict=True):
    for ax, parts in zip(axes, health.dead.values(), strict=True):
        ax.plot(range(1, 41), parts, style, label=name)
for ax, place in zip(axes, ("first", "second"), strict=True):
    ax.set(xlabel="epoch", ylim=(-0.05, 1.05), title=f"{place} hidden layer")
axes[0].set_ylabel("part of the units that is dead")
axes[0].legend(frameon=False, loc="upper left")
plt.show()

# %%
# In the first layer, whose input is the data, a dead unit stays dead. In the second it may come back when the layer
# below changes, unless every unit there is dead: then nothing below receives a gradient, and nothing changes any more.

mild, strong, leaky = (health.dead for health, _ in results.values())
first, second = "dense/activation", "dense_1/activation"
assert mild[first] == sorted(mild[first])
assert set(strong[second]) == {1.0}
assert max(map(max, leaky.values())) == 0.0

# %%
# What it does to the gradients: the two runs from -0.5.

figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for ax, (name, (health, accuracy)) in zip(axes, list(results.items())[1:], strict=True):
    plot_gradient_flow(health, ax=ax)
    ax.set_title(f"{name}: accuracy {accuracy:.1%}", fontsize=11)
plt.show()

for name, (health, accuracy) in results.items():
    dead = ", ".join(f"{parts[-1]:.0%}" for parts in health.dead.values())
    print(f"{name:27} accuracy {accuracy:.1%}, dead at the end: {dead}")
best, stuck, revived = (accuracy for _, accuracy in results.values())
assert min(best, revived) > 0.95 > 0.6 > stuck

# %%
# **Result.** A few dead units are a waste; a layer of them stops all learning below it. With the small slope no unit is
# ever dead.

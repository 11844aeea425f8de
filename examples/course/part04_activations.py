"""
4. The activation functions and their derivatives
=================================================

Each activation is a layer; its derivative is what its `backward` does with ones. Where the derivative is near 0, the
unit is saturated: the gradient that passes through it is nearly lost.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.layers import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from minidl.plotting import plot_activation

# %%
# The four of the notes.

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
figure.suptitle("the activations of the notes and their derivatives")
for layer, ax in zip((Sigmoid(), Tanh(), ReLU(), LeakyReLU(0.1)), axes.flat, strict=True):
    plot_activation(layer, ax=ax)
plt.show()

# %%
# And four later ones.

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
figure.suptitle("four later activations and their derivatives")
for layer, ax in zip((ELU(), GELU(), SiLU(), Softplus()), axes.flat, strict=True):
    plot_activation(layer, ax=ax)
plt.show()

# %%
# Saturation, measured
# --------------------
# A value is in the flat part where the derivative is below a hundredth of its largest. The larger the z, the more of
# them are: z is drawn with the standard deviation on the axis. Half of the ReLU is flat whatever the size of z.

rng = np.random.default_rng(0)
z = rng.normal(size=10_000)
spreads = np.linspace(0.5, 20, 40)
figure, ax = plt.subplots(layout="constrained")
flat = {}
for layer, style in ((Sigmoid(), "k:"), (Tanh(), "k--"), (ReLU(), "k-")):
    parts = []
    for spread in spreads:
        layer.forward(spread * z)
        slope = layer.backward(np.ones_like(z))
        parts.append(np.mean(slope < 0.01 * slope.max()))
    name = type(layer).__name__
    ax.plot(spreads, parts, style, label=name)
    flat[name] = parts[-1]
ax.set(
    xlabel="standard deviation of z", ylabel="part of the values", ylim=(0, 1), title="how many z lie in the flat part"
)
ax.legend(frameon=False)
plt.show()

print(
    f"in the flat part at a standard deviation of {spreads[-1]:.0f}:",
    ", ".join(f"{n} {p:.0%}" for n, p in flat.items()),
)
assert flat["Tanh"] > flat["Sigmoid"] > 0.7

# %%
# What arrives at the bottom
# --------------------------
# Even unsaturated, a derivative below 1 is paid in every layer. Twenty layers of 100 units each, with the weights of
# Glorot, or of He for ReLU: how large is the gradient when it arrives at the bottom, compared to the top?

x = rng.normal(size=(64, 100))
figure, ax = plt.subplots(layout="constrained")
arrived = {}
for (name, start), style in zip(
    {"sigmoid": "glorot_normal", "tanh": "glorot_normal", "relu": "he_normal"}.items(), ("k:", "k--", "k-"), strict=True
):
    layers = [Dense(100, activation=name, kernel_initializer=start) for _ in range(20)]
    model = Sequential([Input((100,)), *layers], seed=0, dtype="float64")
    y = x
    for layer in model.layers:
        y = layer.forward(y)
    dy, sizes = rng.normal(size=(64, 100)), []
    entered = np.sqrt(np.mean(dy**2))
    for layer in reversed(model.layers):
        dy = layer.backward(dy)
        sizes.append(np.sqrt(np.mean(dy**2)) / entered)
    ax.semilogy(np.arange(20, 0, -1), sizes, style, label=name)
    arrived[name] = sizes[-1]
ax.set(xlabel="layer", ylabel="gradient, part of what entered", xticks=range(1, 21, 3))
ax.set_title("the part of the gradient that arrives at each of 20 layers")
ax.legend(frameon=False)
plt.show()

for name, size in arrived.items():
    print(f"{name:8} gradient at the lowest layer: {size:.1e} of what entered the highest")
assert arrived["sigmoid"] < 1e-9 < 1e-2 < arrived["relu"]

# %%
# **Result.** Sigmoid and tanh are saturated for large z, tanh sooner, because it is steeper in the middle. The
# sigmoid's derivative is at most 1/4, so twenty of them leave next to nothing; tanh, whose derivative reaches 1, loses
# some, and ReLU with He's weights keeps the gradient's size.

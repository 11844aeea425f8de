"""
4. The activation functions and their derivatives
=================================================

Each activation is a layer; its derivative is what its `backward` does with ones. Where the derivative is near 0, the
unit is saturated: the gradient that passes through it is nearly lost.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl.layers import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from minidl.plotting import plot_activation

# %%
# The four of the notes.

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for layer, ax in zip((Sigmoid(), Tanh(), ReLU(), LeakyReLU(0.1)), axes.flat, strict=True):
    plot_activation(layer, ax=ax)
plt.show()

# %%
# And four later ones.

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for layer, ax in zip((ELU(), GELU(), SiLU(), Softplus()), axes.flat, strict=True):
    plot_activation(layer, ax=ax)
plt.show()

# %%
# Saturation, measured
# --------------------
# Twenty layers of 100 units each, with weights drawn so that values keep their size at the start. How large is the
# gradient when it arrives at the bottom, compared to the top?

from minidl import Dense, Input, Sequential  # noqa: E402

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 100))
figure, ax = plt.subplots(layout="constrained")
arrived = {}
for (name, start), style in zip(
    {"sigmoid": "glorot_normal", "tanh": "glorot_normal", "relu": "he_normal"}.items(), ("k:", "k--", "k-"), strict=True
):
    layers = [Dense(100, activation=name, kernel_initializer=start) for _ in range(20)]
    model = Sequential([Input((100,)), *layers], seed=0, dtype="float64")
    model.forward(x)
    dy, sizes = rng.normal(size=(64, 100)), []
    for layer in reversed(model.layers):
        dy = layer.backward(dy)
        sizes.append(np.sqrt(np.mean(dy**2)))
    ax.semilogy(np.arange(20, 0, -1), sizes[1::2], style, label=name)
    arrived[name] = sizes[-1]
ax.set(xlabel="layer", ylabel="size of the gradient", xticks=range(1, 21, 3), title="what arrives at each layer")
ax.legend(frameon=False)
plt.show()

for name, size in arrived.items():
    print(f"{name:8} gradient at the lowest layer: {size:.1e} of what entered the highest")
assert arrived["sigmoid"] < 1e-9 < 1e-2 < arrived["relu"]

# %%
# **Result.** The sigmoid's derivative is at most 1/4, so twenty of them leave next to nothing; tanh, whose derivative
# reaches 1, loses some, and ReLU with He's weights keeps the gradient's size.

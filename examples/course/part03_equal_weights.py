"""
3. Why equal weights never separate
===================================

Units that begin with the same weights, into them and out of them, receive the same gradient, so they stay the same for
ever: a layer of ten equal units is a layer of one. Small random weights break the symmetry; in logistic regression
there is none to break.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.callbacks import LambdaCallback
from minidl.optimizers import SGD

x, y = datasets.moons(300, noise=0.15, seed=0)


def train(kernel_initializer, hidden=True):
    """Return the training accuracy, and how far the hidden units are apart after each epoch."""
    layers = [Dense(8, activation="tanh", kernel_initializer=kernel_initializer)] if hidden else []
    last = Dense(1, activation="sigmoid", kernel_initializer=kernel_initializer)
    model = Sequential([Input((2,)), *layers, last], seed=0, dtype="float64")
    model.compile(SGD(0.5, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    W, spread = model[0].W, []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: spread.append(np.ptp(W, axis=1).max()))
    model.fit(x, y, epochs=60, verbose=0, callbacks=[watch])
    return model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"], spread


# %%
# Three ways to begin with eight hidden units: all 0, all 0.1, and drawn at random. The distance between the units
# is the largest difference between two columns of W.

figure, axes = plt.subplots(layout="constrained")
results, ends = {}, {}
for (name, start), style in zip(
    {
        "zeros": "zeros",
        "equal, 0.1": lambda rng, shape, dtype: np.full(shape, 0.1, dtype),
        "random": "glorot_uniform",
    }.items(),
    ({"color": "0.75", "linewidth": 6}, {"color": "black", "linestyle": "--"}, {"color": "black"}),
    strict=True,
):
    results[name], spread = train(start)
    ends[name] = spread[-1]
    axes.plot(np.arange(1, 61), spread, **style, label=name)
axes.set(xlabel="epoch", ylabel="distance between the hidden units", title="equal units stay equal")
axes.legend(frameon=False)
plt.show()

for name, accuracy in results.items():
    print(f"{name:12} accuracy {accuracy:.1%}, distance at the end {ends[name]:.1e}")
assert ends["equal, 0.1"] < 1e-12 < ends["random"]

# %%
# Logistic regression may begin at zero: its single unit has nobody to be equal to, and its cost has one minimum.

alone, _ = train("zeros", hidden=False)
print(f"logistic regression from zeros: accuracy {alone:.1%}")
assert results["random"] > 0.95 > results["equal, 0.1"]

# %%
# **Result.** The units that began equal are equal after 60 epochs, to rounding. Together they are one unit, and the
# boundary of one unit is a straight line, as that of logistic regression: the two are about equally often right. From
# zeros not even that comes about: the hidden outputs are 0, so W[2] gets no gradient, and through a W[2] of 0 none
# reaches W[1]; only the last bias learns. The random units separate and solve the problem.

"""Regression with uncertainty: three networks learn the 10%, 50% and 90% quantiles of a noisy curve.

Run: ``python examples/quantiles.py``; with matplotlib, ``--picture FILE`` draws them. 80% of new values should
lie between the outer two, and 75 to 85% do.
"""

import argparse

import numpy as np

from minidl import Dense, Input, Sequential
from minidl.losses import Quantile
from minidl.optimizers import Adam
from minidl.optimizers.schedules import CosineDecay

LEVELS = (0.1, 0.5, 0.9)


def measure(rows, seed):
    """Return x and a curve whose noise grows to the right."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, size=(rows, 1))
    return x, np.sin(6 * x) + (0.05 + 0.5 * x) * rng.normal(size=(rows, 1))


def quantile_network(level, x, y):
    """Return a network trained so that a part ``level`` of the targets lies below what it says."""
    model = Sequential(
        [Input((1,)), Dense(32, activation="tanh"), Dense(32, activation="tanh"), Dense(1)],
        seed=0,
    )
    model.compile(Adam(CosineDecay(0.01, decay_steps=60 * 32)), Quantile(level))
    model.fit(x, y, batch_size=64, epochs=60, verbose=0)
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--picture", help="file to draw into")
    arguments = parser.parse_args()

    models = [quantile_network(level, *measure(2048, seed=0)) for level in LEVELS]
    x, y = measure(1000, seed=1)
    low, middle, high = (model.predict(x) for model in models)
    for level, predicted in zip(LEVELS, (low, middle, high), strict=True):
        print(f"{level:.0%} quantile: {np.mean(y <= predicted):.1%} of 1,000 new values are below it")
    print(f"between the outer two: {np.mean((y >= low) & (y <= high)):.1%}, target 80%")

    if arguments.picture:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot

        order = np.argsort(x[:, 0])
        figure, ax = pyplot.subplots(layout="constrained")
        ax.plot(x, y, ".", color="0.6", markersize=3)
        ax.fill_between(x[order, 0], low[order, 0], high[order, 0], color="0.8")
        ax.plot(x[order], middle[order], color="black")
        ax.set(xlabel="x", ylabel="y", title="the median, and where 80% of the values lie")
        figure.savefig(arguments.picture)


if __name__ == "__main__":
    main()

"""
10. Cat or not
==============

The course's own task: 209 pictures to learn from, 50 to be judged, 64 x 64 pixels in three colours. Its picture set
carries no licence and is therefore no part of this project; with the folder at hand, run::

    python examples/course/part10_cats.py FOLDER

FOLDER holds ``train_catvnoncat.h5``, ``test_catvnoncat.h5`` and ``golden.json``, the published costs and accuracies.
The script needs h5py and matplotlib; it takes less than a minute. (``examples/course_results.py`` reproduces all three
networks of the course to the published digit.)
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.optimizers import SGD
from minidl.plotting import plot_confusion_matrix, plot_images


def obstacle(given):
    """Return what stands in the way of running this page, in words; nothing if it can run."""
    if not given:
        return "the folder of pictures was not given"
    wanted = ("train_catvnoncat.h5", "test_catvnoncat.h5", "golden.json")
    absent = [name for name in wanted if not (Path(given) / name).is_file()]
    if absent:
        return f"{given} holds no {', '.join(absent)}"
    return "" if importlib.util.find_spec("h5py") else "h5py is not installed; run: pip install h5py"


given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MINIDL_CATS", "")
folder, here = Path(given), not obstacle(given)
print(f"reading {folder.name}" if here else f"skipped: {obstacle(given)}")

# %%
# The published network without a hidden layer: all weights begin at 0, 2,000 steps on all pictures at once. At the
# beginning the steps are too long, so that the cost jumps up and down from one to the next; the published costs, one in
# a hundred steps, do not show it.


def load(folder):
    """Return the pictures and labels of both parts."""
    import h5py

    arrays = []
    for part in ("train", "test"):
        with h5py.File(folder / f"{part}_catvnoncat.h5") as file:
            arrays += [file[f"{part}_set_x"][:], file[f"{part}_set_y"][:]]
    return arrays


def train(x, y, published):
    """Return the model, trained as the course did, and its cost at each iteration."""
    model = Sequential([Input((12288,)), Dense(1, activation="sigmoid", kernel_initializer="zeros")], dtype="float64")
    model.compile(SGD(published["learning_rate"]), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=len(x), epochs=published["iterations"], shuffle=False, verbose=0)
    return model, history.history["loss"]


if here:
    published = json.loads((folder / "golden.json").read_text())["logistic_regression"]
    pictures, y, new_pictures, y_new = load(folder)
    x, x_new = (array.reshape(-1, 12288) / 255 for array in (pictures, new_pictures))
    model, costs = train(x, y, published)
    figure, ax = plt.subplots(layout="constrained")
    ax.plot(costs, color="black", linewidth=0.8, label="here")
    ax.plot([int(i) for i in published["cost"]], published["cost"].values(), "o", color="#c8553d", label="published")
    ax.set(xlabel="iteration", ylabel="cost", title="the cost, here and as published")
    ax.legend(frameon=False)
    plt.show()
    largest = max(abs(costs[int(i)] - cost) for i, cost in published["cost"].items())
    print(f"largest difference from the published costs: {largest:.1e}")
    for name, features, labels in (("train", x, y), ("test", x_new, y_new)):
        accuracy = model.evaluate(features, labels, verbose=0, return_dict=True)["accuracy"]
        print(f"{name:5} accuracy: {accuracy:.4f}, published {published[f'{name}_accuracy']:.4f}")

# %%
# The new pictures that it gets wrong. Nearly all of those that it was trained on are right, so what is missing is not
# a better fit but more pictures, or a network that generalises better.

if here:
    said = (model.predict(x_new)[:, 0] > 0.5).astype(int)
    wrong = np.flatnonzero(said != y_new)
    titles = ["taken for a cat" if said[i] else "a cat, missed" for i in wrong]
    plot_images(new_pictures[wrong], titles).set_title("what it gets wrong", pad=12)
    plt.show()
    plot_confusion_matrix(y_new, said, labels=["no cat", "cat"]).set_title(f"{len(y_new)} new pictures")
    plt.show()
    missed = int(np.sum(y_new[wrong]))
    print(f"wrong: {len(wrong)} of {len(y_new)}, of which {missed} are cats")

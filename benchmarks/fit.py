"""Whole training runs, as users write them, to a fixed accuracy: the time, and the accuracy reached.

Each contender trains for the number of epochs that it needs to reach the accuracy on the test set, which untimed runs
determine. It is then timed from the arrays to the trained model, including compilation, because every run builds a new
model. All runs are seeded; the reported accuracy is the median over the runs.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import common
import numpy as np
import peers
from networks import Network

CONTENDERS = {
    "minidl fit": (peers.minidl_epoch, ("numpy",)),
    "torch, DataLoader": (peers.torch_loader_epoch, ("torch",)),
    "torch, best": (peers.torch_epoch, ("torch",)),
    "JAX, a step a call": (peers.jax_loop_epoch, ("jax", "optax")),
    "JAX, an epoch a scan": (peers.jax_epoch, ("jax", "optax")),
    "Keras fit": (peers.keras_epoch, ("keras", "jax")),
    "sklearn fit": (peers.sklearn_epoch, ("sklearn",)),
}


class Task(NamedTuple):
    """A data set, the network to train on it, and the target accuracy."""

    network: Network
    batch: int
    target: float
    most_epochs: int
    load: Callable[[], Any]


def digits() -> Any:
    from minidl import datasets

    return datasets.digits()


def fashion_mnist() -> Any:
    from minidl import datasets

    (x, y), (x_test, y_test) = datasets.fashion_mnist()
    return (_scaled(x), y.astype("int64")), (_scaled(x_test), y_test.astype("int64"))


def _scaled(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype("float32") / np.float32(255)


TASKS = {
    "digits": Task(Network((64, 64, 10)), 32, 0.95, 60, digits),
    "Fashion-MNIST": Task(Network((784, 128, 10)), 128, 0.86, 12, fashion_mnist),
}


def train(build: Any, task: Task, data: Any, epochs: int) -> tuple[float, float]:
    """Return the training time in seconds and the accuracy on the test set."""
    (x, y), (x_test, y_test) = data
    gc.collect()
    time.sleep(common.REST)
    start = time.perf_counter()
    run, predict = build(task.network, x, y, task.batch)
    run(epochs)
    seconds = time.perf_counter() - start
    return seconds, accuracy(predict, x_test, y_test)


def accuracy(predict: Any, x: np.ndarray, y: np.ndarray) -> float:
    return float((np.asarray(predict(x)).argmax(axis=1) == y).mean())


def epochs_needed(build: Any, task: Task, data: Any) -> int:
    """Return the smallest number of epochs after which a new model reaches the accuracy, at most ``most_epochs``."""
    (x, y), test = data
    run, predict = build(task.network, x, y, task.batch)
    for epochs in range(1, task.most_epochs):
        run(epochs if build is peers.sklearn_epoch else 1)  # its fit restarts from scratch
        if accuracy(predict, *test) >= task.target:
            return epochs
    return task.most_epochs


def measure(task: Task, data: Any, rounds: int) -> dict[str, Any]:
    """Return the epochs, times and accuracies of each contender, by name."""
    results: dict[str, Any] = {}
    for name, (build, modules) in CONTENDERS.items():
        if common.installed(*modules):
            results[name] = {"epochs": epochs_needed(build, task, data), "seconds": [], "accuracies": []}
    order, rng = list(results), random.Random(0)
    for _ in range(rounds):
        rng.shuffle(order)  # so that no contender always follows the same one
        for name in order:
            seconds, reached = train(CONTENDERS[name][0], task, data, results[name]["epochs"])
            results[name]["seconds"].append(seconds)
            results[name]["accuracies"].append(reached)
    return results


def main() -> None:
    arguments = common.options(__doc__, rounds=3)
    tables, numbers = {}, {}
    for title, task in list(TASKS.items())[: 1 if arguments.quick else None]:
        try:
            data = task.load()
        except Exception as error:
            tables[title] = f"not measured: {error}"
            continue
        numbers[title] = results = measure(task, data, arguments.rounds)
        times = {name: result["seconds"] for name, result in results.items()}
        rows = []
        for name in CONTENDERS:
            if name not in results:
                rows.append([name, "not installed", "", "", "", ""])
                continue
            epochs, median = results[name]["epochs"], statistics.median(times[name])
            accuracy = statistics.median(results[name]["accuracies"])
            ratio = common.factor(common.ratio(times, "minidl fit", name))
            reached = f"{accuracy:.1%}" if accuracy >= task.target else f"{accuracy:.1%} (too low)"
            rows.append([name, str(epochs), common.duration(median), common.duration(median / epochs), ratio, reached])
        header = ["contender", "epochs", "time", "an epoch", "minidl / it", "accuracy"]
        tables[f"{title} to {task.target:.0%}: {task.network.name}, batch {task.batch}"] = common.table(header, rows)
    common.report("fit", arguments, tables, numbers)


if __name__ == "__main__":
    main()

"""Threads over parts compared with BLAS threads: prediction in blocks, training on halves of a batch, Adam on parts.

Three methods are timed in turn, in one process that sets the number of BLAS threads before each:

- BLAS: one Python thread, with one BLAS thread per core;
- threads: one Python thread per core, with one BLAS thread each, so that NumPy's loops also use every core;
- one: one Python thread with one BLAS thread.

A training step in threads is that of `minidl.distributed`, with a part of the batch for each thread. A step of Adam in
threads updates a part of the vector in each; otherwise its loops use one thread. The tables show medians of wall time.
Run it on a quiet machine: if other work uses the cores, BLAS threads wait for each other. Needs threadpoolctl.

The last table estimates the gain of a step on more cores, from processor times of its parts on one thread:
``fixed + rest + products / cores`` for BLAS threads, which divide only the products, and
``fixed + (products + rest) / cores + sum`` for parts of the batch, whose gradients are summed in log2(cores) passes.
The fixed part contains the optimizer and Python's call overhead.
"""

import math
import os
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import common
import numpy as np
import peers
from networks import LARGE, MNIST, SMALL, SMOOTH, WIDE, Network
from optimizer import minidl_step

BLOCK = 1024  # rows that `predict` processes at a time
PREDICT = [(SMALL, 4096), (SMALL, 100_000), (MNIST, 4096), (MNIST, 60_000), (WIDE, 20_000), (SMOOTH, 50_000)]
TRAIN = [(SMALL, 1024), (MNIST, 128), (MNIST, 1024), (WIDE, 128), (WIDE, 1024), (SMOOTH, 1024), (LARGE, 1024)]
SIZES = (100_000, 1_000_000, 10_000_000)  # parameters of Adam
CORES = (2, 8, 64)
Timed = dict[str, Callable[[], Any]]


def predictions(network: Network, rows: int, pool: ThreadPoolExecutor) -> Timed:
    """Return the methods of predicting ``rows`` rows, by name."""
    model, x = peers.minidl_model(network), network.data(rows)[0]
    model.predict(x[:BLOCK])
    y = np.empty((len(x), *model.output_shape), "float32")

    def in_threads() -> None:
        starts = iter(range(0, len(x), BLOCK))  # shared: each thread takes the next block

        def work() -> None:
            twin = model.network.inference_twin()
            for start in starts:
                y[start : start + BLOCK] = twin.infer(x[start : start + BLOCK])

        for done in [pool.submit(work) for _ in range(cores())]:
            done.result()

    def alone() -> None:
        model.predict(x)

    return {"BLAS": alone, "threads": in_threads, "one": alone}


def adam_steps(size: int, pool: ThreadPoolExecutor) -> Timed:
    """Return the methods of one step of Adam on ``size`` parameters, by name."""
    whole = minidl_step("Adam", {}, size)
    parts = [minidl_step("Adam", {}, size // cores()) for _ in range(cores())]

    def in_threads() -> None:
        for done in [pool.submit(part, 1) for part in parts]:
            done.result()

    return {"BLAS": lambda: whole(1), "threads": in_threads, "one": lambda: whole(1)}


class Ranks:
    """Threads that run the steps of distributed training, each with its part of every batch."""

    def __init__(self, network: Network, batch: int, count: int) -> None:
        self.network, self.samples, self.count = network, network.data(batch), count
        self.begin, self.end = threading.Barrier(count + 1), threading.Barrier(count + 1)
        self.going = True
        self.main = threading.Thread(target=self.run)
        self.main.start()

    def run(self) -> None:
        from minidl.distributed import distributed, run_in_threads

        def work(comm: Any) -> None:
            model = peers.minidl_model(self.network)
            with distributed(model, comm):
                while self.begin.wait() >= 0 and self.going:
                    model.train_on_batch(*self.samples)
                    self.end.wait()

        run_in_threads(work, self.count)

    def step(self) -> None:
        self.begin.wait()
        self.end.wait()

    def close(self) -> None:
        self.going = False
        self.begin.wait()
        self.main.join()


def cores() -> int:
    return int(os.environ["MINIDL_BENCHMARK"])


def measured(ways: Timed, rounds: int, limits: Any) -> dict[str, list[float]]:
    """Return the seconds per call of each method in every round; the methods take turns, with a pause before each."""
    calls, times = 1, {name: list[float]() for name in ways}
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(calls):
            ways["one"]()
        calls = max(1, round(calls * 0.05 / (time.perf_counter() - start)))
    for _ in range(rounds + 1):  # the first round warms up
        for name, call in ways.items():
            limits.set(cores() if name == "BLAS" else 1)
            time.sleep(0.01)
            start = time.perf_counter()
            for _ in range(calls):
                call()
            times[name].append((time.perf_counter() - start) / calls)
    return {name: seconds[1:] for name, seconds in times.items()}


class Parts(NamedTuple):
    """Seconds per step on one thread: the fixed part, matrix products, other loops, and one gradient sum."""

    fixed: float
    products: float
    rest: float
    sum: float

    def by_blas(self, count: int) -> float:
        return self.fixed + self.rest + self.products / count

    def by_parts(self, count: int) -> float:
        return self.fixed + (self.products + self.rest) / count + math.log2(count) * self.sum


def parts_of_a_step(network: Network, batch: int, rounds: int) -> Parts:
    """Measure the parts in processor time, with the whole batch and a sixteenth in turn; BLAS must use one thread."""
    model, x = peers.minidl_model(network), network.data(batch)
    small = tuple(array[: batch // 16] for array in x)
    gradients, products = model.parameters.gradients, peers.products(network, x[0])
    calls: list[Callable[[], Any]] = [
        lambda: model.train_on_batch(*x), lambda: model.train_on_batch(*small), lambda: products(1),
        lambda: np.add(gradients, gradients, out=gradients),
    ]  # fmt: skip
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for call, seconds in zip(calls, times, strict=True):
            start = time.thread_time()
            call()
            seconds.append(time.thread_time() - start)
    whole, sixteenth, product, total = (statistics.median(seconds[1:]) for seconds in times)
    grows = max((whole - sixteenth) * 16 / 15, product)
    return Parts(max(whole - grows, 0.0), product, grows - product, total)


class Limits:
    """The number of threads of NumPy's BLAS."""

    def __init__(self) -> None:
        import threadpoolctl

        np.ones((2, 2)) @ np.ones((2, 2))
        found = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        self.controllers = [one for one in found if "numpy" in one.filepath]

    def set(self, count: int) -> None:
        for controller in self.controllers:
            controller.set_num_threads(count)


def row(what: str, times: dict[str, list[float]]) -> list[str]:
    """Return a table row: the times, and the speedup of the other methods over BLAS threads."""
    ratios = {name: common.ratio(times, "BLAS", name) for name in ("threads", "one")}
    cells = [common.duration(statistics.median(seconds)) for seconds in times.values()]
    return [what, *cells, common.factor(ratios["threads"]), common.factor(ratios["one"])]


def main() -> None:
    arguments = common.options(__doc__, rounds=15)
    few, limits, tables, numbers = slice(0, 3 if arguments.quick else None), Limits(), {}, {}
    header = ["BLAS", "threads", "one", "threads / BLAS, speed", "one / BLAS, speed"]
    rows = []
    with ThreadPoolExecutor(cores()) as pool:
        for network, count in PREDICT[few]:
            times = measured(predictions(network, count, pool), arguments.rounds, limits)
            rows.append(row(f"{network.name}, {count:,} rows", times))
            numbers[rows[-1][0]] = times
        tables[f"Predict, blocks of {BLOCK:,} rows"] = common.table(["", *header], rows)
        rows = []
        for size in SIZES[few]:
            times = measured(adam_steps(size, pool), arguments.rounds, limits)
            rows.append(row(f"Adam, {size:,} parameters", times))
            numbers[rows[-1][0]] = times
        tables["A step of Adam, on parts of the vector"] = common.table(["", *header], rows)
    rows = []
    for network, batch in TRAIN[few]:
        model, samples = peers.minidl_model(network), network.data(batch)
        ranks = Ranks(network, batch, cores())

        def alone(model: Any = model, samples: Any = samples) -> None:
            model.train_on_batch(*samples)

        times = measured({"BLAS": alone, "threads": ranks.step, "one": alone}, arguments.rounds, limits)
        ranks.close()
        rows.append(row(f"{network.name}, batch {batch:,}", times))
        numbers[f"step {rows[-1][0]}"] = times
    tables["A training step, in parts"] = common.table(["", *header], rows)
    rows = []
    limits.set(1)
    for network, batch in TRAIN[few]:
        parts = parts_of_a_step(network, batch, 2 * arguments.rounds)
        numbers[f"parts {network.name}, batch {batch:,}"] = parts
        alone = parts.by_blas(1)
        cells = [f"{alone / parts.by_blas(n):.1f}, {alone / parts.by_parts(n):.1f}" for n in CORES]
        shares = [f"{100 * part / alone:.0f} %" for part in parts[:3]]
        rows.append([f"{network.name}, batch {batch:,}", common.duration(alone), *shares, *cells])
    title = "A model of a step on more cores: speed-up by the threads of BLAS, and by parts of the batch in threads"
    header = ["", "one thread", "fixed", "products", "rest", *[f"{count} cores" for count in CORES]]
    tables[title] = common.table(header, rows)
    common.report("threads", arguments, tables, numbers)


if __name__ == "__main__":
    main()

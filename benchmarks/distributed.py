"""Speedup of training on several ranks here and, from a cost model, on up to 1,000 ranks of other networks.

Strong scaling splits a batch of fixed size; weak scaling gives each rank its own batch. Each rank uses one BLAS thread.
Needs mpi4py and mpiexec: ``pip install mpi4py mpich``.
"""

import argparse
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

SIZES = ((20, 64, 64, 2), (784, 128, 10), (784, 512, 512, 10), (1024, 1024, 1024, 10))
BATCH = 1024
STEPS = 8  # per epoch
VECTORS = (1_000, 10_000, 100_000, 1_000_000, 4_000_000)  # floats per sum


class Link(NamedTuple):
    """A network between ranks: latency in seconds, and bandwidth in bytes per second."""

    name: str
    latency: float
    bandwidth: float


LINKS = (Link("1 Gbit/s", 50e-6, 0.125e9), Link("10 Gbit/s", 20e-6, 1.25e9), Link("100 Gbit/s", 2e-6, 12.5e9))
RANKS = (1, 2, 4, 8, 16, 64, 256, 1000)


def parameters(sizes: tuple[int, ...]) -> int:
    return sum((inputs + 1) * units for inputs, units in itertools.pairwise(sizes))


def time_of_sum(count: int, ranks: int, link: Link) -> float:
    """Return the seconds of a float32 all-reduce: reduce-scatter and all-gather, in 2 log2(ranks) messages."""
    if ranks == 1:
        return 0.0
    return 2 * math.ceil(math.log2(ranks)) * link.latency + 2 * (ranks - 1) / ranks * 4 * count / link.bandwidth


def time_of_step(fixed: float, calculation: float, count: int, ranks: int, link: Link) -> float:
    """Return the seconds of a step with a split batch: the fixed part, the rank's share of the rest, and the sum."""
    return fixed + calculation / ranks + time_of_sum(count, ranks, link)


# Run on each rank


def worker(task: dict[str, Any]) -> None:
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    found = sums(comm) if task["what"] == "sums" else steps(comm, task)
    if comm.Get_rank() == 0:
        Path(task["path"]).write_text(json.dumps(found), encoding="utf-8")


def sums(comm: Any) -> dict[str, float]:
    """Return the seconds per sum, by number of floats."""
    import numpy as np

    found = {}
    for count in VECTORS:
        mine, total = np.ones(count, "f"), np.empty(count, "f")
        times = []
        for _ in range(15):
            comm.Barrier()
            start = time.perf_counter()
            comm.Allreduce(mine, total)
            times.append(time.perf_counter() - start)
        found[str(count)] = statistics.median(times)
    return found


def steps(comm: Any, task: dict[str, Any]) -> dict[str, float]:
    """Return the seconds per step: wall time, and processor time summed over the ranks."""
    import contextlib

    import numpy as np

    from minidl import Dense, Input, Sequential
    from minidl.callbacks import Callback
    from minidl.distributed import distributed

    class Clock(Callback):
        def __init__(self) -> None:
            self.times: list[tuple[float, float]] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.times.append((time.perf_counter(), time.process_time()))

    inputs, *hidden, outputs = task["sizes"]
    batch = task["batch"]
    layers = [Dense(units, activation="relu") for units in hidden]
    model = Sequential([Input((inputs,)), *layers, Dense(outputs, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    rng, clock = np.random.default_rng(0), Clock()
    x, y = rng.normal(size=(batch * STEPS, inputs)).astype("float32"), rng.integers(0, outputs, batch * STEPS)
    together = contextlib.nullcontext() if task["plain"] else distributed(model, comm, task["shards"])
    with together:
        model.fit(x, y, batch_size=batch, epochs=1 + task["epochs"], verbose=0, callbacks=[clock])
    wall = [after[0] - before[0] for before, after in itertools.pairwise(clock.times)]
    processor = [after[1] - before[1] for before, after in itertools.pairwise(clock.times)]
    return {
        "wall": statistics.median(wall) / STEPS,
        "processor": sum(comm.allgather(statistics.median(processor))) / STEPS,
    }


# The command


def launch(ranks: int, **task: Any) -> dict[str, float]:
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if mpiexec is None:
        raise SystemExit(
            "benchmarks/distributed.py: expected mpiexec, got none installed. Run: pip install mpi4py mpich"
        )
    with tempfile.TemporaryDirectory() as folder:
        task["path"] = str(Path(folder, "found.json"))
        command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", __file__, "--task", json.dumps(task)]
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": path}
        subprocess.run(command, check=True, env=environment)
        found: dict[str, float] = json.loads(Path(task["path"]).read_text(encoding="utf-8"))
    return found


def name_of(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))


def measure(ranks: int, epochs: int) -> dict[tuple[int, ...], dict[str, dict[str, float]]]:
    """Return the times of each network: without ranks, with shards, with strong scaling and with weak scaling."""
    cases = {
        "alone": (1, {"plain": True, "shards": None, "batch": BATCH}),
        "shards=4, 1 rank": (1, {"plain": False, "shards": 4, "batch": BATCH}),
        f"strong, {ranks} ranks": (ranks, {"plain": False, "shards": None, "batch": BATCH}),
        f"weak, {ranks} ranks": (ranks, {"plain": False, "shards": None, "batch": BATCH * ranks}),
        "a sixteenth, alone": (1, {"plain": True, "shards": None, "batch": BATCH // 16}),
    }
    found: dict[tuple[int, ...], dict[str, dict[str, float]]] = {sizes: {} for sizes in SIZES}
    for sizes in SIZES:
        for name, (number, task) in cases.items():
            found[sizes][name] = launch(number, what="steps", sizes=sizes, epochs=epochs, **task)
    return found


def fitted(times: dict[str, float]) -> Link:
    """Return the latency and bandwidth of sums between 2 ranks of this machine, from the smallest and largest sums."""
    latency, count = times[str(VECTORS[0])] / 2, VECTORS[-1]
    return Link("this machine", latency, 4 * count / max(times[str(count)] - 2 * latency, 1e-9))


def print_measured(found: dict[tuple[int, ...], dict[str, dict[str, float]]]) -> None:
    print(f"\nA step on {BATCH} samples (weak: {BATCH} a rank), ms: wall clock (processor time of all ranks)\n")
    names = [name for name in found[SIZES[0]] if name != "a sixteenth, alone"]
    print(f"| network | {' | '.join(names)} | strong, speed-up | weak, samples a second |")
    print(f"|---{'|---:' * (len(names) + 2)}|")
    for sizes, times in found.items():
        cells = [f"{1e3 * times[name]['wall']:.2f} ({1e3 * times[name]['processor']:.2f})" for name in names]
        strong, weak = (times["alone"]["wall"] / times[name]["wall"] for name in names[2:])
        ranks = int(names[3].split()[1])
        print(f"| {name_of(sizes)} | {' | '.join(cells)} | {strong:.2f} | x {ranks * weak:.2f} |")


def print_model(found: dict[tuple[int, ...], dict[str, dict[str, float]]], here: Link) -> None:
    print(f"\nSums between 2 ranks here: {1e6 * here.latency:.0f} us a message, {here.bandwidth / 1e9:.2f} GB/s.")
    print(
        "\nThe model: step = fixed + calculation / ranks + sum. The first two are processor times of one process, with"
    )
    print(
        "the whole batch and with 1/16 of it; measured is the processor time of one process over that of each rank.\n"
    )
    print("| network | parameters | fixed, ms | calculation, ms | strong speed-up here, model | measured |")
    print("|---|---:|---:|---:|---:|---:|")
    parts = {}
    for sizes, times in found.items():
        whole, little = times["alone"]["processor"], times["a sixteenth, alone"]["processor"]
        calculation = max((whole - little) * 16 / 15, 0.0)
        fixed = max(whole - calculation, 0.0)
        parts[sizes] = fixed, calculation
        strong = next(name for name in times if name.startswith("strong"))
        ranks, count = int(strong.split()[1]), parameters(sizes)
        predicted = whole / time_of_step(fixed, calculation, count, ranks, here)
        measured = whole * ranks / times[strong]["processor"]
        cells = f"{1e3 * fixed:.2f} | {1e3 * calculation:.2f} | {predicted:.2f} | {measured:.2f}"
        print(f"| {name_of(sizes)} | {count:,} | {cells} |")
    for title, share in (("shared (strong)", True), ("for each rank (weak)", False)):
        print(f"\nSpeed-up by the model, batches of {BATCH} {title}: samples a second, one process = 1\n")
        print(f"| network | link | {' | '.join(f'{ranks:,}' for ranks in RANKS)} |")
        print(f"|---|---{'|---:' * len(RANKS)}|")
        for sizes, (fixed, calculation) in parts.items():
            for link in LINKS:
                cells = []
                for ranks in RANKS:
                    work, gain = (calculation, 1) if share else (calculation * ranks, ranks)
                    step = time_of_step(fixed, work, parameters(sizes), ranks, link)
                    cells.append(f"{gain * (fixed + calculation) / step:.1f}")
                print(f"| {name_of(sizes)} | {link.name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--ranks", type=int, default=2, help="processes, one for each core (default 2)")
    parser.add_argument("--epochs", type=int, default=9, help="epochs whose median counts")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        worker(json.loads(arguments.task))
        return
    print(f"{os.cpu_count()} cores, {arguments.ranks} ranks, load average before: {os.getloadavg()[0]:.1f}")
    found = measure(arguments.ranks, arguments.epochs)
    print_measured(found)
    print_model(found, fitted(launch(2, what="sums")))


if __name__ == "__main__":
    main()

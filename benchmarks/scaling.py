"""Growth of the training cost with rows, width, depth and batch size, with fitted exponents; and peak memory.

Times are those of a step or an epoch; the exponent is the slope of log(time) over log(size), 1 for proportional growth.
Memory is the peak of what Python and NumPy allocate during ``fit``, in a process whose data segment is limited, with
the data in a memory-mapped file larger than this limit. The last table is an epoch on up to 1e8 rows of four bytes on
disk: the time per row, and the memory of the process without the pages of the file.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
import peers
from common import Contender
from networks import Network

LIMIT = 256  # MiB that the measured process may allocate on top of its imports
ROWS, FEATURES, ROW_BATCH = (100_000, 1_000_000, 10_000_000, 100_000_000), 4, 4096


def time_cases(quick: bool) -> dict[str, dict[int, Contender]]:
    """Return the contenders to time, by quantity and size."""
    few = slice(0, 3 if quick else None)
    network = Network((64, 128, 128, 10))
    rows = {count: epoch(network, count, 128) for count in (2048, 8192, 32768, 131072)[few]}
    width = {units: step(Network((units, units, units, 10)), 128) for units in (64, 128, 256, 512, 1024, 2240)[few]}
    depth = {layers: step(Network((64, *[64] * layers, 10)), 32) for layers in (2, 4, 8, 16, 32)[few]}
    batch = {count: step(network, count) for count in (1, 8, 64, 512, 4096)[few]}
    return {"rows (an epoch)": rows, "width (a step)": width, "depth (a step)": depth, "batch (a step)": batch}


def step(network: Network, batch: int) -> Contender:
    return Contender(peers.minidl_step(network, network.batches(batch)))


def epoch(network: Network, rows: int, batch: int) -> Contender:
    return Contender(peers.minidl_epoch(network, *network.data(rows), batch)[0])


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of log(seconds) over log(size)."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def memory_cases(quick: bool) -> list[dict[str, Any]]:
    """Return the cases to measure in separate processes: data, model and batch, each varied alone."""
    base = {"mebibytes": 64, "units": 128, "batch": 128}
    data = [64, 512] if quick else [64, 256, 1024, 2048]
    cases = [{**base, "varied": "data on disk, MiB", "mebibytes": size} for size in data]
    if not quick:
        cases += [{**base, "varied": "units of a layer", "units": units} for units in (64, 256, 1024)]
        cases += [{**base, "varied": "batch", "batch": batch} for batch in (32, 512, 4096)]
    return cases


def measure_memory(case: dict[str, Any], folder: Path, threads: int) -> dict[str, Any]:
    """Run `memory_child` in a new process on a file of the required size."""
    features, rows = 784, case["mebibytes"] * 2**20 // (784 * 4)
    path = folder / f"{case['mebibytes']}.npy"
    if not path.exists():
        rng = np.random.default_rng(0)
        x = np.lib.format.open_memmap(path, mode="w+", dtype="float32", shape=(rows, features))
        for start in range(0, rows, 4096):
            x[start : start + 4096] = rng.standard_normal((len(x[start : start + 4096]), features), dtype="float32")
        del x
    command = [sys.executable, __file__, "--child", json.dumps({**case, "path": str(path)})]
    result = subprocess.run(command, env=common.child_environment(threads), capture_output=True, text=True, check=False)
    if result.returncode:
        return {**case, "error": (result.stderr.strip() or "ended without a message").splitlines()[-1]}
    return {**case, **json.loads(result.stdout)}


def memory_child(case: dict[str, Any]) -> None:
    """Train one epoch from a memory-mapped file; print the peak allocation, including model and optimizer."""
    import resource
    import tracemalloc

    network = Network((784, case["units"], 10))
    model = peers.minidl_model(network)
    x, y = network.data(256)
    model.fit(x, y, batch_size=128, verbose=0)  # triggers imports and allocates the buffers of the threads
    x = np.load(case["path"], mmap_mode="r")
    y = np.arange(len(x)) % 10
    allocated = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    limit = int(allocated.split()[1]) * 1024 + LIMIT * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    tracemalloc.start()
    model = peers.minidl_model(network)
    model.fit(x, y, batch_size=case["batch"], verbose=0)
    print(json.dumps({"rows": len(x), "peak": tracemalloc.get_traced_memory()[1] / 2**20}))


def rows_child(case: dict[str, Any]) -> None:
    """Train one epoch on bytes in files; print its seconds and the peak memory, not counting the files."""
    from minidl import Dense, Input, Sequential
    from minidl.callbacks import Callback

    class Memory(Callback):
        taken = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch % 100 == 0:
                status = Path("/proc/self/status").read_text(encoding="utf-8")
                self.taken = max(self.taken, 1024 * int(status.partition("RssAnon:")[2].split()[0]))

    memory = Memory()
    model = Sequential([Input((FEATURES,)), Dense(16, activation="relu"), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((10_000, FEATURES), "uint8"), np.ones(10_000, "uint8"), ROW_BATCH, verbose=0, callbacks=memory)
    before, memory.taken, start = memory.taken, 0, time.perf_counter()
    x = np.memmap(case["x"], "uint8", "r", shape=(case["rows"], FEATURES))
    y = np.memmap(case["y"], "uint8", "r", shape=(case["rows"],))
    model.fit(x, y, ROW_BATCH, verbose=0, callbacks=memory)
    print(json.dumps({"seconds": time.perf_counter() - start, "memory": memory.taken - before}))


def measure_rows(quick: bool, folder: Path, threads: int) -> dict[int, dict[str, float]]:
    """Return the seconds and memory of an epoch, by the number of rows on disk."""
    largest = ROWS[1 if quick else -1]
    paths = {"x": str(folder / "x"), "y": str(folder / "y")}
    rng = np.random.default_rng(0)
    with Path(paths["x"]).open("wb") as x, Path(paths["y"]).open("wb") as y:
        for start in range(0, largest, 1 << 20):
            rows = rng.integers(0, 4, (min(1 << 20, largest - start), FEATURES), "uint8")
            x.write(rows.tobytes())
            y.write((rows.sum(axis=1) > 6).astype("uint8").tobytes())
    found = {}
    for count in ROWS:
        if count <= largest:
            command = [sys.executable, __file__, "--child", json.dumps({**paths, "rows": count})]
            result = subprocess.run(command, env=common.child_environment(threads), capture_output=True, check=True)
            found[count] = json.loads(result.stdout)
    return found


def main() -> None:
    arguments = common.options(__doc__, child={"default": None, "help": "measure one case in this process"})
    if arguments.child:
        case = json.loads(arguments.child)
        (memory_child if "mebibytes" in case else rows_child)(case)
        return
    tables, numbers = {}, {}
    for title, contenders in time_cases(arguments.quick).items():
        times = common.interleaved({str(size): c for size, c in contenders.items()}, arguments.rounds)
        seconds = [float(np.median(times[str(size)])) for size in contenders]
        slope = exponent(list(contenders), seconds)
        last = math.log(seconds[-1] / seconds[-2]) / math.log(list(contenders)[-1] / list(contenders)[-2])
        rows = [[f"{size:,}", common.duration(value)] for size, value in zip(contenders, seconds, strict=True)]
        rows.append(["exponent", f"{slope:.2f} (last two: {last:.2f})"])
        tables[f"Cost against {title}"] = common.table([title.split(" (")[0], "time"], rows)
        numbers[title] = {"seconds": times, "exponent": slope}
    with tempfile.TemporaryDirectory() as name:
        measured = [measure_memory(case, Path(name), arguments.threads) for case in memory_cases(arguments.quick)]
    rows = []
    for case in measured:
        sizes = [f"{case[key]:,}" for key in ("mebibytes", "units", "batch")]
        rows.append([case["varied"], *sizes, case.get("error") or f"{case['peak']:.1f} MiB"])
    first, *_, last = (case for case in measured if case["varied"].startswith("data"))
    if "peak" in first and "peak" in last:  # only the permutation of the rows should grow with the data
        growth = (last["peak"] - first["peak"]) * 2**20 / (last["rows"] - first["rows"])
        rows.append(["peak a row of data", "", "", "", f"{growth:.1f} bytes"])
    header = ["varied", "data on disk, MiB", "units", "batch", "peak in fit"]
    tables[f"Peak memory, limit {LIMIT} MiB"] = common.table(header, rows)
    numbers["memory"] = measured
    with tempfile.TemporaryDirectory() as name:
        numbers["rows on disk"] = on_disk = measure_rows(arguments.quick, Path(name), arguments.threads)
    rows = [
        [f"{count:,}", common.duration(one["seconds"] / count), f"{one['memory'] / 2**20:.1f} MiB"]
        for count, one in on_disk.items()
    ]
    title = f"An epoch on rows of {FEATURES} bytes on disk, {FEATURES}-16-2, batches of {ROW_BATCH:,}"
    tables[title] = common.table(["rows", "time a row", "memory beside the file"], rows)
    common.report("scaling", arguments, tables, numbers)


if __name__ == "__main__":
    main()

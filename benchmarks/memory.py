"""Memory of a training step: bytes per parameter and bytes per sample, with each library in separate processes.

The figure is the peak resident set during three steps, minus that of the process after its imports and a step of a tiny
network; the samples themselves are not counted. The results are slopes over networks of three widths and batches of
three sizes. For minidl, tracemalloc counts NumPy's allocations as a cross-check.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np
import peers
from networks import Network

WIDTHS = (512, 1024, 2048)  # units of the two hidden layers, with a batch of 32
BATCHES = (1024, 4096, 16_384)  # samples per batch, for a network with two hidden layers of 256 units
STEPS: dict[str, tuple[str, Callable[[Network, Any], Callable[[int], Any]]]] = {
    "minidl": ("numpy", peers.minidl_step),
    "torch": ("torch", peers.torch_step),
    "torch, fused Adam": ("torch", lambda network, batches: peers.torch_step(network, batches, fused=True)),
    "Keras on JAX": ("keras", peers.keras_step),
    "JAX, jit": ("jax", peers.jax_step),
}


def cases(quick: bool) -> list[tuple[str, Network, int]]:
    """Return (what varies, network, batch size) for each case."""
    few = slice(0, 2 if quick else None)
    wide = [("parameter", Network((64, units, units, 10)), 32) for units in WIDTHS[few]]
    return wide + [("sample", Network((64, 256, 256, 10)), batch) for batch in BATCHES[few]]


def parameters(network: Network) -> int:
    return sum((inputs + 1) * units for inputs, units in network.pairs)


def resident(name: str) -> int:
    """Return the current (VmRSS) or peak (VmHWM) resident memory of this process in bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])


def child(task: dict[str, Any]) -> None:
    """Print the memory in bytes that the steps of one network take in this process."""
    step = STEPS[task["library"]][1]
    tiny = Network((4, 4, 2))
    step(tiny, tiny.batches(4))(2)
    network = Network(tuple(task["sizes"]))
    batches = network.batches(task["batch"])
    gc.collect()
    if task["traced"]:
        import tracemalloc

        tracemalloc.start()
        step(network, batches)(3)
        print(tracemalloc.get_traced_memory()[1])
        return
    before = resident("VmRSS")
    run = step(network, batches)
    run(2)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # resets the peak to the current value
    run(3)
    print(resident("VmHWM") - before)


def measure(library: str, network: Network, batch: int, threads: int, *, traced: bool = False) -> int:
    """Return the memory in bytes that training takes, measured in a new process."""
    task = json.dumps({"library": library, "sizes": network.sizes, "batch": batch, "traced": traced})
    environment = common.child_environment(threads) | {
        "MALLOC_MMAP_THRESHOLD_": "262144"
    }  # freed large arrays are returned to the system
    command = [sys.executable, __file__, "--child", task]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{library}: {result.stderr.strip().splitlines()[-1]}")
    return int(result.stdout)


def slopes(found: dict[tuple[str, int], int]) -> dict[str, float]:
    """Return bytes per parameter and bytes per sample: the slopes of lines fitted to the measurements."""
    kinds = {kind for kind, _ in found}
    points = {kind: [(size, taken) for (other, size), taken in found.items() if other == kind] for kind in kinds}
    return {kind: float(np.polyfit(*zip(*points[kind], strict=True), 1)[0]) for kind in kinds}


def main() -> None:
    arguments = common.options(__doc__, child={"default": None, "help": "measure one case in this process"})
    if arguments.child:
        child(json.loads(arguments.child))
        return
    names = {"minidl, as tracemalloc counts": ("minidl", True)}
    names = {name: (name, False) for name, (module, _) in STEPS.items() if common.installed(module)} | names
    rows, numbers = [], {}
    for name, (library, traced) in names.items():
        found = {
            (kind, parameters(network) if kind == "parameter" else batch): measure(
                library, network, batch, arguments.threads, traced=traced
            )
            for kind, network, batch in cases(arguments.quick)
        }
        slope = slopes(found)
        largest = max((size, taken) for (kind, size), taken in found.items() if kind == "parameter")
        rows.append(
            [
                name,
                f"{slope['parameter']:.1f}",
                f"{slope['sample']:,.0f}",
                f"{largest[1] / 2**20:.1f} MiB of {largest[0] / 1e6:.1f} M parameters",
            ]
        )
        numbers[name] = {"bytes": [[*case, taken] for case, taken in found.items()], "slopes": slope}
    network = Network((64, 256, 256, 10))
    header = ["", "bytes a parameter", "bytes a sample", "largest network"]
    values = 4 * sum(network.sizes[1:])
    title = f"Memory of a step; a sample of {network.name} has {values:,} bytes of outputs"
    common.report("memory", arguments, {title: common.table(header, rows)}, numbers)


if __name__ == "__main__":
    main()

"""One step of each optimizer on 5e3 to 1e7 float32 parameters, compared with torch.

Times are nanoseconds per parameter, for torch with ``fused=True`` where available and ``foreach=True`` elsewhere; both
sides have a single flat parameter. JAX is left out because it fuses the step with that of the network; see train_step.

The roofline is the time to move the bytes that a step must read and write (values, gradients and state, once) at the
bandwidth of one thread that copies vectors of the same size in the same run; for small vectors that is a cache
bandwidth.
"""

import statistics
from collections.abc import Callable
from typing import Any

import common
import numpy as np
from common import Contender

SIZES = (5_000, 50_000, 500_000, 1_000_000, 10_000_000)
KINDS: dict[str, tuple[str, dict[str, Any], str | None, dict[str, Any]]] = {
    # minidl's class and arguments, torch's class and arguments
    "SGD": ("SGD", {}, "SGD", {"fused": True}),
    "SGD, momentum": ("SGD", {"momentum": 0.9}, "SGD", {"momentum": 0.9, "fused": True}),
    "RMSprop": ("RMSprop", {}, "RMSprop", {"foreach": True}),
    "Adagrad": ("Adagrad", {}, "Adagrad", {"fused": True}),
    "Adam": ("Adam", {}, "Adam", {"fused": True}),
    "Adam, global_clipnorm": ("Adam", {"global_clipnorm": 1.0}, None, {}),
    "AdamW": ("AdamW", {}, "AdamW", {"fused": True}),
    "Nadam": ("Nadam", {}, "NAdam", {"foreach": True}),
    "Lion": ("Lion", {}, None, {}),
}


def minidl_step(kind: str, arguments: dict[str, Any], size: int) -> Callable[[int], None]:
    from minidl import optimizers

    rng = np.random.default_rng(0)
    values, gradients = rng.standard_normal((2, size), np.float32)
    optimizer = getattr(optimizers, kind)(1e-4, **arguments)

    def run(calls: int) -> None:
        for _ in range(calls):
            optimizer.step(values, gradients)

    return run


def copies(size: int) -> Callable[[int], None]:
    """Return contenders that measure the bandwidth: a copy reads and writes 8 bytes per value."""
    source = np.ones(size, np.float32)
    target = np.empty_like(source)

    def run(calls: int) -> None:
        for _ in range(calls):
            np.copyto(target, source)

    return run


def bytes_moved(kind: str, arguments: dict[str, Any]) -> int:
    """Return the bytes per parameter: gradients are read, values and state are read and written."""
    from minidl import optimizers

    state = getattr(optimizers, kind)(**arguments).initial_state(np.zeros(1, np.float32))
    return 4 + 8 * (1 + len(state))


def torch_step(kind: str, arguments: dict[str, Any], size: int, threads: int) -> Callable[[int], None]:
    import torch

    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(size))
    parameter.grad = torch.randn(size)
    optimizer = getattr(torch.optim, kind)([parameter], lr=1e-4, **arguments)

    def run(calls: int) -> None:
        torch.set_num_threads(threads)
        for _ in range(calls):
            optimizer.step()

    return run


def row(name: str, size: int, times: dict[str, list[float]], bytes_moved: int) -> list[str]:
    """Return a table row: medians, the roofline, and the ratio to torch with its faster number of threads."""
    ours, roofline = statistics.median(times["minidl"]), statistics.median(times["copies"]) * bytes_moved / 8
    best = common.best_of(times, times.keys() - {"minidl", "copies"})
    if best is None:
        theirs = ["-", "-", "-"]
    else:
        nanoseconds = statistics.median(times[best]) * 1e9
        theirs = [f"{nanoseconds:.2f}", best.partition(", ")[2], common.factor(common.ratio(times, "minidl", best))]
    floor = [f"{roofline * 1e9:.2f}", common.factor(ours / roofline)]
    return [name, f"{ours * 1e9:.2f}", *floor, *theirs, common.duration(ours * size)]


def main() -> None:
    arguments = common.options(__doc__)
    sizes = SIZES[:2] if arguments.quick else SIZES
    with_torch = common.installed("torch")
    if not with_torch:
        print("torch is not installed: minidl alone. Install the extra `bench` to compare.\n")
    tables, numbers = {}, []
    for size in sizes:
        rows = []
        for name, (kind, keywords, peer, peer_keywords) in KINDS.items():
            contenders = {"minidl": Contender(minidl_step(kind, keywords, size), units=size)}
            contenders["copies"] = Contender(copies(size), units=size)
            if with_torch and peer is not None:
                for threads in {1, arguments.threads}:  # starting threads costs more than it gains on small vectors
                    step = torch_step(peer, peer_keywords, size, threads)
                    contenders[f"torch, {threads}"] = Contender(step, units=size)
            times = common.interleaved(contenders, arguments.rounds, seconds=0.05)
            numbers.append({"optimizer": name, "parameters": size, "seconds a parameter": times})
            rows.append(row(name, size, times, bytes_moved(kind, keywords)))
        header = ["optimizer", "minidl, ns", "roofline, ns", "minidl / roofline", "torch, ns", "its threads"]
        header += ["minidl / torch", "a step of minidl"]
        tables[f"{size:,} parameters"] = common.table(header, rows)
    common.report("optimizer", arguments, tables, numbers)


if __name__ == "__main__":
    main()

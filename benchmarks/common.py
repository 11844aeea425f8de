"""Shared code of the benchmarks: a fair process, interleaved timing, and tables.

Compare only medians of ratios within one run: every round times each contender once, so a slow moment of the machine
affects all of them.
"""

import argparse
import gc
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import random
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

THREADS = 2
REST = 0.05  # seconds; idle threads of OpenBLAS and OpenMP spin before they sleep
PEERS = ("numpy", "scipy", "torch", "jax", "optax", "keras", "scikit-learn")


def _busy_seconds() -> tuple[float, float, float]:
    """Return the wall time, and the processor seconds used by the whole machine and by this process."""
    try:
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    except OSError:
        ticks = [0] * 8
    busy = (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    own = os.times()
    return time.perf_counter(), busy, own.user + own.system + own.children_user + own.children_system


_START = _busy_seconds()


class Contender(NamedTuple):
    """A function to time: ``run(n)`` makes n calls and waits until they finish."""

    run: Callable[[int], Any]
    units: int = 1  # units of work per call: 32 training steps, 1e6 parameters, ...


def positive(text: str) -> int:
    """Return the integer in ``text``, which must be at least 1, for argparse."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1; got {text}")
    return int(text)


def options(description: str | None, *, rounds: int = 5, threads: int = THREADS, **more: Any) -> argparse.Namespace:
    """Parse the command line shared by all benchmarks, and restart with the same number of threads for every library.

    ``rounds`` and ``threads`` are the defaults of their flags; ``more`` maps further flags to the keywords of
    `argparse.ArgumentParser.add_argument`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(threads, cores)
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds: for a first look")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every number there as well")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="write the tables there as well")
    parser.add_argument("--rounds", type=positive, help=f"interleaved rounds per case (default {rounds})")
    parser.add_argument("--threads", type=positive, default=threads, help=f"cores for each library (default {threads})")
    for flag, keywords in more.items():
        parser.add_argument("--" + flag.replace("_", "-"), **keywords)
    arguments = parser.parse_args()
    if arguments.rounds is None:
        arguments.rounds = min(rounds, 3) if arguments.quick else rounds
    if arguments.threads > cores:
        parser.error(f"--threads: expected at most {cores}, the cores of this process; got {arguments.threads}")
    for path in filter(None, (arguments.json, arguments.markdown)):
        if not path.parent.is_dir():
            parser.error(f"expected a file in an existing folder; got {path}")
    start_fairly(arguments.threads)
    return arguments


def start_fairly(threads: int) -> None:
    """Restart this program with ``threads`` cores for every library, unless it already runs that way."""
    if os.environ.get("MINIDL_BENCHMARK") == str(threads):
        return
    environment = child_environment(threads)
    if hasattr(os, "sched_setaffinity"):  # XLA and OpenMP use the number of cores in the process's affinity mask
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def child_environment(threads: int) -> dict[str, str]:
    """Return the environment variables of a measured process."""
    # A forced kernel would slow down NumPy's OpenBLAS but not the other libraries, which bring their own BLAS.
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    environment.update(
        MINIDL_BENCHMARK=str(threads), KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="3",
        TORCHINDUCTOR_COMPILE_THREADS="1",  # no pool of processes during the timing
    )  # fmt: skip
    root = str(Path(__file__).parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
    return environment


def installed(*modules: str) -> bool:
    """Return whether all ``modules`` can be imported."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


def interleaved(contenders: dict[str, Contender], rounds: int, seconds: float = 0.1) -> dict[str, list[float]]:
    """Time all contenders once per round, in turn; return the seconds per unit of each round, by name.

    An untimed first round compiles, warms up, and finds the number of calls that takes ``seconds``. The garbage
    collector stays on, as it is for users, but ignores objects built before the timing, which are common to all
    contenders.
    """
    calls = {name: _calls_for(contender, seconds) for name, contender in contenders.items()}
    gc.collect()
    gc.freeze()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    order, rng = list(contenders), random.Random(0)
    for _ in range(rounds):
        rng.shuffle(order)  # so that no contender always follows the same one
        for name in order:
            time.sleep(REST)
            if calls[name] > 1:
                contenders[name].run(1)
            times[name].append(_timed(contenders[name], calls[name]))
    gc.unfreeze()
    return times


def _timed(contender: Contender, calls: int) -> float:
    start = time.perf_counter()
    contender.run(calls)
    return (time.perf_counter() - start) / (calls * contender.units)


def _calls_for(contender: Contender, seconds: float) -> int:
    contender.run(1)
    calls = 1
    while True:
        elapsed = _timed(contender, calls) * calls * contender.units
        if elapsed >= seconds / 4:
            return max(1, round(calls * seconds / elapsed))
        calls *= 4


def ratio(times: dict[str, list[float]], name: str, other: str) -> float | None:
    """Return the median over the rounds of ``name``'s time divided by ``other``'s."""
    if name not in times or other not in times:
        return None
    return statistics.median(a / b for a, b in zip(times[name], times[other], strict=True))


def best_of(times: dict[str, list[float]], names: Iterable[str]) -> str | None:
    """Return the name with the smallest median among the measured ``names``."""
    return min((name for name in names if name in times), key=lambda name: statistics.median(times[name]), default=None)


def duration(seconds: float | None) -> str:
    """Return a duration with three significant digits and a suitable unit, such as ``"206 us"``."""
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{three_digits(seconds / scale)} {unit}"
    return f"{three_digits(seconds / 1e-9)} ns"


def middle_and_worst(seconds: Iterable[float]) -> str:
    """Return the median and the largest of several times."""
    seconds = list(seconds) or [0.0]
    return f"{duration(statistics.median(seconds))}, {duration(max(seconds))}"


def three_digits(value: float) -> str:
    """Return ``value`` rounded to three significant digits, without an exponent."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def factor(value: float | None) -> str:
    """Return a ratio with two decimals, or a dash for None."""
    return "-" if value is None else f"{value:.2f}"


def share(part: int, whole: int) -> str:
    """Return ``"35 of 37 (94.5 %, 81.8 to 99.4)"``: rounded down, so that 100 % means all.

    The range is the 95 % interval of Clopper and Pearson (1934) for independent cases, rounded outwards.
    """
    if not whole:
        return f"{part} of {whole}"
    from scipy.special import betaincinv  # imported here because the speed benchmarks do not need it

    low = betaincinv(part, whole - part + 1, 0.025) if part else 0.0
    high = betaincinv(part + 1, whole - part, 0.975) if part < whole else 1.0
    bounds = f"{math.floor(1000 * low) / 10:g} to {math.ceil(1000 * high) / 10:g}"
    return f"{part} of {whole} ({1000 * part // whole / 10:g} %, {bounds})"


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table with aligned columns."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([text[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *text[1:]])


def environment() -> dict[str, str]:
    """Return what the numbers depend on: processor, cores, versions, BLAS, and other load on the machine."""
    from minidl import __version__

    facts = {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.environ.get("MINIDL_BENCHMARK", "?"),
        "minidl": __version__,
        "python": platform.python_version(),
    }
    for package in PEERS:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    elapsed, busy, own = (now - start for now, start in zip(_busy_seconds(), _START, strict=True))
    facts["cores busy with other work"] = f"{max(0.0, busy - own) / elapsed:.2f}"
    if installed("threadpoolctl"):
        import numpy as np
        import threadpoolctl

        np.ones((2, 2)) @ np.ones((2, 2))
        facts["blas"] = "; ".join(
            f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}, {pool['num_threads']} threads"
            for pool in threadpoolctl.threadpool_info()
            if pool["user_api"] == "blas"
        )
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def command(name: str) -> str:
    """Return the command that is running, without the flags for output files."""
    words = sys.argv[1:]
    flags = [
        word for before, word in zip(["", *words], words, strict=False) if not {before, word} & {"--json", "--markdown"}
    ]
    return shlex.join(["python", f"benchmarks/{name}.py", *flags])


def report(name: str, arguments: argparse.Namespace, tables: dict[str, str], numbers: Any) -> None:
    """Print tables, command and environment; write them and ``numbers`` to the files given by the flags."""
    facts = environment()
    conditions = ", ".join(f"{key} {value}" for key, value in facts.items())
    text = "\n\n".join(f"**{title}**\n\n{rows}" for title, rows in tables.items())
    text += f"\n\nMeasured by `{command(name)}` with: {conditions}."
    print(f"# {name}\n\n{text}")
    if arguments.markdown:
        arguments.markdown.write_text(f"{text}\n", encoding="utf-8")
    if arguments.json:
        record = {"benchmark": name, "command": command(name), "rounds": arguments.rounds, "quick": arguments.quick}
        record |= {"environment": facts, "numbers": numbers}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

"""One training step of minidl compared with its peers, with a hand-written step, and with the matrix products alone.

The tables show forward, loss, backward and Adam on one batch (``train_on_batch`` and equivalents), the cost per step of
whole shuffled epochs (``fit`` and equivalents), and every network with batches of 1 to 1,024 rows. All are medians over
interleaved rounds, of the times and of the ratios within a round.
"""

import argparse
import itertools
import statistics
from collections.abc import Iterable
from functools import partial
from typing import Any

import common
import peers
from by_hand import by_hand_epoch, by_hand_step
from common import Contender
from networks import CASES, NORMALISED, Network

STEPS = {  # name -> builder, required modules
    "NumPy by hand": (by_hand_step, ("numpy",)),
    "minidl": (peers.minidl_step, ("numpy",)),
    "torch": (peers.torch_step, ("torch",)),
    "torch, fused Adam": (partial(peers.torch_step, fused=True), ("torch",)),
    "torch, compiled": (partial(peers.torch_step, fused=True, compiled=True), ("torch",)),
    "JAX jit": (peers.jax_step, ("jax", "optax")),
    "Keras train_on_batch": (peers.keras_step, ("keras", "jax")),
    "sklearn partial_fit": (peers.sklearn_step, ("sklearn",)),
}
EPOCHS = {
    "minidl fit": (peers.minidl_epoch, ("numpy",)),
    "NumPy by hand, an epoch": (by_hand_epoch, ("numpy",)),
    "JAX scan": (peers.jax_epoch, ("jax", "optax")),
    "Keras fit": (peers.keras_epoch, ("keras", "jax")),
    "Keras fit, 32 steps a call": (partial(peers.keras_epoch, steps=32), ("keras", "jax")),
    "sklearn fit": (peers.sklearn_epoch, ("sklearn",)),
}
TORCH = [name for name in STEPS if name.startswith("torch")]
WITHOUT_NORMALISATION = ("NumPy by hand", "NumPy by hand, an epoch", "sklearn partial_fit", "sklearn fit")
BATCHES = (1, 16, 128, 1024)
SWEPT = ("products", "NumPy by hand", "minidl", "torch, fused Adam", "JAX jit")


def contenders(network: Network, batch: int, leave_out: list[str]) -> tuple[dict[str, Contender], dict[str, Any]]:
    """Return the contenders available here, and for each the loss after ten steps or why it cannot be timed."""
    epoch_steps = 128 if batch * network.sizes[0] < 10_000 else 32 if batch * network.sizes[0] < 200_000 else 8
    x, y = network.data(batch * epoch_steps)
    found = {"products": Contender(peers.products(network, x[:batch]))}
    found["products and dx of the input"] = Contender(peers.products(network, x[:batch], lowest=True))
    remarks: dict[str, Any] = {}
    for name, (build, modules) in {**STEPS, **EPOCHS}.items():
        if name in leave_out or (network.normalization and name in WITHOUT_NORMALISATION):
            continue
        if not common.installed(*modules):
            remarks[name] = "not installed"
            continue
        try:
            if name in STEPS:
                run = build(network, network.batches(batch))
                remarks[name] = run(10)
                found[name] = Contender(run)
            else:
                run, _ = build(network, x, y, batch)
                run(1)
                found[name] = Contender(run, units=epoch_steps)
        except Exception as error:  # if a peer fails, report it in its row and continue
            found.pop(name, None)
            remarks[name] = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
    return found, remarks


def by_batch(networks: Iterable[Network], arguments: argparse.Namespace) -> tuple[str, list[Any]]:
    """Return the table of step times by network and batch size, and its numbers."""
    numbers, rows = [], []
    for network, batch in itertools.product(networks, BATCHES):
        batches = network.batches(batch)
        found = {"products": Contender(peers.products(network, batches[0][0]))}
        for name in SWEPT[1:]:
            build, modules = STEPS[name]
            if name not in arguments.leave_out and common.installed(*modules):
                found[name] = Contender(build(network, batches))
        times = common.interleaved(found, arguments.rounds, arguments.seconds / 2)
        medians = [common.duration(statistics.median(times[name]) if name in times else None) for name in SWEPT]
        ratios = [common.factor(common.ratio(times, "minidl", name)) for name in SWEPT if name != "minidl"]
        rows.append([network.name, f"{batch:,}", *medians, *ratios])
        numbers.append({"network": network.name, "batch": batch, "seconds": times})
    header = ["network", "batch", *SWEPT, *[f"minidl / {name}" for name in SWEPT if name != "minidl"]]
    return common.table(header, rows), numbers


def check_losses(remarks: dict[str, Any]) -> None:
    """Raise if contenders do different work: from one start, ten steps must give the same loss."""
    losses = {name: loss for name, loss in remarks.items() if isinstance(loss, float)}
    if losses and max(losses.values()) - min(losses.values()) > 1e-5 + 1e-3 * max(losses.values()):
        raise SystemExit(f"the losses after ten equal steps differ: {losses}")


def main() -> None:
    arguments = common.options(
        __doc__,
        only={"metavar": "TEXT", "default": "", "help": "only the networks whose name contains TEXT"},
        leave_out={"metavar": "NAME", "nargs": "*", "default": [], "help": "contenders to leave out"},
        seconds={"type": float, "default": 0.1, "help": "length of one measurement (default 0.1)"},
    )
    cases = [(network, batch) for network, batch in [*CASES, *NORMALISED] if arguments.only in network.name]
    cases = cases[:2] if arguments.quick else cases
    tables, numbers, summary, overhead = {}, [], [], []
    for network, batch in cases:
        found, remarks = contenders(network, batch, arguments.leave_out)
        check_losses(remarks)
        times = common.interleaved(found, arguments.rounds, arguments.seconds)
        title = f"{network.name}, batch {batch}"
        tables[title] = case_table(times, remarks)
        numbers.append({"case": title, "seconds": times, "remarks": remarks})
        best = common.best_of(times, TORCH)
        against = [("NumPy by hand", "minidl fit")]
        against += [(peer, "minidl") for peer in ("NumPy by hand", "products", best, "JAX jit")]
        against += [(peer, "minidl fit") for peer in EPOCHS if peer != "minidl fit"]
        summary.append([title, *[common.factor(common.ratio(times, ours, peer)) for peer, ours in against]])
        overhead.append([title, *fit_adds(times)])
    header = ["network", "fit / a step by hand", "by hand", "products", "torch's best", "JAX jit", *list(EPOCHS)[1:]]
    tables = {
        "minidl's time divided by the peer's": common.table(header, summary),
        "what minidl's fit adds to train_on_batch": common.table(["network", "a step", "part of it"], overhead),
        **tables,
    }
    tables["a step, by rows in the batch"], more = by_batch(
        dict.fromkeys(network for network, _ in cases if not network.normalization), arguments
    )
    common.report("train_step", arguments, tables, {"cases": numbers, "by batch": more})


def fit_adds(times: dict[str, list[float]]) -> list[str]:
    """Return the extra cost of a step within fit, in microseconds and as a fraction of train_on_batch."""
    pairs = list(zip(times["minidl fit"], times["minidl"], strict=True))
    part = statistics.median(fit / step - 1 for fit, step in pairs)
    return [f"{statistics.median(fit - step for fit, step in pairs) * 1e6:+.1f} us", f"{part:+.1%}"]


def case_table(times: dict[str, list[float]], remarks: dict[str, Any]) -> str:
    """Return one table row per contender: median step time, minidl's relative time, and loss or remark."""
    rows = []
    for name in ["products", "products and dx of the input", *STEPS, *EPOCHS]:
        if name not in times and name not in remarks:
            continue
        ours = "minidl fit" if name in EPOCHS else "minidl"
        median = statistics.median(times[name]) if name in times else None
        remark = remarks.get(name)
        shown = "" if remark is None else f"{remark:.5f}" if isinstance(remark, float) else remark
        rows.append([name, common.duration(median), common.factor(common.ratio(times, ours, name)), shown])
    return common.table(["contender", "a step", "minidl / it", "loss after 10 steps"], rows)


if __name__ == "__main__":
    main()

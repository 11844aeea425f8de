"""One training step of minidl beside its peers and beside the matrix products alone.

Forward, loss, backward and Adam on one batch (``train_on_batch`` and its like), and the cost per step of whole
shuffled epochs (``fit`` and its like): microseconds, and ratios of medians over interleaved rounds.
"""

import statistics
from functools import partial
from typing import Any

import common
import peers
from common import Contender
from networks import CASES, Network

STEPS = {  # name -> builder, modules it needs
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
    "JAX scan": (peers.jax_epoch, ("jax", "optax")),
    "Keras fit": (peers.keras_epoch, ("keras", "jax")),
    "sklearn fit": (peers.sklearn_epoch, ("sklearn",)),
}
TORCH = [name for name in STEPS if name.startswith("torch")]


def contenders(network: Network, batch: int, leave_out: list[str]) -> tuple[dict[str, Contender], dict[str, Any]]:
    """Return what can be timed here, and the loss after ten steps, or why something cannot be timed."""
    epoch_steps = 32 if batch * network.sizes[0] < 100_000 else 8
    x, y = network.data(batch * epoch_steps)
    found = {"products": Contender(peers.products(network, x[:batch]))}
    found["products and dx of the input"] = Contender(peers.products(network, x[:batch], lowest=True))
    remarks: dict[str, Any] = {}
    for name, (build, modules) in {**STEPS, **EPOCHS}.items():
        if name in leave_out:
            continue
        if not common.installed(*modules):
            remarks[name] = "not installed"
            continue
        try:
            if name in STEPS:
                run = build(network, x[:batch], y[:batch])
                remarks[name] = run(10)
                found[name] = Contender(run)
            else:
                run, _ = build(network, x, y, batch)
                run(1)
                found[name] = Contender(run, units=epoch_steps)
        except Exception as error:  # a peer that does not work here is a row of the table, not the end of the run
            found.pop(name, None)
            remarks[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return found, remarks


def check_losses(remarks: dict[str, Any]) -> None:
    """Refuse to compare contenders that do not do the same work: ten steps from one start give one loss."""
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
    if arguments.quick:
        arguments.leave_out.append("torch, compiled")  # it takes minutes to compile
    cases = [(network, batch) for network, batch in CASES if arguments.only in network.name]
    cases = cases[:2] if arguments.quick else cases
    tables, numbers, summary = {}, [], []
    for network, batch in cases:
        found, remarks = contenders(network, batch, arguments.leave_out)
        check_losses(remarks)
        times = common.interleaved(found, arguments.rounds, arguments.seconds)
        title = f"{network.name}, batch {batch}"
        tables[title] = case_table(times, remarks)
        numbers.append({"case": title, "seconds": times, "remarks": remarks})
        best = common.best_of(times, TORCH)
        against = [(best, "minidl"), ("JAX jit", "minidl"), ("products", "minidl"), ("minidl", "minidl fit")]
        against += [("Keras fit", "minidl fit"), ("sklearn fit", "minidl fit")]
        summary.append([title, *[common.factor(common.ratio(times, ours, peer)) for peer, ours in against]])
    header = ["network", "torch's best", "JAX jit", "products", "fit / train_on_batch", "Keras fit", "sklearn fit"]
    tables = {"minidl's time divided by the peer's": common.table(header, summary), **tables}
    common.report("train_step", arguments, tables, numbers)


def case_table(times: dict[str, list[float]], remarks: dict[str, Any]) -> str:
    """Return a row a contender: median time a step, minidl's time divided by it, loss after ten steps or a remark."""
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

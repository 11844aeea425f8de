"""The planted bugs under torch.autograd.gradcheck and under the certification kit, side by side.

    python benchmarks/gradcheck_vs_torch.py            # all, some minutes
    python benchmarks/gradcheck_vs_torch.py --every 5  # a fifth of them

The same layer objects are wrapped as ``torch.autograd.Function``. "x20" is gradcheck with its defaults at 20 random
batch sizes, shapes, parameters and, for the layers that draw random numbers, masks. Any exception counts as detection.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from minidl.layers import Layer
from minidl.layers.allocation import allocate
from minidl.testing.losses import LossLayer, input_domain, kinds_of_targets
from tests.planted import BUGS, CATEGORIES, CORRECT, Planted, power


class Wrapped(torch.autograd.Function):
    """``y = layer.forward(x)`` and ``dx = layer.backward(dy)`` for torch; the parameters are inputs too."""

    @staticmethod
    def forward(ctx: Any, layer: Layer, x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        fill(layer, values)
        layer.rng.bit_generator.state = layer.rng_state  # the same mask in every call
        ctx.layer = layer.detached()  # caches belong to one pass
        ctx.save_for_backward(*values)
        return torch.from_numpy(np.array(ctx.layer.forward(x.detach().numpy(), True)))

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        fill(ctx.layer, ctx.saved_tensors)
        dx = ctx.layer.backward(dy.numpy())
        gradients = [torch.from_numpy(ctx.layer.views["d" + name].copy()) for name in ctx.layer.parameter_names]
        return (None, torch.from_numpy(np.array(dx)), *gradients)


def fill(layer: Layer, values: Any) -> None:
    for name, value in zip(layer.parameter_names, values, strict=True):
        layer.views[name][...] = value.detach().numpy()


def accepted(planted: Planted, rng: np.random.Generator, vary: bool) -> bool:
    """Return whether gradcheck, with its defaults, finds nothing wrong at one random point."""
    shape, rows = planted.input_shape, 3
    if vary:
        rows = int(rng.integers(1, 7))
        shape = tuple(int(rng.integers(max(2, length - 2), length + 4)) for length in shape)
    layer, integer = planted.make(), False
    if planted.is_loss:
        kind = kinds_of_targets(layer)[0]
        domain = input_domain(layer, kind)
        layer = LossLayer(layer, kind)
    else:
        domain = getattr(planted.kind, "input_domain", "real")
        integer = domain == "integer"
    try:
        layer.declare(shape)
        allocate({"layer": layer}, rng, "float64")
        layer.detached().forward(np.ones((rows, *shape)), True)
    except Exception:  # a shape that the layer does not take, rightly or not: the usual one then
        return accepted(planted, rng, vary=False) if vary else False
    layer.rng_state = rng.bit_generator.state
    x = (
        rng.uniform(0.1, 0.9, (rows, *shape))
        if domain in ("positive", "probability")
        else rng.standard_normal((rows, *shape))
    )
    if callable(domain):
        x = domain(rng, (rows, *shape))
    x = torch.from_numpy(rng.integers(0, 7, (rows, *shape)).astype(float) if integer else x).requires_grad_(not integer)
    names = layer.parameter_names
    values = [torch.from_numpy(0.7 * rng.standard_normal(layer.views[name].shape)).requires_grad_() for name in names]
    try:
        return bool(torch.autograd.gradcheck(lambda *inputs: Wrapped.apply(layer, *inputs), (x, *values)))
    except Exception:
        return False


def gradcheck(planted: Planted, times: int) -> bool:
    """Return whether gradcheck objects, once at the usual shape or at many random ones."""
    rng = np.random.default_rng(0)
    return not all(accepted(planted, rng, vary=times > 1) for _ in range(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every n-th bug only")
    every = parser.parse_args().every
    warnings.simplefilter("ignore")
    checkers = {
        "gradcheck, defaults": lambda planted: gradcheck(planted, 1),
        "gradcheck x20": lambda planted: gradcheck(planted, 20),
        "certify": lambda planted: power.examine(planted).detected,
    }
    columns = [*CATEGORIES, "all", "false alarms"]
    print(" | ".join(["checker".ljust(20), *columns]))
    with np.errstate(all="ignore"):
        for name, objects in checkers.items():
            found = {planted.name: objects(planted) for planted in [*BUGS[::every], *CORRECT]}
            cells = []
            for category in [*CATEGORIES, "all"]:
                part = [planted for planted in BUGS[::every] if category in (planted.category, "all")]
                caught = sum(found[planted.name] for planted in part)
                cells.append(f"{caught} of {len(part)} ({100 * caught / max(1, len(part)):.0f} %)")
            cells.append(f"{sum(found[planted.name] for planted in CORRECT)} of {len(CORRECT)}")
            width = [len(column) for column in columns]
            print(
                " | ".join([name.ljust(20), *(cell.rjust(w) for cell, w in zip(cells, width, strict=True))]), flush=True
            )


if __name__ == "__main__":
    main()

"""Write tests/optimizer_trajectories.json: trajectories of torch's and optax's optimizers on one problem, in float64.

``python benchmarks/optimizer_trajectories.py`` needs the dependency group ``peers``. The problem is Rosenbrock's valley
in four dimensions; the file contains the points after the first three steps and after every tenth of a hundred. The
learning rates are chosen so that no trajectory amplifies a rounding error more than a thousandfold, because processors
round differently. The file also contains the schedules over 40 steps.
"""

import importlib.metadata
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu")

import numpy as np
import optax
import torch

START = [-1.2, 1.0, 0.5, 2.0]
STEPS = [1, 2, 3, *range(10, 101, 10)]
PATH = Path(__file__).parent.parent / "tests" / "optimizer_trajectories.json"


def gradient(w: np.ndarray) -> np.ndarray:
    """Return the gradient of ``sum((1 - w[i])**2 + 10 * (w[i + 1] - w[i]**2)**2)``."""
    g = np.zeros_like(w)
    g[:-1] = -2.0 * (1.0 - w[:-1]) - 40.0 * w[:-1] * (w[1:] - w[:-1] ** 2)
    g[1:] += 20.0 * (w[1:] - w[:-1] ** 2)
    return g


def torch_walk(kind: str, **arguments: Any) -> list[list[float]]:
    w = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = getattr(torch.optim, kind)([w], foreach=False, **arguments)

    def step() -> np.ndarray:
        w.grad = torch.from_numpy(gradient(w.detach().numpy()))
        optimizer.step()
        return w.detach().numpy()

    return points(step)


def optax_walk(optimizer: optax.GradientTransformation) -> list[list[float]]:
    w = np.array(START)
    state = optimizer.init(w)

    def step() -> np.ndarray:
        nonlocal w, state
        updates, state = optimizer.update(gradient(w), state, w)
        w = np.asarray(optax.apply_updates(w, updates))
        return w

    return points(step)


def points(step: Callable[[], np.ndarray]) -> list[list[float]]:
    """Return the values that ``step`` returns in each of `STEPS`."""
    walk = [step().tolist() for _ in range(STEPS[-1])]
    return [walk[count - 1] for count in STEPS]


def walks() -> dict[str, list[list[float]]]:
    """Return the points of each trajectory, by the name of its case in tests/test_optimizers.py."""
    heavy_ball = optax.chain(optax.trace(0.9), optax.add_decayed_weights(0.1), optax.scale_by_learning_rate(0.001))
    clipped_adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.05, eps=1e-7))
    return {
        "SGD": torch_walk("SGD", lr=0.003),
        "SGD, momentum": torch_walk("SGD", lr=0.002, momentum=0.9),
        "SGD, Nesterov": torch_walk("SGD", lr=0.002, momentum=0.9, nesterov=True),
        "SGD, momentum, decay": optax_walk(heavy_ball),
        "RMSprop": optax_walk(optax.rmsprop(0.002, decay=0.9, eps=1e-7)),
        "RMSprop, momentum": optax_walk(optax.rmsprop(0.01, decay=0.9, eps=1e-7, momentum=0.9)),
        "RMSprop, centered": optax_walk(optax.rmsprop(0.001, decay=0.9, eps=1e-3, centered=True)),
        "Adagrad": optax_walk(optax.adagrad(0.1, initial_accumulator_value=0.1, eps=1e-7)),
        "Adam": torch_walk("Adam", lr=0.05, eps=1e-7),
        "Adam, short memory": torch_walk("Adam", lr=0.02, betas=(0.5, 0.8), eps=1e-3),
        "Adam, global clipnorm": optax_walk(clipped_adam),
        "Adam, cosine decay": optax_walk(optax.adam(optax.cosine_decay_schedule(0.1, 80, alpha=0.1), eps=1e-7)),
        "AdamW": torch_walk("AdamW", lr=0.05, weight_decay=0.1, eps=1e-7),
        "Nadam": torch_walk("NAdam", lr=0.02, eps=1e-7),
        "Nadam, decay": torch_walk("NAdam", lr=0.02, eps=1e-7, weight_decay=0.1, decoupled_weight_decay=True),
        "Lion": optax_walk(optax.lion(0.01, weight_decay=0.0)),
        "Lion, decay": optax_walk(optax.lion(0.01, weight_decay=0.1)),
    }


def rates() -> dict[str, list[float]]:
    """Return the learning rates of steps 0 to 40, by the name of the case in tests/test_schedules.py."""
    schedules = {
        "exponential": optax.exponential_decay(0.1, 10, 0.5),
        "exponential, staircase": optax.exponential_decay(0.1, 10, 0.5, staircase=True),
        "polynomial": optax.polynomial_schedule(0.1, 0.01, 2.0, 30),
        "cosine": optax.cosine_decay_schedule(0.1, 30, alpha=0.1),
        "cosine, warm-up": optax.warmup_cosine_decay_schedule(0.01, 0.1, 10, 30),
    }
    found = {name: [float(schedule(step)) for step in range(41)] for name, schedule in schedules.items()}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    one_cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=41, cycle_momentum=False)
    found["one cycle"] = [one_cycle.get_last_lr()[0]]
    for _ in range(40):
        optimizer.step()
        one_cycle.step()
        found["one cycle"].append(one_cycle.get_last_lr()[0])
    return found


def main() -> None:
    record = {
        "made by": "python benchmarks/optimizer_trajectories.py",
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "optax")},
        "start": START,
        "steps": STEPS,
    }
    tables = {"walks": walks(), "schedules": rates()}
    text = json.dumps(record, indent=1).removesuffix("\n}")
    for title, rows in tables.items():  # one line per row
        text += f',\n "{title}": {{\n  ' + ",\n  ".join(f'"{k}": {json.dumps(row)}' for k, row in rows.items()) + "\n }"
    PATH.write_text(text + "\n}\n")


if __name__ == "__main__":
    main()

"""Write tests/loss_values.json: torch's losses and their gradients on fixed data, in float64.

``python benchmarks/loss_values.py`` needs the dependency group ``peers``.
"""

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

PATH = Path(__file__).parent.parent / "tests" / "loss_values.json"
ROWS, OUTPUTS = 6, 3


def data() -> dict[str, Any]:
    """Return the fixed predictions and targets, by kind."""
    rng = np.random.default_rng(20)
    logits = rng.normal(size=(ROWS, OUTPUTS)) * 3
    labels = rng.integers(0, OUTPUTS, ROWS)
    soft = rng.dirichlet(np.ones(OUTPUTS), ROWS)
    return {
        "numbers": rng.normal(size=(ROWS, OUTPUTS)) * 2,
        "logits": logits,
        "probabilities": np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
        "rates": np.exp(logits / 3),
        "real": rng.normal(size=(ROWS, OUTPUTS)) * 2,
        "yes_no": rng.integers(0, 2, (ROWS, OUTPUTS)).astype(float),
        "labels": labels,
        "one_hot": np.eye(OUTPUTS)[labels],
        "soft": soft,
        "counts": rng.poisson(2.0, (ROWS, OUTPUTS)).astype(float),
    }


# our loss with its arguments, the predictions, the targets, torch's function of (predictions, targets)
CASES: list[tuple[str, dict[str, Any], str, str, Callable[[Any, Any], Any]]] = [
    ("BinaryCrossentropy", {}, "probabilities", "yes_no", functional.binary_cross_entropy),
    ("BinaryCrossentropy", {}, "probabilities", "soft", functional.binary_cross_entropy),
    ("BinaryCrossentropy", {"from_logits": True}, "logits", "yes_no", functional.binary_cross_entropy_with_logits),
    ("BinaryCrossentropy", {"from_logits": True}, "logits", "soft", functional.binary_cross_entropy_with_logits),
    ("CategoricalCrossentropy", {}, "probabilities", "one_hot", lambda p, y: -(y * p.log()).sum(dim=1).mean()),
    ("CategoricalCrossentropy", {"from_logits": True}, "logits", "one_hot", functional.cross_entropy),
    ("CategoricalCrossentropy", {"from_logits": True}, "logits", "soft", functional.cross_entropy),
    (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "logits",
        "one_hot",
        lambda z, y: functional.cross_entropy(z, y, label_smoothing=0.1),
    ),
    ("SparseCategoricalCrossentropy", {}, "probabilities", "labels", lambda p, y: functional.nll_loss(p.log(), y)),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "logits", "labels", functional.cross_entropy),
    ("MeanSquaredError", {}, "numbers", "real", functional.mse_loss),
    ("MeanAbsoluteError", {}, "numbers", "real", functional.l1_loss),
    ("Huber", {}, "numbers", "real", functional.huber_loss),
    ("Huber", {"delta": 2.5}, "numbers", "real", lambda p, y: functional.huber_loss(p, y, delta=2.5)),
    ("LogCosh", {}, "numbers", "real", lambda p, y: torch.cosh(p - y).log().mean()),
    ("Quantile", {"quantile": 0.9}, "numbers", "real", lambda p, y: torch.maximum(0.9 * (y - p), 0.1 * (p - y)).mean()),
    ("Poisson", {}, "rates", "counts", lambda p, y: functional.poisson_nll_loss(p, y, log_input=False, eps=0.0)),
    ("KLDivergence", {}, "probabilities", "soft", lambda p, y: functional.kl_div(p.log(), y, reduction="batchmean")),
    ("KLDivergence", {}, "probabilities", "one_hot", lambda p, y: functional.kl_div(p.log(), y, reduction="batchmean")),
    ("Hinge", {}, "numbers", "yes_no", lambda p, y: functional.relu(1 - (2 * y - 1) * p).mean()),
]


def main() -> None:
    arrays = data()
    cases = []
    for name, arguments, predictions, targets, function in CASES:
        y_pred = torch.tensor(arrays[predictions], requires_grad=True)
        value = function(y_pred, torch.tensor(arrays[targets]))
        value.backward()
        cases.append(
            {
                "loss": name,
                "arguments": arguments,
                "y_pred": predictions,
                "y_true": targets,
                "value": value.item(),
                "gradient": y_pred.grad.tolist(),
            }
        )
    stored = {
        "command": "python benchmarks/loss_values.py",
        "torch": importlib.metadata.version("torch"),
        "data": {name: array.tolist() for name, array in arrays.items()},
        "cases": cases,
    }
    PATH.write_text(json.dumps(stored) + "\n", encoding="utf-8")
    print(f"{len(cases)} cases written to {PATH}")


if __name__ == "__main__":
    main()

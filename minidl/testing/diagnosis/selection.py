"""Selection: forward lets each output come from one slice of a parameter, and backward goes through all of them."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from minidl.testing.diagnosis.calls import tiny
from minidl.testing.diagnosis.evidence import Evidence, Hypothesis
from minidl.testing.diagnosis.pair import Pair, jacobians
from minidl.typing import Array


def not_selected(e: Evidence) -> Iterator[Hypothesis]:
    """Each line of the right Jacobian is one slice of a parameter, and that of the wrong one the sum of all."""
    if e.target != "dx" or tiny(e) or not any(p.ndim > 1 for p in e.first.parameters.values()):
        return
    pair = jacobians(e)
    if pair is None or len(pair.inputs) != 2:
        return
    right, wrong = (own_lines(pair, m) for m in (pair.numeric, pair.analytic))
    for name, p in e.first.parameters.items():
        for inputs, over in permutations(range(p.ndim), 2):
            if p.shape[inputs] != pair.inputs[1] or p.shape[over] < 2:
                continue
            slices = np.moveaxis(p, (over, inputs), (-2, -1)).reshape(-1, p.shape[over], p.shape[inputs])
            for word, reduced in (("summed", slices.sum(axis=1)), ("averaged", slices.mean(axis=1))):
                if all(from_one(pair, slices, reduced, n, a) for n, a in zip(right, wrong, strict=True)):
                    text = (
                        f"dx comes from all slices of {name} along axis {over}, {word}, though each output comes from"
                    )
                    yield Hypothesis(f"{text} one of them only: what forward selects is not selected in backward", 0.94)
                    return


def own_lines(pair: Pair, matrix: Array) -> Array:
    """Return what each entry of dy contributes to its own row of dx."""
    rows = pair.outputs[0]
    whole = matrix.reshape(rows, -1, *pair.inputs)
    return np.concatenate([whole[row, :, row] for row in range(rows)])


def from_one(pair: Pair, slices: Array, reduced: Array, right: Array, wrong: Array) -> bool:
    """Return whether a right line is one slice where the wrong line is all of them."""
    size = 1e-6 * pair.scale
    there = np.abs(reduced - wrong).max(axis=1) <= size
    return bool(np.any(np.abs(slices[there] - right).max(axis=2, initial=0) <= size))


TESTS = [not_selected]

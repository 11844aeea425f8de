"""batch, empty-batch: the gradients are correct for any number of rows.

Row independence is measured on forward, so a layer that couples rows is excluded automatically.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import numpy as np

from minidl.testing.agreement import close
from minidl.testing.checks.contract import promises
from minidl.testing.checks.trial import trial
from minidl.testing.constants import constants_of
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.points import Refused, rows_of
from minidl.testing.probe import Arrays, LayerFailure, Point
from minidl.testing.registry import register_check

SIZES = {
    "quick": (1, 2, 9, 33),
    "standard": (*range(1, 18), 20, 21, 24, 25, 31, 32, 33, 50, 63, 64, 65, 100, 128, 129, 130, 256, 500, 1024, 1100),
    "thorough": (*range(1, 70), 80, 99, 100, 101, 127, 128, 129, 200, 255, 256, 257, 500, 512, 513, 1000, 1025, 2049),
}
MOST, NUMBERS = 5000, 1_000_000  # limits of rows, and of numbers, in one batch if rows are independent
COUPLED = {"quick": 33, "standard": 130, "thorough": 513}  # most rows if each may depend on all others


def independent(examination: Examination, point: Point) -> bool:
    """Return whether each output row depends only on its own input row, as measured."""
    if getattr(examination.subject.cls, "rows_coupled", None) or examination.subject.whole_batch:
        return False
    probe = examination.subject.at(point)
    if probe.draws_at(point):
        return False  # the random draws depend on the number of rows, or couple rows only occasionally
    tolerance = examination.at_least_rounding(1e-10)
    with suppress(LayerFailure):
        together = probe.forward(point.x.copy(), point.training)
        alone = [probe.forward(point.x[i : i + 1].copy(), point.training) for i in range(len(point.x))]
        more = probe.forward(np.concatenate([point.x[:1], point.x]), point.training)
        least = float(np.abs(together).max(initial=0))
        rows = zip(alone, np.split(together, len(together)), strict=True)
        return all(close(*pair, tolerance, least) for pair in (*rows, (more[1:], together)))
    return False


@register_check("batch", after=("numeric", "state", "mode"))
def batch(examination: Examination) -> Iterator[Finding]:
    """Test batches of 1 to 1000 rows or more: piecewise if rows are independent, else by numerical gradients."""
    standard, subject = examination.at_least("standard"), examination.subject
    most = max(20, min(MOST, NUMBERS // examination.point.x[0].size))
    lengths = constants_of(subject.example).lengths(most)
    tries = {*SIZES[examination.level], *lengths, *(2 * size for size in lengths), *([most] if standard else [])}
    sizes = sorted(size for size in tries if size <= most)
    for training in subject.modes:
        point = examination.point.with_(training=training)
        if independent(examination, point):
            yield from _by_rows(examination, point, sizes)
        elif training or (standard and not subject.whole_batch):
            for size in sizes:
                if size <= COUPLED[examination.level] or size in lengths:
                    make = partial(examination.draw, batch=size, training=training)
                    yield from trial(examination, f"batch of {size}", make, covers="batches")
    for point in examination.batches(1, 9) if standard else ():
        if len(point.x) != len(examination.point.x):  # `contract` and `mode` have tested that size
            yield from promises(examination, point)


def _by_rows(examination: Examination, point: Point, sizes: list[int]) -> Iterator[Finding]:
    """Compare each batch with a smaller one plus the remaining rows; find the first wrong size by bisection."""
    whole = rows_of(examination.subject, examination.rng, point, max(sizes))
    probe = examination.subject.at(point)  # a used layer, which `state` has shown to equal a fresh one
    mode = "" if point.training else ", inference"

    def of_rows(start: int, stop: int) -> Arrays:
        return probe.results(whole.with_(x=whole.x[start:stop], dy=whole.dy[start:stop]))

    def differs(size: int) -> Finding | None:
        expected = _together(known, of_rows(low, size)) if low else _among_others(examination, whole, size)
        message = f"{{}} of a batch of {size}{mode} is not that of its rows, although other rows do not change y"
        return next(examination.unequal(expected, of_rows(0, size), message, tolerance=1e-9), None)

    low, known = 0, {}  # the largest batch known to be correct, and its gradients
    for size in sizes:
        examination.certificate.cover("batches", size)
        finding = differs(size)
        high = size
        while finding is not None and high - low > 1:
            middle = (low + high) // 2
            found = differs(middle)
            low, high, finding = (middle, high, finding) if found is None else (low, middle, found)
            known = of_rows(0, low) if low else {}
        if finding is None:
            low, known = size, of_rows(0, size)
            continue
        bounds = f"right for batch <= {low}, wrong for {high}"
        with suppress(Unverified, Refused, LayerFailure):  # numerical gradients say more, if conclusive
            part = whole.with_(x=whole.x[:high], dy=whole.dy[:high])
            finding = next(examination.compare(part, f"batch of {high}{mode}"), finding)
        finding.detail = ", ".join(filter(None, [finding.detail, bounds]))
        finding.why = finding.why or f"{bounds}: rows are lost, mixed or treated in chunks"
        yield finding


def _together(before: Arrays, after: Arrays) -> Arrays:
    """Return the output and gradients of a batch, combined from those of its two parts."""
    return {
        name: np.concatenate([value, after[name]]) if name in ("y", "dx") else value + after[name]
        for name, value in before.items()
    }


def _among_others(examination: Examination, whole: Point, rows: int) -> Arrays:
    """Return the results of the first rows in a batch with two more rows, whose upstream gradient is zero."""
    dy = whole.dy[: rows + 2].copy()
    dy[rows:] = 0
    found = examination.results(whole.with_(x=whole.x[: rows + 2], dy=dy))
    return {name: value[:rows] if name in ("y", "dx") else value for name, value in found.items()}


@register_check("empty-batch")
def empty_batch(examination: Examination) -> Iterator[Finding]:
    """For a batch of no rows, forward and backward return no rows, and the parameter gradients are zero."""
    if examination.subject.whole_batch:
        raise Skipped("a loss of no rows is not defined")
    point, subject = examination.point, examination.subject
    expected = (0, *examination.reference["y"].shape[1:])
    for training in subject.modes:
        probe = subject.at(point)
        try:
            y = probe.forward(point.x[:0].copy(), training)
            gradients = probe.backward(np.zeros(expected))
            dx = gradients.pop("dx")
        except LayerFailure as failure:
            if "reshape" in str(failure.error) and "size 0" in str(failure.error):
                raise Skipped("a length of -1 in reshape cannot be worked out where there are no rows") from failure
            if training and not independent(examination, point):
                continue  # a layer may reject statistics of no rows
            raise
        if y.shape != expected:
            yield examination.finding(f"no rows: y has shape {y.shape}, expected {expected}", "y")
        if not point.integer and np.shape(dx) != (0, *point.input_shape):
            yield examination.finding(f"no rows: dx has shape {np.shape(dx)}", "dx")
        for target, value in gradients.items():
            if not (value == 0).all():
                why = "the gradient of an empty sum is 0: it is left unset, or divided by the number of rows"
                yield examination.finding(f"no rows: {target} is {value.ravel()[0]:g}, expected zeros", target, why)

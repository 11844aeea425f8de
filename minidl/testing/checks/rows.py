"""batch, empty-batch: the gradients for every number of rows.

Whether rows are independent is measured on forward, so that a layer that couples them excludes itself.
"""

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np

from minidl.testing import explanation
from minidl.testing.agreement import named
from minidl.testing.checks.promises import promises
from minidl.testing.checks.trial import trial
from minidl.testing.comparison import Comparison, Mismatch
from minidl.testing.constants import constants_of
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.points import rows_of
from minidl.testing.probe import Gradients, LayerFailure, Point
from minidl.testing.registry import register_check

SIZES = {
    "quick": (1, 2, 9, 33),
    "standard": (*range(1, 18), 20, 21, 24, 25, 31, 32, 33, 50, 63, 64, 65, 100, 128, 129, 130, 256, 500, 1024, 1100),
    "thorough": (*range(1, 70), 80, 99, 100, 101, 127, 128, 129, 200, 255, 256, 257, 500, 512, 513, 1000, 1025, 2049),
}
MOST, NUMBERS = 5000, 1_000_000  # rows, and numbers in them, in one batch if rows are independent
COUPLED = {"quick": 33, "standard": 130, "thorough": 513}  # most rows where each may depend on all


def independent(examination: Examination, point: Point) -> bool:
    """Return whether each row of forward depends on its own row only, as measured."""
    if getattr(examination.subject.cls, "rows_coupled", None) or examination.subject.whole_batch:
        return False
    probe = examination.subject.at(point)
    if probe.draws_at(point):
        return False  # what is drawn depends on the number of rows, or couples them only now and then
    try:
        together = probe.forward(point.x.copy(), point.training)
        alone = [probe.forward(point.x[i : i + 1].copy(), point.training) for i in range(len(point.x))]
        more = probe.forward(np.concatenate([point.x[:1], point.x[:1][::-1], point.x[1:]]), point.training)
    except LayerFailure:
        return False
    if any(row.shape != together[:1].shape for row in alone):
        return False
    size = examination.at_least_rounding(1e-10) * np.abs(together).max(initial=0)
    gaps = np.abs(np.concatenate(alone) - together), np.abs(more[2:] - together[1:])
    return all(bool(gap.max(initial=0) <= size) for gap in gaps)


@register_check("batch", after=("numeric", "state", "mode"))
def batch(examination: Examination) -> Iterator[Finding]:
    """Batches from 1 row to a thousand: by parts where rows are independent, else by numerical gradients."""
    standard, subject = examination.at_least("standard"), examination.subject
    most = max(20, min(MOST, NUMBERS // examination.point.x[0].size))
    lengths = constants_of(subject.example).lengths(most)
    tries = {*SIZES[examination.level], *lengths, *(2 * size for size in lengths), *([most] if standard else [])}
    sizes = sorted(size for size in tries if size <= most)
    for training in (True, False):
        point = examination.point.with_(training=training)
        if independent(examination, point):
            yield from _by_rows(examination, point, sizes)
        elif training or (standard and not subject.whole_batch):
            for size in sizes:
                if size <= COUPLED[examination.level] or size in lengths:
                    make = partial(examination.draw, batch=size, training=training)
                    yield from trial(examination, f"batch of {size}", make, covers="batches")
    for size, training in itertools.product((1, 9) if standard else (), (True, False)):
        try:
            point = rows_of(subject, examination.rng, examination.point.with_(training=training), size)
        except LayerFailure:
            continue
        yield from promises(examination, point)


def _by_rows(examination: Examination, point: Point, sizes: list[int]) -> Iterator[Finding]:
    """Compare each batch with a smaller one and the rows after it; the first wrong size is found by bisection."""
    whole = rows_of(examination.subject, examination.rng, point, max(sizes))
    probe = examination.subject.at(point)  # a used layer: `state` has shown that it equals a fresh one

    def of_rows(start: int, stop: int) -> tuple[Point, Gradients]:
        part = whole.with_(x=whole.x[start:stop], dy=whole.dy[start:stop])
        return part, named(*probe.run(part))

    def wrong(size: int) -> Comparison | None:
        found = of_rows(0, size)[1]
        expected = _together(known, of_rows(low, size)[1]) if low else _among_others(examination, whole, size)
        return _differences(found, expected, examination.at_least_rounding(1e-9))

    low, known = 0, {}  # the largest batch that is known to be right, and its gradients
    for size in sizes:
        examination.certificate.cover("batches", size)
        result = wrong(size)
        if result is None:
            low, known = size, of_rows(0, size)[1]
            continue
        high = size
        while high - low > 1:
            middle = (low + high) // 2
            worse = wrong(middle)
            if worse is None:
                low, known = middle, of_rows(0, middle)[1]
            else:
                high, result = middle, worse
        mode = "" if point.training else ", inference"
        finding = _finding(examination, of_rows(0, high)[0], wrong(high) or result, f"batch of {high}{mode}")
        bounds = f"right for batch <= {low}, wrong for {high}"
        finding.detail += f", {bounds}"
        finding.why = finding.why or f"{bounds}: rows are lost, mixed or treated in chunks"
        yield finding


def _together(before: Gradients, after: Gradients) -> Gradients:
    """Return output and gradients of a batch from those of its two parts."""
    return {
        name: np.concatenate([value, after[name]]) if name in ("y", "dx") else value + after[name]
        for name, value in before.items()
    }


def _among_others(examination: Examination, whole: Point, rows: int) -> Gradients:
    """Return what the first rows give in a batch whose two other rows have no weight."""
    dy = whole.dy[: rows + 2].copy()
    dy[rows:] = 0
    found = named(*examination.run(whole.with_(x=whole.x[: rows + 2], dy=dy)))
    return {name: value[:rows] if name in ("y", "dx") else value for name, value in found.items()}


def _differences(found: Gradients, expected: Gradients, tolerance: float) -> Comparison | None:
    """Return what differs by more than another order of the same sums can explain; None if nothing does."""
    sizes = {name: float(np.abs(value).max(initial=0)) for name, value in expected.items()}
    scale = max((size for name, size in sizes.items() if name != "y"), default=0.0)
    result = Comparison(found["y"], {name: value for name, value in found.items() if name != "y"})
    for name, value in expected.items():
        fits = found[name].shape == value.shape
        gap = np.abs(found[name] - value).ravel() if fits else np.full(value.size, np.nan)
        wrong = np.flatnonzero(~(gap <= tolerance * (sizes[name] + 1e-2 * scale)))
        if len(wrong):
            claimed = np.resize(found[name], value.shape).ravel()[wrong]
            values = (claimed, value.ravel()[wrong], np.full(len(wrong), 1e-16))
            result.mismatches.append(Mismatch(name, value.shape, wrong.tolist(), *values, value.size))
    return result if result.mismatches else None


def _finding(examination: Examination, point: Point, result: Comparison, told: str) -> Finding:
    for mismatch in result.mismatches:
        found = result.y if mismatch.target == "y" else result.gradients[mismatch.target]
        if found.shape != mismatch.shape:
            message = f"{mismatch.target} has shape {found.shape} for {len(point.x)} rows, expected {mismatch.shape}"
            dropped = found.shape == mismatch.shape[1:] and len(point.x) == 1
            why = "the batch axis is lost where there is one row: an index in the place of a slice, or squeeze"
            return examination.finding(message, mismatch.target, why if dropped else "")
    if "y" in [mismatch.target for mismatch in result.mismatches]:
        message = "y of a batch is not that of its rows, although y of other rows does not change it"
        return examination.finding(message, "y", detail=told)
    return explanation.from_comparison(examination.subject, point, result, "batch", told)


@register_check("empty-batch")
def empty_batch(examination: Examination) -> Iterator[Finding]:
    """No rows: forward gives none, backward gives none, and the gradients of the parameters are zeros."""
    if examination.subject.whole_batch:
        raise Skipped("a loss of no rows is not defined")
    point, subject = examination.point, examination.subject
    expected = (0, *examination.reference[0].shape[1:])
    for training in (True, False):
        probe = subject.at(point)
        try:
            y = probe.forward(point.x[:0].copy(), training)
            gradients = probe.backward(np.zeros(expected))
            dx = gradients.pop("dx")
        except LayerFailure as failure:
            if "reshape" in str(failure.error) and "size 0" in str(failure.error):
                raise Skipped("a length of -1 in reshape cannot be worked out where there are no rows") from failure
            if training and not independent(examination, point):
                continue  # statistics of no rows may be refused
            raise
        if y.shape != expected:
            yield examination.finding(f"no rows: y has shape {y.shape}, expected {expected}", "y")
        if not point.integer and np.shape(dx) != (0, *point.input_shape):
            yield examination.finding(f"no rows: dx has shape {np.shape(dx)}", "dx")
        for target, value in gradients.items():
            if not (value == 0).all():
                why = "the gradient of an empty sum is 0: it is left unset, or divided by the number of rows"
                yield examination.finding(f"no rows: {target} is {value.ravel()[0]:g}, expected zeros", target, why)

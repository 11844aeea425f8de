"""Jacobian: the matrix for a few rows, built from one upstream gradient per output, shows which dependence is wrong."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.sample import Sample, largest, least_squares, number
from minidl.testing.diagnosis.what.relations import has_same_slices
from minidl.typing import Array

LARGEST = 130  # largest number of entries, of y and of the gradient, for which matrices are built
PRECISION = 1e-8  # relative accuracy of the quick derivatives


def jacobians(e: Evidence) -> Sample | None:
    """Return both Jacobians, (entries of dy, entries of the gradient), for a few rows; None if they are too large."""
    if e.is_tiny or e.first.dy.ndim < 2 or len(e.first.dy) != len(e.first.x):
        return None
    for rows in range(min(3, len(e.first.x)), 0, -1):
        x, dy = e.first.x[:rows], e.first.dy[:rows]
        size = x.size if e.target == "dx" else e.first.analytic.size
        if max(dy.size, size) <= (40 if rows > 2 else LARGEST):
            lines = [e.analytic_at(x=x, dy=unit.reshape(dy.shape)).ravel() for unit in np.eye(dy.size)]
            matrices = np.array(lines), e.jacobian(e.target, None, x=x).T
            return Sample(x, dy, e.first.y[:rows], *matrices, precision=PRECISION)
    return None


def is_zero(s: Sample, matrix: Array) -> Array:
    """Return a mask of the entries of a matrix that are zero up to rounding."""
    return np.abs(matrix) <= s.noise


def by_rows(s: Sample, matrix: Array) -> Array:
    """Return a matrix reshaped to (row of dy, row of dx, entry of dy, entry of dx)."""
    rows = len(s.dy)
    return matrix.reshape(rows, len(matrix) // rows, rows, -1).transpose(0, 2, 1, 3)


def structure(e: Evidence) -> Claims:
    """Compare the two Jacobians entry by entry."""
    s = jacobians(e)
    if s is None or s.gap <= s.noise:
        return
    if e.target == "dx":
        yield from dependence_of_rows(s)
        yield from within_rows(s)
    yield from overwritten_contributions(s)
    if has_same_slices(s, 0):
        yield Hypothesis("dy is read in another order: a slice, an index, a reshape or a transpose of it is wrong", 2)
    yield from contributions(s, e.target)


def dependence_of_rows(s: Sample) -> Claims:
    """Claim that rows depend on each other in only one of the two Jacobians."""
    off = ~np.eye(len(s.dy), dtype=bool)
    a, n = (largest(by_rows(s, m)[off]) for m in (s.analytic, s.numeric))
    if a > s.noise >= n:
        yield Hypothesis("row i of dx depends on dy of other rows although forward does not")
    elif n > s.noise >= a:
        text = "row i of dx does not depend on dy of other rows although forward couples the rows: the terms through"
        yield Hypothesis(f"{text} the batch statistics (mean, variance) are missing", 4)


def within_rows(s: Sample) -> Claims:
    """Claim that the Jacobian of a row is transposed, or only its diagonal."""
    rows = np.arange(len(s.dy))
    a, n = (by_rows(s, m)[rows, rows] for m in (s.analytic, s.numeric))
    if np.any(by_rows(s, s.wrong)[~np.eye(len(rows), dtype=bool)]) or not a.shape[1] == a.shape[2] > 1:
        return
    eye = np.eye(a.shape[1])
    if s.fits(a, n.transpose(0, 2, 1)):
        if is_scaled_last(a[0], n[0]):
            text = "a factor is applied to dx, after the sums, that belongs to dy, before them"
            yield Hypothesis(f"{text} (such as gamma outside of the brackets): the Jacobian is transposed")
        text = "the Jacobian is transposed: a transpose is missing (u @ W for u @ W.T, a permutation not inverted,"
        yield Hypothesis(f"{text} a cumulative sum not reversed)", 1)
    if s.fits(a, n * eye) and not is_zero(s, n * (1 - eye)).all():
        yield Hypothesis("only the diagonal of the Jacobian: the terms between different features are missing")


def is_scaled_last(a: Array, n: Array) -> bool:
    """Return whether the Jacobians of a row differ by a factor per line times a factor per column."""
    ratio = np.abs(a / n)  # f[i] / f[j]; 0 / 0 in blocks without dependence
    around = ratio[:, :, None] * ratio / ratio[:, None, :]
    known = ratio[np.isfinite(ratio)]
    return bool(np.allclose(around[np.isfinite(around)], 1, rtol=1e-5)) and known.size > 1 and np.ptp(known) > 1e-5


def overwritten_contributions(s: Sample) -> Claims:
    """Claim that only one of several contributions to an entry counts: the others are overwritten or never added."""
    if not is_zero(s, s.analytic)[s.wrong].all():
        return
    last = len(s.dy.shape) - 1
    for axes, kind in ((last,), "rows" if last == 1 else "positions"), (tuple(range(last)), "outputs"):
        left, right = (contributors(s, ~is_zero(s, m), axes) for m in (s.analytic, s.numeric))
        several = right.sum(axis=0) > 1
        alone = last > 1 and axes == (last,) and s.x.shape[:-1] == s.dy.shape[:-1] and is_own_position(left)
        if np.any(np.any(s.wrong, axis=0) & several) and (left.sum(axis=0)[several] == 1).all() and not alone:
            text = f"where several {kind} of dy contribute to one entry, only one of them counts, the others are"
            yield Hypothesis(f"{text} overwritten (= for +=, repeated indices without np.add.at), or never added", 1)
            return


def contributors(s: Sample, some: Array, axes: tuple[int, ...]) -> Array:
    """Return which groups of entries of dy, one group per index outside ``axes``, contribute to each entry."""
    found = np.any(some.reshape(*s.dy.shape, -1), axis=axes)
    return np.asarray(found.reshape(-1, some.shape[1]))


def is_own_position(found: Array) -> bool:
    """Return whether each position of dy contributes to its own position only, as in a position-wise layer."""
    own = np.eye(len(found), dtype=bool)
    return np.array_equal(found, np.repeat(own, found.shape[1] // len(own), axis=1))


def contributions(s: Sample, target: str) -> Claims:
    """Claim that the contributions of some rows, positions or columns of dy are wrong and the others correct."""
    lines: Array = np.any(s.wrong, axis=1).reshape(s.dy.shape)
    for axis, length in enumerate(lines.shape):
        which = np.flatnonzero(np.any(lines, axis=tuple(k for k in range(lines.ndim) if k != axis)))
        if not 0 < len(which) < length or (axis == 0 and target == "dx"):
            continue
        told = what_they_are(s, lines.ravel())
        kind = "rows" if axis == 0 else f"positions along axis {axis}:"
        kind = "columns (outputs)" if axis == lines.ndim - 1 > 0 else kind
        text = f"the contribution of {kind} {', '.join(map(str, which.tolist()))} of dy (of {length}) is {told}"
        text += ", that of the others right"
        for end, left in (("first", list(range(1, length))), ("last", list(range(length - 1)))):
            text += f": only the {end} counts" if told == "missing" and which.tolist() == left else ""
        whole = bool(np.take(lines, which, axis).all()) and told != "wrong"
        yield Hypothesis(text, 6 if whole else OPEN + 6)
        return


def what_they_are(s: Sample, lines: Array) -> str:
    """Return "missing", "2 times the right one" or "wrong" for the selected lines of the Jacobian."""
    a, n = s.analytic[lines], s.numeric[lines]
    if is_zero(s, a).all():
        return "missing"
    c = least_squares(n, a)
    return f"{number(c)} times the right one" if s.fits(a, c * n) else "wrong"

"""Jacobian: the whole matrix of a few rows, one upstream gradient for each output, shows which dependence is wrong."""

from dataclasses import dataclass

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.sample import largest, least_squares, number
from minidl.typing import Array, Shape

LARGEST = 130  # entries of y and of the gradient for which matrices are built
NOTHING = 1e-8  # of the largest entry


@dataclass(frozen=True)
class Pair:
    """The analytic and the numeric Jacobian of the first rows of the batch.

    Attributes
    ----------
    analytic, numeric : array, (entries of dy, entries of the gradient)
    outputs, inputs : tuple of int
        Shapes of dy and of the gradient, the rows included.
    """

    analytic: Array
    numeric: Array
    outputs: Shape
    inputs: Shape

    @property
    def scale(self) -> float:
        """The largest entry."""
        return largest(self.numeric) or 1.0

    @property
    def gap(self) -> float:
        """The largest difference."""
        return largest(self.analytic - self.numeric)

    @property
    def wrong(self) -> Array:
        """Which entries differ."""
        return np.abs(self.analytic - self.numeric) > max(NOTHING * self.scale, 1e-4 * self.gap)

    def is_zero(self, matrix: Array) -> Array:
        """Return which entries of a matrix are nothing."""
        return np.abs(matrix) <= NOTHING * self.scale

    def same(self, one: Array, other: Array) -> bool:
        """Return whether two matrices agree far better than the two Jacobians do."""
        return one.shape == other.shape and largest(one - other) <= min(1e-6 * self.scale, 0.02 * self.gap)

    def by_rows(self, matrix: Array) -> Array:
        """Return a matrix as (row of dy, row of dx, entry of dy, entry of dx)."""
        rows = self.outputs[0]
        return matrix.reshape(rows, len(matrix) // rows, rows, -1).transpose(0, 2, 1, 3)


def jacobians(e: Evidence) -> Pair | None:
    """Return both matrices for as many of the first rows as are not too large."""
    if e.context is None or e.is_tiny or e.first.dy.ndim < 2 or len(e.first.dy) != len(e.first.x):
        return None
    for rows in range(min(3, len(e.first.x)), 0, -1):
        x, dy = e.first.x[:rows], e.first.dy[:rows]
        inputs = x.shape if e.target == "dx" else e.first.analytic.shape
        size = int(np.prod(inputs))
        if max(dy.size, size) <= (40 if rows > 2 else LARGEST):
            break
    else:
        return None
    numeric = e.jacobian(e.target, None, x=x)
    if numeric is None or numeric.shape != (size, dy.size):
        return None
    lines = [e.analytic_at(x=x, dy=unit.reshape(dy.shape)) for unit in np.eye(dy.size)]
    if any(line is None or line.size != size or not np.isfinite(line).all() for line in lines):
        return None
    return Pair(np.array([line.ravel() for line in lines if line is not None]), numeric.T, dy.shape, inputs)


def structure(e: Evidence) -> Claims:
    """Compare the two Jacobians, entry by entry."""
    pair = jacobians(e)
    if pair is None or pair.gap <= NOTHING * pair.scale:
        return
    yield from overwritten_contributions(pair)
    if e.target == "dx":
        yield from dependence_of_rows(pair)
        yield from within_rows(pair)
    yield from contributions(pair, e.target)
    yield from wrong_derivative(e, pair)


def dependence_of_rows(pair: Pair) -> Claims:
    """Rows depend on each other in one of the two Jacobians only."""
    off = ~np.eye(pair.outputs[0], dtype=bool)
    a, n = (largest(pair.by_rows(m)[off]) for m in (pair.analytic, pair.numeric))
    if a > NOTHING * pair.scale >= n:
        yield Hypothesis("row i of dx depends on dy of other rows although forward does not")
    elif n > NOTHING * pair.scale >= a:
        text = "row i of dx does not depend on dy of other rows although forward couples the rows: the terms through"
        yield Hypothesis(f"{text} the batch statistics (mean, variance) are missing", 4)


def within_rows(pair: Pair) -> Claims:
    """The square Jacobian of a row: transposed, only its diagonal, wrong on the diagonal only, wrong signs."""
    rows = range(pair.outputs[0])
    if np.any(pair.by_rows(pair.wrong)[~np.eye(len(rows), dtype=bool)]):
        return
    a, n = (np.array([pair.by_rows(m)[i, i] for i in rows]) for m in (pair.analytic, pair.numeric))
    if pair.same(np.abs(a), np.abs(n)):
        yield Hypothesis("every entry of the Jacobian is right but for its sign: a sign is lost or wrong", OPEN)
    if not a.shape[1] == a.shape[2] > 1:
        return
    eye = np.eye(a.shape[1])
    if pair.same(a, n.transpose(0, 2, 1)):
        if is_scaled_last(a[0], n[0]):
            text = "a factor is applied to dx, after the sums, that belongs to dy, before them"
            yield Hypothesis(f"{text} (such as gamma outside of the brackets): the Jacobian is transposed")
        yield Hypothesis(
            "the Jacobian is transposed: a transpose is missing (u @ W for u @ W.T, a permutation not inverted, "
            "a cumulative sum not reversed)",
            1,
        )
    if pair.is_zero(n * (1 - eye)).all():
        return
    if pair.same(a, n * eye):
        yield Hypothesis("only the diagonal of the Jacobian: the terms between different features are missing")
    elif pair.same(a * (1 - eye), n * (1 - eye)):
        yield Hypothesis("wrong only on the diagonal of the Jacobian: dx[i] from dy[i]", 2 * OPEN)
    elif pair.same(a * eye, n * eye):
        text = "wrong only off the diagonal of the Jacobian: the terms between different features"
        yield Hypothesis(text, 2 * OPEN + 1)


def is_scaled_last(a: Array, n: Array) -> bool:
    """Return whether the Jacobians of a row differ by a factor of each line, divided by that of each column."""
    ratio = np.abs(a / n)
    return bool(np.allclose(ratio, ratio[:, :1] / ratio[:1, :1] * ratio[:1, :], rtol=1e-5)) and np.ptp(ratio) > 1e-5


def overwritten_contributions(pair: Pair) -> Claims:
    """Of several contributions to one entry only one counts: the others are overwritten, or never added."""
    if not pair.is_zero(pair.analytic)[pair.wrong].all():
        return
    last = len(pair.outputs) - 1
    for axes, kind in ((last,), "rows" if last == 1 else "positions"), (tuple(range(last)), "outputs"):
        left, right = (contributors(pair, ~pair.is_zero(m), axes) for m in (pair.analytic, pair.numeric))
        several = right.sum(axis=0) > 1
        alone = last > 1 and axes == (last,) and pair.inputs[:-1] == pair.outputs[:-1] and is_own_position(pair, left)
        if np.any(np.any(pair.wrong, axis=0) & several) and (left.sum(axis=0)[several] == 1).all() and not alone:
            text = f"where several {kind} of dy contribute to one entry, only one of them counts, the others are"
            yield Hypothesis(f"{text} overwritten (= for +=, repeated indices without np.add.at), or never added", 1)
            return


def contributors(pair: Pair, some: Array, axes: tuple[int, ...]) -> Array:
    """Return which groups of entries of dy, one for each index outside ``axes``, contribute to each entry."""
    found = np.any(some.reshape(*pair.outputs, -1), axis=axes)
    return np.asarray(found.reshape(-1, some.shape[1]))


def is_own_position(pair: Pair, found: Array) -> bool:
    """Return whether each position of dy contributes to its own position only: what acts on each alone."""
    own = np.eye(len(found), dtype=bool)
    return np.array_equal(found, np.repeat(own, found.shape[1] // len(own), axis=1))


def contributions(pair: Pair, target: str) -> Claims:
    """What some rows, positions or columns of dy contribute is wrong, that of the others right."""
    lines: Array = np.any(pair.wrong, axis=1).reshape(pair.outputs)
    for axis, length in enumerate(lines.shape):
        which = np.flatnonzero(np.any(lines, axis=tuple(k for k in range(lines.ndim) if k != axis)))
        if not 0 < len(which) < length or (axis == 0 and target == "dx"):
            continue
        told = what_they_are(pair, lines.ravel())
        kind = "rows" if axis == 0 else f"positions along axis {axis}:"
        kind = "columns (outputs)" if axis == lines.ndim - 1 > 0 else kind
        text = f"the contribution of {kind} {', '.join(map(str, which.tolist()))} of dy (of {length}) is {told}"
        whole = bool(np.take(lines, which, axis).all()) and told != "wrong"
        yield Hypothesis(f"{text}, that of the others right", 6 if whole else OPEN + 6)
        return


def what_they_are(pair: Pair, lines: Array) -> str:
    """Return "missing", "2 times the right one" or "wrong", for the lines of the Jacobian that are."""
    a, n = pair.analytic[lines], pair.numeric[lines]
    if pair.is_zero(a).all():
        return "missing"
    c = least_squares(n, a)
    if abs(c) < NOTHING or not pair.same(a, c * n):
        return "wrong"
    return "of the wrong sign" if abs(c + 1) < 1e-6 else f"{number(c)} times the right one"


def wrong_derivative(e: Evidence, pair: Pair) -> Claims:
    """Each value of x acts on the value of y in its place alone, and the derivative of the function is wrong."""
    a, n = pair.analytic, pair.numeric
    if e.target != "dx" or a.shape[0] != a.shape[1] or np.any(~pair.is_zero(n) & ~np.eye(len(a), dtype=bool)):
        return
    slope, right = np.diag(a), np.diag(n)
    k = int(np.abs(slope - right).argmax())
    text = f"each value acts alone, and the derivative of the function is wrong: {slope[k]:.6g} for {right[k]:.6g}"
    text += f" at x = {e.first.x.flat[k]:.4g}; a factor or a term of it is missing or wrong"
    yield Hypothesis(text, OPEN + 6)


TESTS = [structure]

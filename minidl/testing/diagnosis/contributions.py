"""Contributions: which rows, positions or columns of dy count wrongly, or not at all."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Hypothesis
from minidl.testing.diagnosis.pair import NOTHING, Pair
from minidl.testing.diagnosis.regions import describe
from minidl.testing.diagnosis.sample import least_squares, number
from minidl.typing import Array


def overwritten(pair: Pair) -> Iterator[Hypothesis]:
    """Of several contributions to one entry only one counts: the others are overwritten, or never added."""
    if pair.what() != "missing":
        return
    last = len(pair.outputs) - 1
    for features in (True, False):
        axes: tuple[int, ...] = (last,) if features else tuple(range(last))
        left, right = (writers(pair, ~pair.is_zero(m), axes) for m in (pair.analytic, pair.numeric))
        several = right.sum(axis=0) > 1
        lost = np.any(pair.wrong, axis=0) & several
        if (
            lost.any()
            and (left.sum(axis=0)[several] == 1).all()
            and not np.array_equal(left, own_position(pair, features))
        ):
            kind = ("rows" if last == 1 else "positions") if features else "outputs"
            yield Hypothesis(
                f"where several {kind} of dy contribute to one entry, only one of them counts, "
                "the others are overwritten (= for +=, repeated indices without np.add.at), or never added",
                0.93,
            )
            return


def writers(pair: Pair, some: Array, axes: tuple[int, ...]) -> Array:
    """Return which groups of entries of dy, one for each index outside ``axes``, contribute to each entry."""
    found = np.any(some.reshape(*pair.outputs, -1), axis=axes)
    return np.asarray(found.reshape(-1, some.shape[1]))


def own_position(pair: Pair, features: bool) -> Array:
    """Return the dependences of a layer that acts on each position, or on each feature, alone."""
    kept = slice(None, -1) if features else slice(-1, None)
    if pair.inputs[kept] != pair.outputs[kept]:
        return np.zeros(0)
    count = int(np.prod(pair.inputs[kept]))
    rest = int(np.prod(pair.inputs)) // count
    own = np.eye(count, dtype=bool)
    return np.repeat(own, rest, axis=1) if features else np.tile(own, rest)


def contributions(e: Evidence, pair: Pair) -> Iterator[Hypothesis]:
    """What some rows, positions or columns of dy contribute is wrong, the rest right; or some entries of dy."""
    lines: Array = np.any(pair.wrong, axis=1).reshape(pair.outputs)
    if not lines.any() or lines.all():
        return
    what, zero = ratio_there(pair, lines) or pair.what(), np.all(pair.is_zero(pair.analytic)[lines.ravel()])
    what = "partly missing" if what == "missing" and not zero else what
    found = list(along_outputs(e, lines, what)) + list(condition_on_outputs(e, lines, what))
    yield from sorted(found, key=lambda hypothesis: -hypothesis.score)[:1]


def along_outputs(e: Evidence, lines: Array, what: str) -> Iterator[Hypothesis]:
    """Tell the rows, positions or columns of dy that contribute wrongly."""
    for axis, length in enumerate(lines.shape):
        others = tuple(k for k in range(lines.ndim) if k != axis)
        which = np.flatnonzero(np.any(lines, axis=others))
        if not 0 < len(which) < length or (axis == 0 and e.target == "dx"):
            continue
        whole = bool(lines[tuple(which if k == axis else slice(None) for k in range(lines.ndim))].all())
        kind = "rows" if axis == 0 else f"positions along axis {axis}:"
        kind = "columns (outputs)" if axis == lines.ndim - 1 > 0 else kind
        text = f"the contribution of {kind} {', '.join(map(str, which.tolist()))} of dy (of {length}) is {what}"
        exact = whole and what not in ("wrong", "partly missing")
        yield Hypothesis(f"{text}, that of the others right", 0.91 if exact else 0.76)
        return


def condition_on_outputs(e: Evidence, lines: Array, what: str) -> Iterator[Hypothesis]:
    """The entries of dy that count wrongly are those where y, or something kept, is beyond a threshold."""
    assert e.context is not None
    x, dy = e.first.x[: len(lines)], e.first.dy[: len(lines)]
    for name, v in (("y", e.context.forward(x=x)), *e.context.held(x=x, dy=dy).items()):
        if v.shape == lines.shape and min(lines.sum(), (~lines).sum()) > 1:
            where = describe(v, lines, name)
            if where and "outside" not in where:
                yield Hypothesis(
                    f"the contribution of dy is {what} exactly where {where}, right elsewhere",
                    0.76 if what == "wrong" else 0.85,
                )
                return


def ratio_there(pair: Pair, lines: Array) -> str:
    """Return "2 times the right one" where the wrong contributions are all off by one factor."""
    wrong = lines.ravel()
    a, n = pair.analytic[wrong], pair.numeric[wrong]
    c = least_squares(n, a)
    if abs(c) < NOTHING or not pair.same(a, c * n):
        return ""
    return "of the wrong sign" if abs(c + 1) < 1e-6 else f"{number(c)} times the right one"

"""Blocks: where only some columns or positions are wrong, such as those of one gate, the cause there."""

from collections.abc import Iterator

from minidl.testing.diagnosis import formulas, ratios
from minidl.testing.diagnosis.evidence import Evidence, Hypothesis
from minidl.testing.diagnosis.regions import bad_indices


def within_a_block(e: Evidence) -> Iterator[Hypothesis]:
    """The gradient is wrong in a block of columns or positions, and a formula or a factor explains it there."""
    s = e.first
    for axis in range(s.analytic.ndim - 1, -1, -1):
        indices = bad_indices(s, axis)
        if (axis == 0 and e.target == "dx") or not 0 < len(indices) < s.analytic.shape[axis]:
            continue
        if any(bad_indices(v, axis) != indices for v in e.visible):
            continue
        part = e.restricted(axis, indices)
        tests = (ratios.constant_ratio, formulas.equals_formula, ratios.factor)
        found = [hypothesis for test in tests for hypothesis in test(part)]
        if found:
            best = max(found, key=lambda hypothesis: hypothesis.score)
            kind = "columns" if axis == s.analytic.ndim - 1 else "rows" if axis == 0 else f"positions along axis {axis}"
            kind = "entries" if s.analytic.ndim == 1 else kind
            listed = ", ".join(map(str, indices[:6])) + (", ..." if len(indices) > 6 else "")
            text = f"wrong only in {kind} {listed} of {s.analytic.shape[axis]}: {best.text}"
            yield Hypothesis(text, best.score)
            return


TESTS = [within_a_block]

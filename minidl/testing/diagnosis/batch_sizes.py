"""Batch sizes: for which numbers of rows the gradient is right."""

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis


class Undecided(ValueError):
    """For one number of rows the gradient is right at some points and wrong at others: the number is not the cause."""


class BatchSizes:
    """For which numbers of rows the gradient is right, each tried at several points."""

    def __init__(self, e: Evidence) -> None:
        self.evidence = e
        self.checked: dict[int, bool] = {}
        self.certain = e.context is not None and e.context.check == "batch"  # that the size matters

    def right(self, count: int) -> bool:
        """Return whether the gradient is right for so many rows."""
        if count not in self.checked:
            tries = range(1 if self.certain else 3)
            found = [self.evidence.is_right(**self.evidence.values(count)) is not False for _ in tries]
            self.checked[count] = found[0]
            if not all(found) and any(found):
                raise Undecided
        return self.checked[count]

    def limit(self, low: int, bad: int) -> tuple[int, int]:
        """Return the largest size that is right and the smallest that is wrong, between such a one and another."""
        while bad - low > 1:
            middle = (low + bad) // 2
            low, bad = (middle, bad) if self.right(middle) else (low, middle)
        return low, bad


def batch_sizes(e: Evidence) -> Claims:
    """Right up to some batch size, wrong from the next on; or wrong for one size only."""
    if e.context is None or not e.first.x.ndim or e.is_tiny:
        return
    sizes, bad = BatchSizes(e), len(e.first.x)
    shows_always = not sizes.certain and all(s.shows for s in e.samples)
    if (shows_always and not (sizes.right(1) or (bad > 2 and sizes.right(2)))) or sizes.right(bad):
        return
    for smaller in (*range(1, min(6, bad)), 8, bad - 1):
        if 0 < smaller < bad and (smaller < 6 or len(sizes.checked) < 7):
            sizes.right(smaller)
    good = [count for count, is_right in sizes.checked.items() if is_right and count < bad]
    low, bad = sizes.limit(max(good), bad) if good else (0, bad)
    later = [sizes.right(bad + k) for k in (1, 2)]
    if all(later):
        told = f"right for {low or bad + 1} and {bad + 1 if low else bad + 2}"
        yield Hypothesis(f"wrong for batch size {bad} only, {told}: a special case", 1)
    elif any(later):
        shown = ", ".join(f"{count} {'right' if ok else 'wrong'}" for count, ok in sorted(sizes.checked.items()))
        yield Hypothesis(f"depends on the batch size, odd and even sizes differ: {shown}", 2)
    elif low == 1:
        text = "right for a batch of 1 only: rows are mixed, or a division by the batch size is wrong"
        yield Hypothesis(text, OPEN + 3)
    elif low:
        yield Hypothesis(f"right for batch <= {low}, wrong for {bad}: chunks, or a limit of {low} rows", 1)

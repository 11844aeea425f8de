"""Row blocks: parts of a batch that stay in the processor's cache while a layer passes over them several times."""

from minidl.typing import Array

VALUES = 1 << 16  # per block; in smaller blocks, the overhead of the calls dominates


def row_blocks(array: Array) -> list[slice]:
    """Return slices that cut the rows of a two-dimensional array into blocks of about `VALUES` values."""
    rows, columns = array.shape
    if rows * columns <= 2 * VALUES:
        return [slice(None)]
    step = max(1, VALUES // columns)
    return [slice(start, start + step) for start in range(0, rows, step)]

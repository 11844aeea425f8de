"""Converting data frames to arrays: column by column, as minidl does, and through an object array, as pandas does.

Frames with a single NumPy dtype are converted at once; mixed, nullable and Arrow frames are converted by column.
"""

import statistics
from collections.abc import Callable
from typing import Any

import common
import numpy as np
from common import Contender

from minidl.data import as_array


def frames(rows: int) -> dict[str, Any]:
    """Return data frames with 20 columns, by kind."""
    import pandas as pd

    plain = pd.DataFrame(np.random.default_rng(0).standard_normal((rows, 20))).add_prefix("column ")
    whole = (plain * 1000).round()
    kinds = {
        "float64": plain,
        "bool and int64": whole.astype("int64").assign(yes=plain["column 0"] > 0),
        "nullable": whole.astype("Int64"),
    }
    if common.installed("pyarrow"):
        kinds["Arrow"] = plain.convert_dtypes(dtype_backend="pyarrow")
    return kinds


def repeated(convert: Callable[[], Any]) -> Callable[[int], None]:
    def run(n: int) -> None:
        for _ in range(n):
            convert()

    return run


def main() -> None:
    arguments = common.options(__doc__)
    rows, tables, numbers = 2_000 if arguments.quick else 20_000, {}, []
    lines = []
    for kind, frame in frames(rows).items():
        contenders = {
            "minidl": Contender(repeated(lambda frame=frame: as_array(frame, "x"))),
            "objects": Contender(repeated(lambda frame=frame: frame.astype(object).to_numpy().astype(float))),
        }
        times = common.interleaved(contenders, arguments.rounds)
        numbers.append({"frame": kind, "rows": rows, "seconds": times})
        medians = [common.duration(statistics.median(times[name])) for name in contenders]
        lines.append([kind, *medians, common.factor(common.ratio(times, "objects", "minidl"))])
    tables[f"{rows:,} rows of 20 columns"] = common.table(["frame", "minidl", "by objects", "objects / minidl"], lines)
    common.report("frames", arguments, tables, numbers)


if __name__ == "__main__":
    main()

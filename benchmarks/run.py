"""Runs the benchmarks one after another, each in a process of its own: ``python benchmarks/run.py --quick``.

Names choose some of them; ``--json FOLDER`` and ``--markdown FOLDER`` write a file for each; every other flag goes to
all of them. The numbers of docs/performance.md come from ``python benchmarks/run.py --markdown docs/numbers``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = (
    "train_step",
    "fit",
    "cold_start",
    "predict",
    "scaling",
    "optimizer",
    "reliability",
    "certify_power",
    "certify_unseen",
    "gradcheck_vs_torch",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"out of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write FOLDER/NAME.json for each")
    parser.add_argument("--markdown", type=Path, metavar="FOLDER", help="write FOLDER/NAME.txt for each")
    arguments, flags = parser.parse_known_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"expected names out of {', '.join(BENCHMARKS)}; got {', '.join(sorted(unknown))}")
    failed = []
    for name in arguments.names or BENCHMARKS:
        more = []
        for flag, folder, suffix in (("--json", arguments.json, "json"), ("--markdown", arguments.markdown, "txt")):
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                more += [flag, str(folder / f"{name}.{suffix}")]
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *flags, *more], check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())

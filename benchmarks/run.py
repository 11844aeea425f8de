"""Runs the benchmarks one after another, each in a process of its own: ``python benchmarks/run.py --quick``.

Names choose some of them; ``--json FOLDER`` writes a file for each; every other flag goes to all of them.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("train_step", "fit", "cold_start", "predict", "scaling", "optimizer", "reliability")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"out of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write FOLDER/NAME.json for each")
    arguments, flags = parser.parse_known_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"expected names out of {', '.join(BENCHMARKS)}; got {', '.join(sorted(unknown))}")
    if arguments.json:
        arguments.json.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in arguments.names or BENCHMARKS:
        more = ["--json", str(arguments.json / f"{name}.json")] if arguments.json else []
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *flags, *more], check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())

"""Run the benchmarks one after another, each in a separate process: ``python benchmarks/run.py --quick``.

Names select benchmarks; ``speed`` and ``certify`` select those of a page. ``--json FOLDER`` and ``--markdown FOLDER``
write one file per benchmark; all other flags are passed to each of them.
``python benchmarks/run.py speed --markdown docs/numbers`` writes the tables of docs/performance.md: about 20 minutes on
two otherwise idle cores.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
GROUPS = {
    "speed": ("train_step", "fit", "cold_start", "predict", "kernels", "scaling", "memory", "optimizer"),
    "certify": ("certify_power", "certify_unseen", "checkers"),
}
SINGLE = ("sklearn_mlp", "reliability", "threads", "found_in_libraries")
BENCHMARKS = (*GROUPS["speed"], *SINGLE, *GROUPS["certify"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    known = [*GROUPS, *BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"out of {', '.join(known)}; default: all")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write FOLDER/NAME.json for each")
    parser.add_argument("--markdown", type=Path, metavar="FOLDER", help="write FOLDER/NAME.txt for each")
    arguments, flags = parser.parse_known_args()
    unknown = set(arguments.names) - set(known)
    if unknown:
        parser.error(f"expected names out of {', '.join(known)}; got {', '.join(sorted(unknown))}")
    failed = []
    chosen = [name for word in arguments.names or BENCHMARKS for name in GROUPS.get(word, (word,))]
    for name in chosen:
        more = []
        for flag, folder, suffix in (("--json", arguments.json, "json"), ("--markdown", arguments.markdown, "txt")):
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                more += [flag, str(folder / f"{name}.{suffix}")]
        start = time.perf_counter()
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *flags, *more], check=False).returncode:
            failed.append(name)
        print(f"\n({name}: {time.perf_counter() - start:.0f} s)\n", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())

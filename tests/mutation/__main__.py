"""Mutation testing of the core: small faults are put into its functions, and the tests have to notice.

    python tests/mutation [area ...] [--sample N] [--seed S] [--only FILE] [-k WORDS] [--known FILE] [--seconds S]

An area is a package, tested by its own tests: losses, optimizers, metrics, callbacks, data, training, saving. First all
tests run once, to find those of each line; areas named in one command share that run, and with ``--known`` later
commands too. Then every mutant of the areas is tried, unless ``--sample`` is given. With ``--seconds``, only the
quickest tests of each line run, which is enough for most mutants; ``--only`` then tries again the survivors that an
earlier run printed, and ``-k`` runs only the tests with these names, such as new ones. Mutants that no test can notice
are listed in equivalent.txt, with the reasons. Exits with 1 below 98 %.
"""

import argparse
import math
import os
import random
import sys
from itertools import chain
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

AREAS = {  # area -> the files of tests/ that test it
    "losses": "losses ulps",
    "optimizers": "optimizers params settings",
    "metrics": "metrics training",
    "callbacks": "callbacks training checkpoints signals ends streams plotting own_classes utils",
    "data": "arrays frames bad_inputs unusual_inputs training streams stream_resume column_names",
    "training": "training sequential signals checkpoints concurrency own_losses own_classes streams ends "
    "stream_resume column_names arrays bad_inputs",
    "saving": "saving saving_parts checkpoints forged_checkpoints files recipes_resume stream_resume ends utils",
}
GOAL = 0.98
SURVIVED = "  survived: "
CONTROLS = 5  # runs of the right code, which must pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("areas", nargs="*", choices=[*AREAS, []], help="default: all")
    parser.add_argument("--sample", type=int, help="so many mutants of each area, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=Path, help="a file with the output of an earlier run: its survivors alone")
    parser.add_argument("-k", dest="expression", default="", help="the tests to run, as for pytest; default: all")
    parser.add_argument("--known", type=Path, help="keeps the lines of each test for later runs")
    parser.add_argument("--seconds", type=float, default=math.inf, help="how long the tests of a mutant may take")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    from campaign import Campaign, equivalents

    areas = options.areas or list(AREAS)
    files = {area: sorted((ROOT / "minidl" / area).glob("*.py")) for area in AREAS}
    tests = {area: [ROOT / "tests" / f"test_{name}.py" for name in AREAS[area].split()] for area in areas}
    printed = options.only.read_text(encoding="utf-8").splitlines() if options.only else []
    wanted = {line.removeprefix(SURVIVED) for line in printed if line.startswith(SURVIVED)}
    tried = caught = 0

    def work(campaign: Campaign) -> None:
        nonlocal tried, caught
        for area in areas:
            mutants = [mutant for mutant in campaign.mutants if mutant.file in files[area]]
            gone = {label for label in equivalents() if label.startswith(f"{area}/")} - {m.label for m in mutants}
            for label in sorted(gone):
                print(f"  no longer a mutant, in equivalent.txt: {label}", flush=True)
            mutants = [mutant for mutant in mutants if mutant.label not in equivalents()]
            if options.only:
                mutants = [mutant for mutant in mutants if mutant.label in wanted]
            random.Random(options.seed).shuffle(mutants)
            mutants = mutants[: options.sample]
            campaign.check_that_right_code_passes(mutants[:CONTROLS], tests[area], options.jobs)
            right = len(mutants)
            for mutant in campaign.survivors(mutants, tests[area], options.jobs):
                print(f"{SURVIVED}{mutant.label}", flush=True)
                right -= 1
            tried, caught = tried + len(mutants), caught + right
            print(f"{area}: {right} of {len(mutants)} mutants caught", flush=True)

    mutated = [file for area in areas for file in files[area]]
    traced, every_test = (sorted(set(chain.from_iterable(lists.values()))) for lists in (files, tests))
    Campaign(mutated, every_test, work, options.seconds, options.expression, options.known, traced)
    print(f"{caught} of {tried} caught ({caught / max(tried, 1):.1%})")
    return 0 if caught >= GOAL * tried else 1


if __name__ == "__main__":
    sys.exit(main())

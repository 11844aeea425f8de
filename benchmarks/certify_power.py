"""What the certification kit sees: planted bugs, mutants, false alarms, diagnoses, times, the smallest error.

    python benchmarks/certify_power.py            # everything, some minutes
    python benchmarks/certify_power.py --every 10 # a tenth of everything

Prints each miss, each false alarm, each diagnosis that lacks the right words, and then one table. Seconds are of
processor time, so that other work on the machine does not count. Fails if a bug is missed or a right layer blamed.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.planted import BUGS, CORRECT, mutants, power

SEEDS = 20


def main(flags: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every n-th bug, seed and mutant only")
    parser.add_argument("--level", default="standard", choices=["quick", "standard", "thorough"])
    options = parser.parse_args(flags)
    bugs = []
    for planted in BUGS[:: options.every]:
        bugs.append(power.examine(planted, level=options.level))
        if not bugs[-1].diagnosed:
            print("diagnosis" if bugs[-1].detected else "MISSED   ", planted.name, "|", bugs[-1].told[:200])
    right = []
    for outcome in power.false_alarms(CORRECT, range(0, SEEDS, options.every), options.level):
        right.append(outcome)
        if outcome.certificate.outcome != "PASS":
            print("FALSE    ", outcome.planted.name, outcome.certificate.seed, outcome.told[:200])
    survivors, count = [], 0
    for kind in mutants.shipped():
        for mutant in list(mutants.mutants_of(kind))[:: options.every]:
            count += 1
            if mutant.key not in mutants.EQUIVALENT and not mutants.killed(mutant, options.level):
                survivors.append(mutant.key)
    print(*(f"SURVIVES {key}" for key in survivors), sep="\n")
    smallest = max(power.smallest_error(planted) for planted in CORRECT[:3])
    print(power.table(bugs, right, smallest))
    print(
        f"{'mutants of the shipped layers killed':<44} {count - len(survivors):>5} / {count}, the equivalent ones included"
    )
    missed = [o for o in bugs if not o.detected] + [o for o in right if o.detected] + survivors
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

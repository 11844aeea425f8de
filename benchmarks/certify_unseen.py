"""Certification of bugs whose authors had not seen the kit: detections, diagnoses, false alarms, times.

As `certify_power`, with the bugs of tests/unseen, of which the quick version takes all. Fails if a bug other than a
known miss is missed, or if a correct layer is blamed.
"""

import sys

import certify_power
import common

from tests.unseen import BUGS, CORRECT, MISSES


def main() -> int:
    arguments = common.options(__doc__, threads=1, every=certify_power.EVERY, list=certify_power.LIST)
    every = arguments.every or 1
    seeds = range(0, certify_power.SEEDS, certify_power.QUICK if arguments.quick else every)
    bugs = certify_power.of_bugs(BUGS[::every], listed=arguments.list)
    right = certify_power.of_right_layers(CORRECT, seeds, hard=False)
    tables = {
        f"{len(bugs)} bugs, one seed": certify_power.by_category(bugs),
        f"{len(CORRECT)} right layers": common.table(["", ""], certify_power.of_alarms(right)),
    }
    common.report("certify_unseen", arguments, tables, certify_power.numbers_of(bugs, right))
    missed = {outcome.planted.name for outcome in bugs if not outcome.detected} - set(MISSES)
    return int(bool(missed) or any(outcome.detected for outcome in right))


if __name__ == "__main__":
    sys.exit(main())

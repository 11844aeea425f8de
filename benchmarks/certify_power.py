"""Power of the certification kit: planted bugs, mutants, false alarms, diagnoses, times, smallest detected error.

Prints each miss, each false alarm and each diagnosis that lacks the expected words, and then the tables. Times are
processor seconds, so other work on the machine has little effect. Fails if a bug is missed or a correct layer is
blamed.

A diagnosis counts as correct if the message and cause of the first finding contain words that name the cause, or if the
suggested edit is on a line of the bug's own source. No report without a cause contains these words. They were written
after reading the kit's output, so the figure shows that diagnoses remain correct, not how a new bug would be diagnosed.
"""

import statistics
import sys
from pathlib import Path
from typing import Any

import common

sys.path.insert(0, str(Path(__file__).parents[1]))

from minidl.testing.examination import LEVELS
from tests.planted import BUGS, CATEGORIES, CORRECT, mutants, power

SEEDS = 20
QUICK = 10  # the quick version takes every tenth bug, seed and mutant
EXPECTED = "detected, and the cause or the wrong line told (words written with sight of the results)"

Outcomes = list[power.Outcome]


def of_bugs(every: int, level: str) -> Outcomes:
    """Certify the planted bugs and return the outcomes."""
    outcomes = []
    for planted in BUGS[::every]:
        outcomes.append(power.examine(planted, level=level))
        if level == "standard" and not outcomes[-1].diagnosed:
            kind = "other words" if outcomes[-1].detected else "MISSED"
            print(f"{kind}: {planted.name} | {outcomes[-1].told[:200]}", flush=True)
    return outcomes


def of_right_layers(every: int) -> Outcomes:
    """Certify the correct layers with many seeds, every second time on hard inputs."""
    outcomes = []
    for outcome in power.false_alarms(CORRECT, range(0, SEEDS, every)):
        outcomes.append(outcome)
        if outcome.certificate.outcome != "PASS":
            print(f"FALSE ALARM: {outcome.planted.name} {outcome.certificate.seed} {outcome.told[:200]}", flush=True)
    return outcomes


def of_mutants(every: int) -> tuple[int, int, list[str]]:
    """Return the number of mutants of the built-in layers, the number of equivalent ones, and the other survivors."""
    made = [mutant for kind in mutants.shipped() for mutant in list(mutants.mutants_of(kind))[::every]]
    tried = [mutant for mutant in made if mutant.key not in mutants.EQUIVALENT]
    survivors = []
    for mutant in tried:
        if not mutants.killed(mutant):
            survivors.append(mutant.key)
            print(f"SURVIVES: {mutant.key}", flush=True)
    return len(made), len(made) - len(tried), survivors


def smallest_errors(every: int) -> list[float]:
    """Return the smallest relative error of dx that is detected, for each correct layer that has a dx."""
    layers = [planted for planted in CORRECT if not planted.is_loss]
    layers = [planted for planted in layers if getattr(planted.kind, "input_domain", None) != "integer"]
    return [power.smallest_error(planted) for planted in layers[::every]]


def by_category(bugs: Outcomes) -> str:
    """Return the table of detections and diagnoses."""
    rows = []
    for category in [*CATEGORIES, "all"]:
        part = [outcome for outcome in bugs if category in (outcome.planted.category, "all")]
        counts = (sum(outcome.detected for outcome in part), sum(outcome.diagnosed for outcome in part))
        rows.append([category, *(common.share(number, len(part)) for number in counts)])
    return common.table(["category", "detected", "diagnosis right"], rows)


def by_level(levels: dict[str, tuple[Outcomes, Outcomes]]) -> str:
    """Return the table of times and detections, with one row per level."""
    rows = []
    for level, (bugs, right) in levels.items():
        cells = [common.middle_and_worst(outcome.seconds for outcome in outcomes) for outcomes in (right, bugs)]
        found = common.share(sum(outcome.detected for outcome in bugs), len(bugs))
        blamed = common.share(sum(outcome.detected for outcome in right), len(right))
        rows.append([level, found, blamed, *cells])
    header = ["level", "bugs detected", "right layers blamed", "a right layer: median, worst", "a wrong layer"]
    return common.table(header, rows)


def other_figures(right: Outcomes, mutated: tuple[int, int, list[str]], smallest: list[float]) -> str:
    """Return the table of the remaining single figures."""
    made, equivalent, survivors = mutated
    alarms, unverified = (sum(o.certificate.outcome == name for o in right) for name in ("FAIL", "UNVERIFIED"))
    killed = common.share(made - equivalent - len(survivors), made - equivalent)
    rows = [
        ["false alarms, of the runs on right layers", common.share(alarms, len(right))],
        ["runs on right layers that stay unverified", common.share(unverified, len(right))],
        ["mutants of the shipped layers that are found", killed],
        ["further mutants that compute the same", str(equivalent)],
        ["smallest relative error detected: median", f"{statistics.median(smallest):.0e}"],
        [f"the same: worst of {len(smallest)} layers", f"{max(smallest):.0e}"],
    ]
    return common.table(["", ""], rows)


def main() -> int:
    every = {"type": int, "metavar": "N", "help": "every N-th bug, seed and mutant only"}
    arguments = common.options(__doc__, threads=1, every=every)
    every = arguments.every or (QUICK if arguments.quick else 1)
    bugs, right, mutated = of_bugs(every, "standard"), of_right_layers(every), of_mutants(every)
    levels: dict[str, Any] = {}
    for level in LEVELS:
        once = [power.examine(planted, level=level) for planted in CORRECT[::every]]
        levels[level] = (bugs if level == "standard" else of_bugs(every, level)), once
    smallest = smallest_errors(every)
    tables = {
        EXPECTED: by_category(bugs),
        "right layers, mutants, precision": other_figures(right, mutated, smallest),
        "by level, one seed": by_level(levels),
    }
    numbers = {
        "bugs": {outcome.planted.name: [outcome.detected, outcome.diagnosed, outcome.seconds] for outcome in bugs},
        "right": [[o.planted.name, o.certificate.seed, o.certificate.outcome, o.seconds] for o in right],
        "smallest": smallest,
        "survivors": mutated[2],
    }
    common.report("certify_power", arguments, tables, numbers)
    return int(not all(o.detected for o in bugs) or any(o.detected for o in right) or bool(mutated[2]))


if __name__ == "__main__":
    sys.exit(main())

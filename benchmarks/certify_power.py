"""Power of the certification kit: planted bugs, mutants, false alarms, diagnoses, times, smallest detected error.

Prints each miss, each false alarm and each diagnosis that lacks the expected words as it comes, then the tables. With
``--list``, also prints the edit of each bug, followed by the first finding, so that a reader can judge the diagnoses.
Times are processor seconds, so other work on the machine has little effect. Fails if a bug is missed or a correct layer
is blamed.

A diagnosis counts as correct if the message and cause of the first finding contain words that name the cause, or if the
suggested edit is on a wrong line. No report without a cause contains these words. They were written after reading the
kit's output, so the figure shows that diagnoses remain correct, not how a new bug would be diagnosed.
"""

import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import common

sys.path.insert(0, str(Path(__file__).parents[1]))

from minidl.testing.examination import LEVELS
from tests.planted import BUGS, CATEGORIES, CORRECT, Planted, mutants, power

T = TypeVar("T")
SEEDS = 20
QUICK = 10  # the quick version takes every tenth bug, seed and mutant
EXPECTED = "detected, and the cause or the wrong line told (words written with sight of the results)"
EVERY = {"type": int, "metavar": "N", "help": "every N-th bug, seed and mutant only"}
LIST = {"action": "store_true", "help": "print for every bug its edit and what the kit says"}

Outcomes = list[power.Outcome]


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield the items, and print now and then how many are done."""
    for number, item in enumerate(items, 1):
        yield item
        if number % 25 == 0 or number == total:
            print(f"{number} of {total} {what}", flush=True)


def of_bugs(bugs: list[Planted], level: str = "standard", listed: bool = False) -> Outcomes:
    """Certify bugs; print those that are missed or told in other words."""
    outcomes = []
    for planted in progress(bugs, len(bugs), f"bugs at the {level} level"):
        outcomes.append(power.examine(planted, level=level))
        if listed:
            print(planted.name, planted.truth, *planted.edits, f"TOLD: {outcomes[-1].told}", "", sep="\n")
        elif level == "standard" and not outcomes[-1].diagnosed:
            kind = "OTHER WORDS" if outcomes[-1].detected else "MISSED"
            print(f"{kind}: {planted.name} | {planted.truth} | {outcomes[-1].told[:200]}", flush=True)
    return outcomes


def of_right_layers(correct: list[Planted], seeds: range, hard: bool = True) -> Outcomes:
    """Certify correct layers with many seeds, every second time on hard inputs if ``hard``."""
    outcomes = []
    runs = power.false_alarms(correct, seeds, hard)
    for outcome in progress(runs, len(correct) * len(seeds), "runs on right layers"):
        outcomes.append(outcome)
        if outcome.certificate.outcome != "PASS":
            print(f"FALSE ALARM: {outcome.planted.name} {outcome.certificate.seed} {outcome.told[:200]}", flush=True)
    return outcomes


def of_mutants(every: int) -> tuple[int, int, list[str]]:
    """Return the number of mutants of the built-in layers, the number of equivalent ones, and the other survivors."""
    made = [mutant for kind in mutants.shipped() for mutant in list(mutants.mutants_of(kind))[::every]]
    tried = [mutant for mutant in made if mutant.key not in mutants.EQUIVALENT]
    survivors = []
    for mutant in progress(tried, len(tried), "mutants"):
        if not mutants.killed(mutant):
            survivors.append(mutant.key)
            print(f"SURVIVES: {mutant.key}", flush=True)
    return len(made), len(made) - len(tried), survivors


def smallest_errors(every: int) -> list[float]:
    """Return the smallest relative error of dx that is detected, for each correct layer that has a dx."""
    layers = [planted for planted in CORRECT if not planted.is_loss]
    layers = [planted for planted in layers if getattr(planted.kind, "input_domain", None) != "integer"][::every]
    return [power.smallest_error(planted) for planted in progress(layers, len(layers), "smallest errors")]


def by_category(bugs: Outcomes) -> str:
    """Return the table of detections, diagnoses and times."""
    rows = []
    for category in [*CATEGORIES.values(), "all"]:
        part = [outcome for outcome in bugs if category in (outcome.planted.category, "all")]
        counts = (sum(outcome.detected for outcome in part), sum(outcome.diagnosed for outcome in part))
        times = common.middle_and_worst(outcome.seconds for outcome in part)
        rows.append([category, *(common.share(number, len(part)) for number in counts), times])
    return common.table(["category", "detected", "diagnosis right", "a wrong layer: median, worst"], rows)


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


def of_alarms(right: Outcomes) -> list[list[str]]:
    """Return the rows on false alarms."""
    alarms, unverified = (sum(o.certificate.outcome == name for o in right) for name in ("FAIL", "UNVERIFIED"))
    return [
        ["false alarms, of the runs on right layers", common.share(alarms, len(right))],
        ["runs on right layers that stay unverified", common.share(unverified, len(right))],
        ["a right layer: median, worst", common.middle_and_worst(outcome.seconds for outcome in right)],
    ]


def of_precision(mutated: tuple[int, int, list[str]], smallest: list[float]) -> list[list[str]]:
    """Return the rows on mutants and on small errors."""
    made, equivalent, survivors = mutated
    killed = common.share(made - equivalent - len(survivors), made - equivalent)
    return [
        ["mutants of the shipped layers that are found", killed],
        ["further mutants that compute the same", str(equivalent)],
        ["smallest relative error detected: median", f"{statistics.median(smallest):.0e}"],
        [f"the same: worst of {len(smallest)} layers", f"{max(smallest):.0e}"],
    ]


def numbers_of(bugs: Outcomes, right: Outcomes) -> dict[str, Any]:
    """Return the numbers behind the tables."""
    return {
        "bugs": {outcome.planted.name: [outcome.detected, outcome.diagnosed, outcome.seconds] for outcome in bugs},
        "right": [[o.planted.name, o.certificate.seed, o.certificate.outcome, o.seconds] for o in right],
    }


def main() -> int:
    arguments = common.options(__doc__, threads=1, every=EVERY, list=LIST)
    every = arguments.every or (QUICK if arguments.quick else 1)
    bugs = of_bugs(BUGS[::every], listed=arguments.list)
    right, mutated = of_right_layers(CORRECT, range(0, SEEDS, every)), of_mutants(every)
    levels: dict[str, Any] = {}
    for level in LEVELS:
        once = [power.examine(planted, level=level) for planted in CORRECT[::every]]
        levels[level] = (bugs if level == "standard" else of_bugs(BUGS[::every], level)), once
    smallest = smallest_errors(every)
    tables = {
        EXPECTED: by_category(bugs),
        "right layers, mutants, precision": common.table(["", ""], of_alarms(right) + of_precision(mutated, smallest)),
        "by level, one seed": by_level(levels),
    }
    numbers = numbers_of(bugs, right) | {"smallest": smallest, "survivors": mutated[2]}
    common.report("certify_power", arguments, tables, numbers)
    return int(not all(o.detected for o in bugs) or any(o.detected for o in right) or bool(mutated[2]))


if __name__ == "__main__":
    sys.exit(main())

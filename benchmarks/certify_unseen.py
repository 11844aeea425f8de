"""What the certification kit sees of bugs by authors who had not seen it: detections, false alarms, times.

Prints each miss and each false alarm, and then the tables; with ``--list`` for every bug what is wrong, in its author's
words, above what the first finding says, so that a reader can judge the diagnoses. Seconds are of processor time. Fails
if a bug is missed that is no known miss, or if a right layer is blamed.
"""

import sys
import tempfile
from pathlib import Path

import common

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.planted import power
from tests.unseen import BUGS, CATEGORIES, CORRECT, MISSES, Bug, right

SEEDS = 20
QUICK = 2  # seeds of a right layer in the quick form, which takes all bugs

Examined = list[tuple[Bug, power.Outcome]]


def of_bugs(folder: Path) -> Examined:
    """Certify every bug once."""
    examined = []
    for bug in BUGS:
        outcome = power.examine(bug.plant(folder))
        examined.append((bug, outcome))
        if not outcome.detected:
            print(f"MISSED: {bug.name} | {bug.truth} | {MISSES.get(bug.name, 'not known')}", flush=True)
    return examined


def of_right_layers(seeds: int) -> list[power.Outcome]:
    """Certify every right layer with many seeds."""
    outcomes = []
    for planted in map(right, CORRECT):
        for seed in range(seeds):
            outcomes.append(power.examine(planted, seed=seed))
            if outcomes[-1].certificate.outcome != "PASS":
                print(f"FALSE ALARM: {planted.name} {seed} {outcomes[-1].told[:200]}", flush=True)
    return outcomes


def diagnosis(outcome: power.Outcome) -> str:
    """Return the first ``why`` line; without one, what the first finding says."""
    if not outcome.certificate.findings:
        return outcome.certificate.outcome
    finding = outcome.certificate.findings[0]
    return finding.why or f"{finding.check}: {finding.message}"


def by_category(examined: Examined) -> str:
    """Return the table of detections, a category a row."""
    rows = []
    for category in [*CATEGORIES.values(), "all"]:
        part = [outcome for bug, outcome in examined if category in (bug.category, "all")]
        found = common.share(sum(outcome.detected for outcome in part), len(part))
        told = common.share(sum(outcome.diagnosed for outcome in part), len(part))
        rows.append([category, found, told, common.middle_and_worst(outcome.seconds for outcome in part)])
    return common.table(["category", "detected", "diagnosis right", "a wrong layer: median, worst"], rows)


def of_the_right(outcomes: list[power.Outcome]) -> str:
    """Return the table of false alarms."""
    rows = []
    for title, name in (("false alarms, of the runs", "FAIL"), ("runs that stay unverified", "UNVERIFIED")):
        rows.append([title, common.share(sum(o.certificate.outcome == name for o in outcomes), len(outcomes))])
    rows.append(["a right layer: median, worst", common.middle_and_worst(outcome.seconds for outcome in outcomes)])
    return common.table(["", ""], rows)


def main() -> int:
    listing = {"action": "store_true", "help": "print for every bug what is wrong and what the kit says"}
    arguments = common.options(__doc__, threads=1, list=listing)
    with tempfile.TemporaryDirectory() as folder:
        examined = of_bugs(Path(folder))
    if arguments.list:
        for bug, outcome in examined:
            print(f"{bug.name}\n  truth  {bug.truth}\n  told   {diagnosis(outcome)}")
    outcomes = of_right_layers(QUICK if arguments.quick else SEEDS)
    tables = {
        f"{len(BUGS)} bugs, one seed": by_category(examined),
        f"{len(CORRECT)} right layers": of_the_right(outcomes),
    }
    numbers = {
        "bugs": {bug.name: [o.detected, diagnosis(o), o.seconds] for bug, o in examined},
        "right": [[o.planted.name, o.certificate.seed, o.certificate.outcome, o.seconds] for o in outcomes],
    }
    common.report("certify_unseen", arguments, tables, numbers)
    missed = {bug.name for bug, outcome in examined if not outcome.detected} - set(MISSES)
    return int(bool(missed) or any(outcome.detected for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())

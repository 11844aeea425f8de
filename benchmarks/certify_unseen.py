"""Certification of bugs whose authors had not seen the kit: detections, false alarms, times.

Prints each miss and each false alarm, and then the tables. With ``--list``, also prints what is wrong for each bug in
its author's words, followed by the first finding, so that a reader can judge the diagnoses. Times are processor
seconds. Fails if a bug other than a known miss is missed, or if a correct layer is blamed.
"""

import sys
import tempfile
from pathlib import Path

import common

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.planted import power
from tests.unseen import BUGS, CATEGORIES, CORRECT, MISSES, Bug, right

SEEDS = 20
QUICK = 2  # seeds of each correct layer in the quick version, which takes all bugs

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
    """Certify every correct layer with many seeds."""
    outcomes = []
    for planted in map(right, CORRECT):
        for seed in range(seeds):
            outcomes.append(power.examine(planted, seed=seed))
            if outcomes[-1].certificate.outcome != "PASS":
                print(f"FALSE ALARM: {planted.name} {seed} {outcomes[-1].told[:200]}", flush=True)
    return outcomes


def diagnosis(outcome: power.Outcome) -> str:
    """Return the first ``why`` line or, if there is none, the message of the first finding."""
    if not outcome.certificate.findings:
        return outcome.certificate.outcome
    finding = outcome.certificate.findings[0]
    return finding.why or f"{finding.check}: {finding.message}"


def by_category(examined: Examined) -> str:
    """Return the table of detections, with one row per category."""
    rows = []
    for category in [*CATEGORIES.values(), "all"]:
        part = [outcome for bug, outcome in examined if category in (bug.category, "all")]
        found = common.share(sum(outcome.detected for outcome in part), len(part))
        told = common.share(sum(outcome.diagnosed for outcome in part), len(part))
        rows.append([category, found, told, common.middle_and_worst(outcome.seconds for outcome in part)])
    return common.table(["category", "detected", "diagnosis right", "a wrong layer: median, worst"], rows)


def of_the_right(outcomes: list[power.Outcome]) -> str:
    """Return the table of false alarms on correct layers."""
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

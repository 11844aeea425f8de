"""The exercises of the course, two for each chapter, graded by the library and its certification kit.

``python examples/exercises`` lists them, ``... start 6`` writes the file to fill in, and ``... check 6`` grades it.
"""

import argparse
import json
import sys
from pathlib import Path

from exercise import Answer
from grading import EXERCISES, grade, of_chapter

HINTS = {1: "whether it is solved", 2: "which array is wrong, and where", 3: "the likely cause"}
OPENING = '''"""Exercises of chapter {chapter}. Fill them in, then: python examples/exercises check {chapter}"""

import numpy as np

from minidl import Layer, Loss

'''


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if every exercise checked is solved."""
    parser = argparse.ArgumentParser(prog="python examples/exercises", description="The exercises of the course.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("list", help="list the exercises")
    for name, text in (("start", "write the file to fill in"), ("check", "grade the file")):
        command = commands.add_parser(name, help=text)
        command.add_argument("chapter", type=int, help="from 1 to 14")
        command.add_argument("file", nargs="?", type=Path, help="default: exercise06.py for chapter 6")
        if name == "check":
            command.add_argument("--hint", type=int, choices=HINTS, default=1, help="1: verdict; 2: place; 3: cause")
            command.add_argument("--seed", type=int, default=0, help="draws the numbers, one for each learner")
            command.add_argument("--json", action="store_true", help="everything, for a teacher's program")
    options = parser.parse_args(arguments)
    if options.command in (None, "list"):
        return _say("\n".join(f"{number:5} {exercise.name}" for number, exercise in EXERCISES.items()))
    try:
        exercises = of_chapter(options.chapter)
    except ValueError as error:
        parser.error(str(error))
    file = options.file or Path(f"exercise{options.chapter:02}.py")
    if options.command == "start":
        if file.exists():
            parser.error(f"{file} exists already: pass another name.")
        stubs = "\n\n".join(f"# Exercise {exercise.number}\n{exercise.stub}" for exercise in exercises)
        file.write_text(OPENING.format(chapter=options.chapter) + stubs, encoding="utf-8")
        return _say(f"Fill in {file}, then run: python examples/exercises check {options.chapter}")
    if not file.is_file():
        parser.error(f"{file} does not exist: run `python examples/exercises start {options.chapter}` first.")
    answers = grade(options.chapter, file, options.seed)
    if options.json:
        _say(json.dumps({"seed": options.seed, **{n: answer._asdict() for n, answer in answers.items()}}, indent=1))
    else:
        _say("\n".join(_told(number, answer, options.hint) for number, answer in answers.items()))
    return 0 if all(answer.passed for answer in answers.values()) else 1


def _told(number: str, answer: Answer, hint: int) -> str:
    if answer.passed:
        return f"{number} {EXERCISES[number].name}: correct."
    lines = [
        f"{number} {EXERCISES[number].name}: not correct yet.",
        f"  where: {answer.place}",
        f"  why: {answer.cause}",
    ]
    more = f"  --hint {hint + 1} tells {HINTS[hint + 1]}." if hint < len(HINTS) else ""
    return "\n".join([*lines[:hint], more]).rstrip()


def _say(text: str) -> int:
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

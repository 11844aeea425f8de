"""Grading: the exercises by chapter, and the check of a learner's file."""

import importlib.util
from pathlib import Path
from typing import Any

import gradients
import practice
import units
from exercise import Answer, Exercise

from minidl.errors import ArgumentError

EXERCISES: dict[str, Exercise] = {
    exercise.number: exercise for exercise in (*units.EXERCISES, *gradients.EXERCISES, *practice.EXERCISES)
}


def of_chapter(chapter: int) -> list[Exercise]:
    """Return the exercises of a chapter, or raise an `ArgumentError` if there is no such chapter."""
    found = [exercise for number, exercise in EXERCISES.items() if number.split(".")[0] == str(chapter)]
    if not found:
        raise ArgumentError(f"chapter: expected a number from 1 to 14, got {chapter}.")
    return found


def names_in(file: Path) -> dict[str, Any]:
    """Run a learner's file and return the names that it defines."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{file}: expected a Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


def grade(chapter: int, file: Path | str, seed: int = 0) -> dict[str, Answer]:
    """Return the results of a chapter's exercises in a file, by exercise number.

    Parameters
    ----------
    chapter : int
        From 1 to 14.
    file : path
        The learner's file, which is run.
    seed : int
        Seed for the arguments; use a different one for each learner, for example.

    Raises
    ------
    ArgumentError
        If there is no such chapter.
    """
    exercises, names = of_chapter(chapter), names_in(Path(file))
    return {exercise.number: exercise.grade(names, seed) for exercise in exercises}

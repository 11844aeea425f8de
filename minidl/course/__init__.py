"""The exercises of the course: two for each chapter, graded by the library and its certification kit.

``python -m minidl.course`` lists them, ``python -m minidl.course start 6`` writes the file to fill in, and ``python -m
minidl.course check 6`` grades it.
"""

from minidl.course.exercise import Answer, Exercise
from minidl.course.grading import EXERCISES, grade

__all__ = ["EXERCISES", "Answer", "Exercise", "grade"]

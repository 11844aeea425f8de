"""40 right layers and losses and 103 bugs in them.

The author of 24 layers and 80 bugs had not seen the certification kit. The right layers stand as they were before the
kit first met them, and so do the edits; a comment says what is wrong, in the words of the author. F38 to F46, and their
layers, are by a later author, who had: they are those of 34 bugs that were found but not told right at first. F47 to
F58, R15 and S14 are those of 63 more; at first, F50 ended Python.
`MISSES` is what the kit does not find today.
"""

from tests.planted.registry import read

__all__ = ["BUGS", "CORRECT", "MISSES"]

MISSES = {
    "S09_elman": "a second backward after one forward raises, which the rules for layers do not forbid",
}
CORRECT, BUGS = read(__name__)

"""Right layers, and bugs in them as edits of their sources: what the certification kit must tell apart."""

from tests.planted.registry import CATEGORIES, Planted, read

__all__ = ["BUGS", "CATEGORIES", "CORRECT", "Planted"]

CORRECT, BUGS = read(__name__)

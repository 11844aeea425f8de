"""Inspect a model: its summary, the arrays of one step, and that step written out with its numbers."""

from minidl.explain.explanation import explain
from minidl.explain.summary import html, summary
from minidl.explain.trace import Step, Trace, trace

__all__ = ["Step", "Trace", "explain", "html", "summary", "trace"]

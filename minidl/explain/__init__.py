"""Inspect a model: a summary, a trace of one step, and the step written out."""

from minidl.explain.explanation import explain
from minidl.explain.summary import html, summary
from minidl.explain.trace import Step, Trace, trace

__all__ = ["Step", "Trace", "explain", "html", "summary", "trace"]

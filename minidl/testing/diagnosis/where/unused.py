"""Unused: what forward keeps or uses, or backward computes, and nothing in backward reads."""

import ast

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis


def never_read(e: Evidence) -> Claims:
    """Claim that backward leaves out an inner layer, or a value that was computed for it."""
    nodes = [(f, node) for f in e.functions if f.values for node in ast.walk(f.tree) if hasattr(node, "ctx")]
    stored = [(f, ast.unparse(node), node) for f, node in nodes if isinstance(node.ctx, ast.Store)]
    read = {(f.tree.name == "forward", ast.unparse(node)) for f, node in nodes if isinstance(node.ctx, ast.Load)}
    for path in e.context.layer.sublayers():
        name = f"self.{path}"
        if (True, name) in read and (False, name) not in read:
            text = f"{name} takes part in forward, and its backward is not called: its derivative is left out"
            yield Hypothesis(text)
    for f, name, node in stored:
        place, array = f.place(node), np.ndim(f.values.get(name, 0.0)) > 0
        if array and isinstance(node, ast.Name) and f.tree.name != "forward" and (False, name) not in read:
            yield Hypothesis(f"{name} is computed and never used: a factor or a term with it is missing", 3.5, *place)
    for f, name, node in stored:
        if name.startswith("self._") and f.tree.name == "forward" and not {(True, name), (False, name)} & read:
            text = f"nothing uses {name}, which forward keeps: a factor or a term with it may be missing"
            yield Hypothesis(text, OPEN + 2, *f.place(node))

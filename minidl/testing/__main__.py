"""``python -m minidl.testing mypkg.layers:MyLayer --level thorough --json out.json``: certify from the command line."""

import argparse
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minidl.errors import ArgumentError
from minidl.layers.base import Layer
from minidl.losses import Loss
from minidl.testing import certify, certify_loss
from minidl.testing.registry import LEVELS
from minidl.testing.subject import Subject


def subjects(target: str) -> Iterator[Any]:
    """Yield the object that ``module:name`` refers to, or all subjects, layers and losses of ``module``."""
    module_name, _, name = target.partition(":")
    module = importlib.import_module(module_name)
    if name:
        if not hasattr(module, name):
            raise ArgumentError(f"certify: expected a name in {module_name}, got {name!r}.")
        yield getattr(module, name)
        return
    for value in vars(module).values():
        certifiable = isinstance(value, type) and issubclass(value, (Layer, Loss)) and not inspect.isabstract(value)
        if isinstance(value, Subject) or (certifiable and value.__module__ == module_name):
            yield value


def main(arguments: list[str] | None = None) -> int:
    """Certify the objects named on the command line; return the exit code, 0 only if all of them passed."""
    parser = argparse.ArgumentParser(prog="python -m minidl.testing", description="Certify layers and losses.")
    parser.add_argument("targets", nargs="+", metavar="module:name", help="a layer, its class or factory, or a module")
    parser.add_argument("--level", choices=LEVELS, default="standard")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input-shape", type=int, nargs="+", help="shape of a row")
    parser.add_argument("--json", type=Path, help="write the certificates here")
    given = parser.parse_args(arguments)
    sys.path.insert(0, str(Path.cwd()))
    shape = tuple(given.input_shape) if given.input_shape else None
    certificates = []
    for target in given.targets:
        for subject in subjects(target):
            if isinstance(subject, type) and issubclass(subject, Loss):
                subject = subject()
            function = certify_loss if isinstance(subject, Loss) else certify
            found = function(subject, input_shape=shape, level=given.level, seed=given.seed, on_fail="return")
            certificates.append(found)
            print(found)
    if given.json:
        text = ",\n".join(certificate.to_json(indent=2) for certificate in certificates)
        given.json.write_text(f"[{text}]", encoding="utf-8")
    return 0 if certificates and all(certificates) else 1


if __name__ == "__main__":
    sys.exit(main())

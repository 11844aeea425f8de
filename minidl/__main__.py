"""The command ``python -m minidl inspect FILE``: print what a model file holds, without building the model."""

import argparse
import os
import sys
from typing import Any

from minidl.errors import MinidlError
from minidl.saving import file_errors, read_content

WIDTH, ITEMS = 400, 20  # maximum number of characters per line and items per list that are printed


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 1 for a file that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m minidl", description=__doc__)
    parser.add_argument("command", choices=["inspect"], metavar="inspect", help="print what a model file holds")
    parser.add_argument("file")
    path = parser.parse_args(arguments).file
    try:
        content, arrays = read_content(path)
        with file_errors(path):
            lines = describe(path, content, arrays)
        _print(lines)
    except BrokenPipeError:  # the user quit the pager
        pass
    except (OSError, MinidlError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _print(lines: list[str]) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    cut = (line if len(line) <= WIDTH else f"{line[:WIDTH]}..." for line in lines)
    clean = (line if line.isprintable() else ascii(line) for line in cut)  # no control codes for the terminal
    try:
        print("\n".join(clean).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes the rest when it exits
        raise


def describe(path: str, content: dict[str, Any], arrays: dict[str, Any]) -> list[str]:
    """Return the lines that describe the content of a model file."""
    environment = ", ".join(f"{name} {version}" for name, version in content["environment"].items())
    first = f"{path}: format {content['format']}, written by minidl {content['minidl']} ({environment})"
    lines = [first, "whole: its SHA-256 is right", "", "model", *_object(content["model"], 1)]
    training, run = content["training"], content["run"]
    if training is not None:
        epochs = dict(content["state"]["randomness"]["dict"])["epochs"]
        state = dict(training["optimizer_state"]["dict"])
        lines += ["", "training", f"  so far: {epochs} epochs, {state['iterations']} steps"]
        if training["history"] is not None:
            logs = dict(training["history"]["dict"])["history"]["dict"]
            lines += [f"  last epoch: {', '.join(f'{name}={_plain(values[-1])}' for name, values in logs if values)}"]
        for name, value in training["compile"].items():
            lines += [f"  {name}:", *_object(value, 2)] if isinstance(value, dict) else [f"  {name}: {_plain(value)}"]
    if run is not None:
        lines += ["", f"a run of fit under way: epoch {run['epoch'] + 1}, {run['batch']} batches done"]
    total = sum(array.nbytes for array in arrays.values())
    weights = sum(array.size for name, array in arrays.items() if name.startswith("weights/"))
    lines += ["", f"{len(arrays)} arrays, {total:,} bytes; {weights:,} values in the weights"]
    width = min(max(map(len, arrays), default=0), 100)
    lines += [f"  {name:{width}}  {array.dtype}  {array.shape}" for name, array in sorted(arrays.items())]
    return lines


def _object(encoded: Any, depth: int) -> list[str]:
    """Return the line of an encoded object, followed by those of the layers inside it."""
    if not isinstance(encoded, dict) or "class" not in encoded:
        return ["  " * depth + _plain(encoded)]
    config = dict(encoded["config"])
    layers = config.pop("layers", [])
    name = f" {encoded['name']!r}" if encoded.get("name") else ""
    frozen = "" if encoded.get("trainable", True) else " (frozen)"
    lines = ["  " * depth + f"{encoded['class']}{name}: {_settings(config)}{frozen}".rstrip(": ")]
    return lines + [line for layer in layers for line in _object(layer, depth + 1)]


def _settings(config: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_plain(value)}" for name, value in config.items() if value is not None)


def _plain(value: Any) -> str:
    """Return an encoded value in readable form."""
    if isinstance(value, dict) and "class" in value:
        return f"{value['class']}({_settings(value['config'])})"
    if isinstance(value, dict) and len(value) == 1:
        return _plain(next(iter(value.values())))
    if isinstance(value, list):
        more = [f"and {len(value) - ITEMS} more"] if len(value) > ITEMS else []
        return f"[{', '.join([*map(_plain, value[:ITEMS]), *more])}]"
    return repr(value)[:200]


if __name__ == "__main__":
    raise SystemExit(main())

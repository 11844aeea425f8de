"""The test run: Markdown pages and docstrings are executed, each page in an empty folder of its own."""

import contextlib
import doctest
import importlib.util
import io
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

import minidl

pytest_plugins = ["pytester"]
# run by the tests that look at them, and by the documentation's build
collect_ignore_glob = [
    *("tests/data/libraries/*", "tests/keras_scripts/*", "tests/mutation/*"),
    *("tests/planted/*", "tests/typing/*", "tests/unseen/*"),
    *("docs/*.py", "docs/_build/*", "examples/*"),
]

HOME = Path(__file__).parent
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of nohup, or of a job in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.append(
    str(HOME / "benchmarks")
)  # house and package; last, for its distributed.py has the name of dask's package

# A busy machine is no failure; and the same examples come every time, so that a failure can be looked at.
settings.register_profile(
    "minidl", deadline=None, derandomize=True, print_blob=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("minidl")


def enter_an_empty_folder(namespace: dict[str, Any]) -> None:
    namespace["_folder"] = tempfile.TemporaryDirectory()
    os.chdir(namespace["_folder"].name)
    namespace["missing"] = lambda package: importlib.util.find_spec(package) is None  # for "skip: next if(...)"


def leave_the_folder(namespace: dict[str, Any]) -> None:
    os.chdir(HOME)
    namespace["_folder"].cleanup()


OUTPUT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run_block(example: Example) -> None:
    """Run a block of code without prompts, and remember what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        PythonEvaluator()(example)
    example.namespace["_printed"] = printed.getvalue()


def compare_output(example: Example) -> None:
    """Compare the block of text after a block of code that prints with what it has printed."""
    printed = example.namespace.pop("_printed", "")
    if printed and not doctest.OutputChecker().check_output(example.parsed, printed, OUTPUT):
        raise AssertionError(f"expected\n{example.parsed}\ngot\n{printed}")


class PythonBlockParser(PythonCodeBlockParser):
    """Blocks with prompts are doctests; those without run as a whole."""

    def __init__(self) -> None:
        super().__init__(doctest_optionflags=OUTPUT)
        self.codeblock_parser = CodeBlockParser("python", run_block)


pytest_collect_file = Sybil(
    parsers=[PythonBlockParser(), CodeBlockParser("text", compare_output), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=enter_an_empty_folder,
    teardown=leave_the_folder,
).pytest()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the campaigns measured, behind everything else."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    figures = [text for report in reports for name, text in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(figures))


@pytest.fixture(autouse=True)
def names_of_docstring_examples(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["np"] = np
    doctest_namespace["minidl"] = minidl
    doctest_namespace.update({name: getattr(minidl, name) for name in getattr(minidl, "__all__", ())})

"""Campaign: run the tests of each mutant's function, each mutant in a separate process."""

import cProfile
import gc
import itertools
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from mutants import Mutant, mutants_of

PATIENCE, LEAST = 10, 20.0  # a mutant that computes so much longer than the right code, or so many seconds, hangs
STUCK = 60  # times the same on the clock: one that waits without end; a busy machine must not look like it
FEW = 5  # tests that may fail while functions are counted: those with a time limit
OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", "-m", "not slow"]


class Campaign:
    """The mutants of some files, and the tests that execute each of their functions.

    Parameters
    ----------
    files : list of Path
        What is mutated.
    tests : list of Path
        Files of tests; they must pass on the right code.
    seconds : float, optional
        Only the quickest tests of each function are run, which take so long together.
    """

    def __init__(self, files: list[Path], tests: list[Path], seconds: float = math.inf) -> None:
        self.seconds = seconds
        self.tests_of: dict[tuple[str, int], dict[str, float]] = {}
        self.file_of: dict[str, Path] = {}  # of a test
        self.log = os.devnull  # takes what pytest prints
        self.files = {str(file) for file in files}
        watch = Watch(self)
        run(tests, [watch])
        if len(watch.failed) > FEW or not self.tests_of:
            raise SystemExit("expected tests that pass on the right code")
        for left_out in sorted(watch.failed):
            print(f"left out, because it fails while functions are counted: {left_out}", flush=True)
        self.mutants = [mutant for file in files for mutant in mutants_of(file)]
        self.functions: dict[tuple[str, int, str], list[FunctionType]] = {}
        self.caches = [thing for thing in gc.get_objects() if isinstance(thing, type(equivalents))]
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in self.files:
                code = thing.__code__
                self.functions.setdefault((code.co_filename, code.co_firstlineno, code.co_name), []).append(thing)

        missing = [m.label for m in self.mutants if (str(m.file), m.line, m.function) not in self.functions]
        if missing:
            raise SystemExit(f"these functions are not in the running program: {missing[:3]}; did a file change?")

    def survivors(self, mutants: list[Mutant], jobs: int) -> Iterator[Mutant]:
        """Yield the mutants that no test notices, each as soon as its tests have passed."""
        left, running = list(mutants), {}
        while left or running:
            while left and len(running) < jobs:
                mutant = left.pop()
                running[self._started(mutant)] = mutant
            child, status = os.wait()
            mutant = running.pop(child)
            if os.waitstatus_to_exitcode(status) == 0:
                yield mutant

    def check_that_right_code_passes(self, mutants: list[Mutant], jobs: int) -> None:
        """End the program if the tests fail where nothing has been changed: then every mutant would seem caught."""
        right = [
            mutant._replace(code=self.functions[key][0].__code__)
            for mutant in mutants
            if (key := (str(mutant.file), mutant.line, mutant.function)) in self.functions
        ]
        with tempfile.NamedTemporaryFile() as log:
            self.log = log.name
            failed = len(right) - sum(1 for _ in self.survivors(right, jobs))
            self.log = os.devnull
            if failed:
                said = [line for line in log.read().decode().splitlines() if line.startswith(("FAILED", "ERROR", "E "))]
                raise SystemExit("\n".join([*said, f"the right code failed its tests {failed} times of {len(right)}"]))

    def _tests(self, mutant: Mutant) -> dict[str, float]:
        """Return the tests of a mutant's function with the time that each takes."""
        tests = sorted(self.tests_of.get((str(mutant.file), mutant.line), {}).items(), key=itemgetter(1))
        spent = itertools.accumulate(seconds for _, seconds in tests)
        return dict(test for test, end in zip(tests, spent, strict=True) if end <= self.seconds or test is tests[0])

    def _started(self, mutant: Mutant) -> int:
        """Begin to test a mutant in a child process, which ends with 0 if nothing is noticed."""
        child = os.fork()
        if child:
            return child
        sink = os.open(self.log, os.O_WRONLY | os.O_APPEND)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        tests = self._tests(mutant)
        limit = LEAST + PATIENCE * sum(tests.values())
        for timer, number, seconds in (
            (signal.ITIMER_PROF, signal.SIGPROF, limit),
            (signal.ITIMER_REAL, signal.SIGALRM, STUCK * limit),
        ):
            signal.signal(number, signal.SIG_DFL)
            signal.setitimer(timer, seconds)
        status = 1
        try:
            for function in self.functions.get((str(mutant.file), mutant.line, mutant.function), []):
                function.__code__ = mutant.code
            for results in self.caches:  # of the right code
                results.cache_clear()
            files = sorted({self.file_of[test] for test in tests})
            status = 0 if not tests or run(files, [Choice(tests)], "-x") == 0 else 1
        finally:
            os._exit(status)


class Choice:
    """A plugin of pytest that runs these tests alone, the quick ones first."""

    def __init__(self, tests: dict[str, float]) -> None:
        self.tests = tests

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.tests), key=lambda i: self.tests[i.nodeid])


class Watch:
    """A plugin of pytest that notes which test executes which function, and how long it computes."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        profile = cProfile.Profile(builtins=False)
        start = time.process_time()
        profile.enable()
        yield
        profile.disable()
        spent = time.process_time() - start
        if item.nodeid in self.failed:
            return
        self.campaign.file_of[item.nodeid] = item.path
        for code in [entry.code for entry in profile.getstats() if isinstance(entry.code, CodeType)]:
            if code.co_filename in self.campaign.files:
                self.campaign.tests_of.setdefault((code.co_filename, code.co_firstlineno), {})[item.nodeid] = spent


def is_of(module: object, files: list[Path]) -> bool:
    """Return whether a module was read from one of the files."""
    name = getattr(module, "__file__", None)
    return isinstance(name, str) and Path(name) in files


def run(tests: list[Any], plugins: list[Any], *options: str) -> int:
    """Import and run tests in this process, with a temporary folder for it alone; return 0 if all pass."""
    for name in [name for name, module in sys.modules.items() if is_of(module, tests)]:
        del sys.modules[name]  # what the tests hold has been used
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return int(
            pytest.main([*OPTIONS, *options, "--basetemp", f"{folder}/tests", *map(str, tests)], plugins=plugins)
        )


@cache
def equivalents() -> dict[str, str]:
    """Return the mutants that no test can notice, with the reasons."""
    lines = (Path(__file__).parent / "equivalent.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.split(" # ") for line in lines if line and not line.startswith("#")]
    return {label.strip(): reason.strip() for label, reason in entries}

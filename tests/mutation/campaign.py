"""Campaign: collect some tests once, then run those of each mutant's line in a separate process.

No test runs in the process that collects them. A child runs all of them and notes which lines each one executes; then
each mutant gets a child, which starts with modules that are imported and tests that have never been run.
"""

import gc
import importlib
import itertools
import linecache
import math
import os
import pickle
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any, NamedTuple

import pytest
from mutants import Mutant, mutants_of

PATIENCE, LEAST = 10, 5.0  # a test that computes so much longer than on the right code, or so many seconds, hangs
STUCK = 10  # times the same on the clock: one that waits without end; a busy machine must not look like it
FEW = 5  # tests that may fail while they are traced: those with a time limit
OPTIONS = [
    *("-q", "--no-header", "--tb=native", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:randomly"),
    "--capture=sys",  # the file of capture=fd would be shared by all children
]
Line = tuple[str, str]  # the file and the text: what executes a line stays known when lines above it change


class Executed(NamedTuple):
    """What one run of a test executed."""

    seconds: float
    lines: set[Line]  # of the traced files; the first line of a function for its call


class Campaign:
    """The mutants of some files, and the tests that execute each of their lines: a plugin of pytest.

    Parameters
    ----------
    files : list of Path
        What is mutated.
    tests : list of Path
        Files of tests; they must pass on the right code.
    work : callable
        Gets the campaign when the tests have been collected and traced.
    seconds : float, optional
        Only the first tests of each line are run, which take so long together: the quickest and most special.
    expression : str, optional
        Selects tests by their names, as ``pytest -k``.
    known : Path, optional
        Keeps which test executes which lines for later runs, which trace only the tests that it lacks.
    traced : list of Path, optional
        The files whose lines it keeps. Default: ``files``.
    """

    def __init__(
        self,
        files: list[Path],
        tests: list[Path],
        work: Callable[["Campaign"], None],
        seconds: float = math.inf,
        expression: str = "",
        known: Path | None = None,
        traced: list[Path] | None = None,
    ) -> None:
        self.work, self.seconds, self.known = work, seconds, known
        self.mutants = [mutant for file in files for mutant in mutants_of(file)]
        self.files, self.traced = ({str(file) for file in group} for group in (files, traced or files))
        self.failed: dict[str, str] = {}  # test -> the last line of what it said; of this process alone
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self.folder = Path(folder)
            if pytest.main([*OPTIONS, "-k", expression, *map(str, tests)], plugins=[self]):
                raise SystemExit("the campaign did not come to its end")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:  # to import: pytest ends
            return None
        reporter = session.config.pluginmanager.unregister(name="terminalreporter")
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        self.executed = self._run_all()
        self.tests_of: dict[Line, list[str]] = {}
        for test in in_order(self.executed):
            for line in self.executed[test].lines:
                self.tests_of.setdefault(line, []).append(test)
        self._find_functions()
        self.work(self)
        session.config.pluginmanager.register(reporter, "terminalreporter")
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext.strip().rpartition("\n")[2]

    def survivors(self, mutants: list[Mutant], tests: list[Path], jobs: int) -> Iterator[Mutant]:
        """Yield the mutants that no test of these files notices, each as soon as its tests have passed."""
        left, running = list(reversed(mutants)), {}
        try:
            while left or running:
                while left and len(running) < jobs:
                    mutant = left.pop()
                    running[self._start(lambda m=mutant: self._notices_nothing(m, tests))] = mutant
                child, passed = self._wait()
                mutant = running.pop(child)
                if passed:
                    yield mutant
        finally:
            for child in running:
                os.killpg(child, signal.SIGKILL)

    def check_that_right_code_passes(self, mutants: list[Mutant], tests: list[Path], jobs: int) -> None:
        """End the program if the tests fail where nothing has been changed: then every mutant would seem caught."""
        right = [mutant._replace(code=self.functions[place(mutant)][0].__code__) for mutant in mutants]
        passed = [mutant.label for mutant in self.survivors(right, tests, jobs)]
        if len(passed) < len(right):
            log = (self.folder / "failures").read_text(encoding="utf-8")
            raise pytest.UsageError(f"the right code failed {len(right) - len(passed)} times of {len(right)}:\n{log}")

    def _run_all(self) -> dict[str, Executed]:
        """Run every test in a child, and import here what it imported."""
        results = self.known or self.folder / "executed"
        if not results.exists():
            results.write_bytes(pickle.dumps(({}, [], [])))
        self._start(lambda: self._trace_all(results))
        if not self._wait()[1]:
            raise pytest.UsageError("the child that runs all tests ended early")
        executed, failed, modules = pickle.loads(results.read_bytes())
        if len(failed) > FEW:
            raise pytest.UsageError(f"expected tests that pass on the right code, {len(failed)} fail: {failed[:FEW]}")
        for test in failed:
            print(f"left out, because it fails while it is traced: {test}", flush=True)
        for name in modules:
            with suppress(Exception):  # some exist in one test alone
                importlib.import_module(name)
        return {test: found for test, found in executed.items() if test in self.items}

    def _trace_all(self, results: Path) -> bool:
        """Run every test, and write down the lines that it executes."""
        executed, failed, modules = pickle.loads(results.read_bytes())
        before = set(sys.modules)
        lines: set[tuple[str, int]] = set()

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            if frame.f_code.co_filename in self.traced:
                lines.add((frame.f_code.co_filename, frame.f_lineno))
                return trace
            return None

        for test, item in self.items.items():
            if test in executed or test in failed:
                continue
            lines.clear()
            start = time.process_time()
            threading.settrace(trace)
            sys.settrace(trace)
            passed = self._passes(item, None)  # fixtures of a module run for each test: they are part of it
            sys.settrace(None)
            threading.settrace(None)
            if passed:
                executed[test] = Executed(time.process_time() - start, {line_of(*line) for line in lines})
        modules += [name for name in sys.modules if name not in before]
        results.write_bytes(pickle.dumps((executed, [*failed, *self.failed], modules)))
        return True

    def _passes(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return item.nodeid not in self.failed

    def _find_functions(self) -> None:
        """Find the living functions, to change their code, and the caches, which have results of the right code."""
        self.functions: dict[tuple[str, int, str], list[FunctionType]] = {}
        self.caches = []
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in self.files:
                code = thing.__code__
                self.functions.setdefault((code.co_filename, code.co_firstlineno, code.co_name), []).append(thing)
            elif isinstance(thing, type(equivalents)):
                self.caches.append(thing)
        missing = [mutant.label for mutant in self.mutants if place(mutant) not in self.functions]
        if missing:
            raise pytest.UsageError(f"these functions are not in the running program: {missing[:3]}")
        gc.freeze()  # what the children share stays shared

    def _notices_nothing(self, mutant: Mutant, files: list[Path]) -> bool:
        """Put a mutant in the place of its function; return whether the tests for which there is time pass."""
        for function in self.functions[place(mutant)]:
            function.__code__ = mutant.code
        for results in self.caches:
            results.cache_clear()
        lines = [line_of(str(mutant.file), number) for number in (mutant.changed, mutant.line)]
        tests_of = next((self.tests_of[line] for line in lines if line in self.tests_of), [])
        executing = [test for test in tests_of if self.items[test].path in files]
        spent = itertools.accumulate(self.executed[test].seconds for test in executing)
        tests = [test for test, end in zip(executing, spent, strict=True) if end <= self.seconds] or executing[:1]
        for test, following in itertools.pairwise([*tests, None]):
            limit = LEAST + PATIENCE * self.executed[test].seconds
            signal.setitimer(signal.ITIMER_PROF, limit)
            signal.setitimer(signal.ITIMER_REAL, STUCK * limit)
            if not self._passes(self.items[test], following and self.items[following]):
                return False
        return True

    def _start(self, act: Callable[[], bool]) -> int:
        """Begin to do something in a child process with a temporary folder, which ends with 0 if it returns True."""
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            os.setpgid(0, 0)  # with the processes that tests start
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            for number in (signal.SIGPROF, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            folder = self._folder(os.getpid())
            folder.mkdir()
            os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
            self.session.config._tmp_path_factory._basetemp = folder  # there is no public way
            status = 0 if act() else 1
        finally:
            with (self.folder / "failures").open("a", encoding="utf-8") as log:
                log.writelines(f"{test}: {said}\n" for test, said in self.failed.items())
            os._exit(status)

    def _wait(self) -> tuple[int, bool]:
        """Wait for a child to end, remove what it has left, and return it with whether it ended with True."""
        child, status = os.wait()
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        shutil.rmtree(self._folder(child), ignore_errors=True)
        return child, os.waitstatus_to_exitcode(status) == 0

    def _folder(self, child: int) -> Path:
        return self.folder / str(child)


def in_order(executed: dict[str, Executed]) -> list[str]:
    """Return the tests, the quickest with the fewest lines first, and one case of each function before the second."""
    tests = sorted(executed, key=lambda test: executed[test].seconds * len(executed[test].lines))
    cases: Counter[str] = Counter()
    number = {}
    for test in tests:
        function = test.partition("[")[0]
        number[test] = cases[function] = cases[function] + 1
    return sorted(tests, key=number.__getitem__)


@cache
def line_of(file: str, number: int) -> Line:
    """Return what identifies a line of a file."""
    return "/".join(Path(file).parts[-2:]), linecache.getline(file, number).strip()


def place(mutant: Mutant) -> tuple[str, int, str]:
    """Return what identifies the function that a mutant replaces."""
    return str(mutant.file), mutant.line, mutant.function


@cache
def equivalents() -> dict[str, str]:
    """Return the mutants that no test can notice, with the reasons."""
    lines = (Path(__file__).parent / "equivalent.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.split(" # ") for line in lines if line and not line.startswith("#")]
    return {label.strip(): reason.strip() for label, reason in entries}

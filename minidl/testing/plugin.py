"""The pytest plugin: a fixture ``certify``, and ``--certify=pkg.module``, which certifies every layer of a module."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from minidl.testing.suite import Candidate


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--certify`` and ``--certify-level``."""
    group = parser.getgroup("minidl")
    group.addoption("--certify", action="append", default=[], metavar="MODULE", help="certify every Layer class of it")
    group.addoption("--certify-level", default="standard", help="quick, standard or thorough")


@pytest.fixture
def certify() -> Callable[..., Any]:
    """Return `minidl.testing.certify`."""
    from minidl.testing import certify as function

    return function


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each layer and check of the modules given with ``--certify``."""
    for module in config.getoption("--certify"):
        collector = ModuleOfLayers.from_parent(session, name=module, nodeid=module)
        items.extend(collector.collect())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of outcomes by layer and check, with sensitivities."""
    if not CANDIDATES:
        return
    from minidl.testing.suite import table

    lines = table(CANDIDATES)
    CANDIDATES.clear()
    if lines:
        terminalreporter.section("certified layers")
        for line in lines:
            terminalreporter.write_line(line)


CANDIDATES: list["Candidate"] = []  # of this session, for the table


class ModuleOfLayers(pytest.Collector):
    """A module whose layers are certified."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each check of each layer class in the module."""
        import importlib

        from minidl.layers import Layer
        from minidl.testing.suite import Candidate

        module = importlib.import_module(self.name)
        for name, cls in vars(module).items():
            own = isinstance(cls, type) and issubclass(cls, Layer) and cls.__module__.startswith(module.__name__)
            if not own or inspect.isabstract(cls) or name.startswith("_"):
                continue
            candidate = Candidate(cls, level=self.config.getoption("--certify-level"))
            CANDIDATES.append(candidate)
            for check in candidate.checks():
                conclude = partial(candidate.conclude, check)
                yield pytest.Function.from_parent(self, name=f"{shown(candidate.name)}::{check}", callobj=conclude)


def shown(call: str) -> str:
    """Return a name such as ``Dense(5)`` in the form of a test id, ``Dense[5]``."""
    name, _, rest = call.partition("(")
    return f"{name}[{rest.removesuffix(')')}]"

"""Every port has one contract, by which whoever writes an adapter holds it to the rules of the port."""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from showtime_core.testing import contracts

ROOT = Path(__file__).parents[4]
SOURCES = ROOT / "src"
GUIDE = (ROOT / "docs/how-to/test-with-the-harness.md").read_text("utf-8")
NO_PORTS = {
    "showtime_core.ports.ReadableLedger": "it is `Ledger` and `Account`, which have one",
    "showtime_core.use_cases.replay.recorded.RecordedShow": "it reads the tables of one version to compare "
    "them, and its one adapter is compared with memory by the replay",
    "showtime_adapters.ledger.Tokens": "a part of one adapter, which `ServiceTokens` alone is given to",
    "showtime_app.web.routes.callback.CallbackAnswer": "a value",
    "showtime_app.instrumented.Writes": "what one instance notes for itself; nothing outside is behind it",
}
"""Protocols that nobody outside writes an adapter for, and why."""


NO_TWIN = {
    "ConsentContract": "nothing but `showtime init` asks for consent, and it is tested with a stand-in",
    "LookUpContract": "no rule depends on what it is called",
    "PublicStorageContract": "a storage in memory would prove nothing",
}
"""Contracts of ports of which there is none in memory, and why."""


@functools.cache
def protocols() -> frozenset[str]:
    """Name every public protocol of the program."""
    return frozenset(_protocols())


def _protocols() -> Iterator[str]:
    for path in SOURCES.rglob("*.py"):
        if SOURCES / "showtime_core/testing" in path.parents or "Protocol" not in path.read_text("utf-8"):
            continue
        module = ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if "Protocol" in bases:
                    yield f"{module}.{node.name}"


@functools.cache
def suites() -> dict[str, type]:
    """Find every contract by its name."""
    found = {}
    for each in pkgutil.iter_modules(contracts.__path__):
        module = importlib.import_module(f"{contracts.__name__}.{each.name}")
        found |= {
            name: suite
            for name, suite in inspect.getmembers(module, inspect.isclass)
            if name.endswith("Contract") and suite.__module__ == module.__name__
        }
    return found


def ports_of(suite: type) -> list[str]:
    """Read of its docstring whose rules it has: `The rules of `module.Port`, `Another` and `Third`.`."""
    first = (suite.__doc__ or "").split("\n\n")[0].partition(";")[0]
    if not first.startswith("The rules of `"):
        return []
    names = re.findall(r"`([\w.]+)`", first)
    module = names[0].rpartition(".")[0]
    return [name if "." in name else f"{module}.{name}" for name in names]


def test_every_port_has_one_contract():
    """Every protocol is named by one contract, or excepted with a reason, and no exception is needless."""
    named = Counter(port for suite in suites().values() for port in ports_of(suite))
    assert {port for port, times in named.items() if times > 1} == set()
    assert protocols() - NO_PORTS.keys() - named.keys() == set()
    assert named.keys() & NO_PORTS.keys() == set()
    assert NO_PORTS.keys() - protocols() == set()


def test_every_contract_names_what_there_is():
    """What a contract says it has the rules of is there: a protocol, or the one port that is a function."""
    named = {port for suite in suites().values() for port in ports_of(suite)}
    assert named - protocols() == {"showtime_app.composition.ports.Follow"}
    assert re.search(
        r"^Follow = ", (SOURCES / "showtime_app/composition/ports.py").read_text("utf-8"), re.MULTILINE
    )


def mixed_in(folder: str) -> set[str]:
    """Name the contracts that are mixed into a class of a folder's tests, by themselves or by an heir."""
    texts = [path.read_text("utf-8") for path in (ROOT / "tests" / folder).rglob("test_*.py")]
    classes = [
        bases for text in texts for bases in re.findall(r"^class Test\w+\(([^)]*)\):", text, re.MULTILINE)
    ]
    named = {name for bases in classes for name in re.findall(r"\w+Contract", bases)}
    all_suites = suites()
    return {base.__name__ for name in named for base in all_suites[name].__mro__ if base is not object}


def test_every_contract_is_run():
    """Each contract of a port is run over the real adapter, and over its twin in memory where it has one."""
    stated = {name for name, suite in suites().items() if ports_of(suite)}
    assert stated - mixed_in("integration") == set()
    assert stated - mixed_in("unit") == NO_TWIN.keys()


def test_the_guide_lists_every_contract():
    """The guide has a row for each contract of a port, with the module that it stands in."""
    rows = set(re.findall(r"^\| .*? \| `(\w+)\.(\w+)` \|", GUIDE, re.MULTILINE))
    stated = {
        (suite.__module__.rpartition(".")[2], name) for name, suite in suites().items() if ports_of(suite)
    }
    assert rows == stated

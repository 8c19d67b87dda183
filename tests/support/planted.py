"""Bugs that are planted in a copy of the code, one at a time, for what ships to find.

    PYTHONPATH=tests .venv/bin/python -m support.planted 'a ghost*' --seed 1

prints which of the bugs so named are found, by what, after how many examples or rules, and in how many
seconds of CPU; without a name, of all of them.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from pathlib import Path

from attrs import asdict, frozen

ROOT = Path(__file__).parents[2]
_MACHINES = "tests/unit/core/testing/machines/test_"
_TWINS = "tests/unit/core/testing/twins/test_"
FINDERS = {
    "evenings": f"{_MACHINES}any_order.py",
    "nights": f"{_MACHINES}nights.py",
    "effects": f"{_MACHINES}effects.py",
    "overlays": f"{_MACHINES}show.py",
    "contract of the unit of work": f"{_TWINS}unit_of_work.py::TestMemoryUnitOfWork",
    "contract of the ledger": f"{_TWINS}unit_of_work.py::TestMemoryLedger",
    "contract of the chat log": f"{_TWINS}unit_of_work.py::TestMemoryChatLog",
    "contract of the outbox": f"{_TWINS}outbox.py",
    "contract of the show": f"{_TWINS}show.py",
    "contract of sessions": f"{_TWINS}sessions.py",
    "contract of the outbox, in PostgreSQL": "tests/integration/test_outbox.py::TestPostgresOutbox",
    "the feed, in PostgreSQL": "tests/integration/test_feed.py::"
    "test_what_is_committed_while_the_feed_reads_does_not_wait_for_the_poll",
    "showtime conform": "tests/integration/test_conform.py::test_our_own_receiver_does_all_of_it",
}
"""Tests that do nothing but run what ships, of `showtime_core.testing` or `showtime_app.conform`."""
_NEEDS_A_DATABASE = "tests/integration/"
MOST_SECONDS = 60
"""Of CPU, so that a busy machine makes no difference; and no more examples than the profile says."""


@frozen
class PlantedBug:
    """Some lines of the code, and what stands in their place."""

    name: str
    file: str
    code: str
    bug: str
    finder: str
    money: bool = False
    """Whether it would give or take points."""
    seed: int = 0
    """By which it is found soon: what is rare takes a hundred examples by one seed, and ten by another."""

    @property
    def is_quick(self) -> bool:
        """Whether memory is enough to find it."""
        return not FINDERS[self.finder].startswith(_NEEDS_A_DATABASE)


@frozen
class Search:
    """What came of looking for a bug."""

    name: str
    finder: str
    code: int
    """As pytest ends: 1 where a test has failed; negative where it was ended by a signal."""
    seconds: float
    output: str

    @property
    def is_found(self) -> bool:
        """Whether a test has failed, and none has only broken."""
        is_broken = re.search(r"\d+ error|NameError|ImportError|SyntaxError", self.output)
        return self.code == 1 and not is_broken

    @property
    def effort(self) -> str:
        """After how many examples, or else after how many tests."""
        tries = re.findall(r"(\d+) passing, (\d+) failing", self.output)
        if tries:
            return f"{sum(map(int, tries[-1]))} examples"
        passed = re.findall(r"(\d+) passed", self.output)
        return f"{1 + int(passed[-1]) if passed else 1} rules"

    @property
    def line(self) -> str:
        """All of it in a line, for people."""
        word = "found" if self.is_found else "NOT FOUND"
        return f"{word:9} {self.seconds:5.1f} s {self.effort:>13}  {self.name} - {self.finder}: {self.reason}"

    @property
    def reason(self) -> str:
        """The last words of the test that has failed."""
        said = re.findall(r"^/\S*/(\S+:\d+: .*)$", self.output, re.MULTILINE)
        return said[-1][:120] if said else self.output[-200:].strip()


PLANTED = [
    PlantedBug(**each) for each in tomllib.loads((ROOT / "tests/planted_bugs.toml").read_text("utf-8"))["bug"]
]


def planted_text(planted: PlantedBug) -> str:
    """Give the file with the bug; the code that it stands for must be there exactly once."""
    text = (ROOT / "src" / planted.file).read_text("utf-8")
    found = text.count(planted.code)
    assert found == 1, f"{planted.name}: its code stands {found} times in {planted.file}"
    return text.replace(planted.code, planted.bug)


def plant(planted: PlantedBug, folder: Path) -> None:
    """Copy the package into a folder, with the bug; what was compiled of its other modules still fits."""
    package = Path(planted.file).parts[0]
    shutil.copytree(ROOT / "src" / package, folder / package)
    (folder / "db").symlink_to(ROOT / "db")  # migrations are looked for beside the packages
    (folder / planted.file).write_text(planted_text(planted), "utf-8")


def look_for(bugs: Sequence[PlantedBug]) -> list[Search]:
    """Look for bugs, one after the other, in a process that forks for each."""
    command = [sys.executable, "-m", "support.planted", "--json"]
    names = [bug.name for bug in bugs]
    path = {"PYTHONPATH": str(ROOT / "tests")}
    said = subprocess.run(
        [*command, *names], env=os.environ | path, stdout=subprocess.PIPE, text=True, check=True
    )
    return [Search(**json.loads(line)) for line in said.stdout.splitlines()]


def not_found(searches: Iterable[Search]) -> str:
    """Tell which were not found, with what their finders have said."""
    return "\n\n".join(
        f"{each.name} ({each.finder}), ended with {each.code}:\n{each.output}"
        for each in searches
        if not each.is_found
    )


def _search(planted: PlantedBug, seed: int) -> Search:
    """Have a finder run on a copy of the code in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        folder, output = Path(name), Path(name) / "output.txt"
        plant(planted, folder)
        if (child := os.fork()) == 0:
            _run_finder(planted, folder, output, seed)
        _, status, used = os.wait4(child, 0)
        code = os.waitstatus_to_exitcode(status)
        text = output.read_text("utf-8", "replace")
    return Search(planted.name, planted.finder, code, used.ru_utime + used.ru_stime, text)


def _run_finder(planted: PlantedBug, folder: Path, output: Path, seed: int) -> None:
    """Run it, and end this process as pytest ends."""
    code = 70
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        file = os.open(output, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        sys.path.insert(0, str(folder))
        options = ["-x", "-q", "--hypothesis-profile=planted", "--hypothesis-show-statistics"]
        options += [f"--hypothesis-seed={seed}", f"--basetemp={folder / 'pytest'}"]
        options += ["-p", "no:cacheprovider", "-p", "no:randomly"]
        options += [
            "--assert=plain",
            "--tb=line",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-W",
            "ignore::hypothesis.errors.HypothesisWarning",
        ]
        code = _pytest([*options, f"--rootdir={ROOT}", str(ROOT / FINDERS[planted.finder])])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _pytest(arguments: Sequence[str]) -> int:
    import pytest  # noqa: PLC0415 - where it is needed: tests import this module too

    return int(pytest.main([*arguments]))


def _import_all_else() -> None:
    """Import what finders need, but for our own code: that is taken from the copy."""
    for plugin in entry_points(group="pytest11"):
        if plugin.name not in {"anyio", "faker", "schemathesis", "randomly"}:
            plugin.load()
    import cattrs, httpx, httpx2, hypothesis.stateful, psycopg_pool  # noqa: E401, F401, I001, PLC0415

    ours = [name for name in sys.modules if name.startswith("showtime_")]
    assert not ours, f"the copy would not be seen: {ours}"


def _searches(names: Sequence[str], seed: int | None) -> Iterator[Search]:
    for bug in PLANTED:
        if not names or any(bug.name == name or fnmatchcase(bug.name, name) for name in names):
            yield _search(bug, bug.seed if seed is None else seed)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m support.planted", description=__doc__)
    parser.add_argument("names", nargs="*", help="of bugs, with * and ?; none: all of them")
    parser.add_argument("--seed", type=int, help="of what hypothesis draws; each bug has its own")
    parser.add_argument("--json", action="store_true", help="for tests: a line for each")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # what is drawn follows from the order of sets as well
        command = [sys.executable, "-m", "support.planted", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    _import_all_else()
    for each in _searches(options.names, options.seed):
        line = json.dumps(asdict(each)) if options.json else each.line
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()

"""What import-linter cannot say of the house, read from its sources."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from showtime_app import DISTRIBUTION

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src/showtime_core"
TESTING = CORE / "testing"
MODULES = sorted(CORE.rglob("*.py"))

# Ways to reach a network, a disk, a clock or chance: they belong to adapters, or are passed in.
IMPURE = {
    "http",
    "importlib",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}
IMPURE_CALLS = {"datetime.now", "datetime.today", "datetime.utcnow", "date.today", "uuid.uuid1", "uuid.uuid4"}


def imported(source: str) -> Iterator[str]:
    """The top-level packages that a module imports anywhere, functions included."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(func=ast.Name(id="__import__")):
                yield "importlib"


def called(source: str) -> Iterator[str]:
    """The calls of a module that read `name.attribute(…)`, written so or by an imported name."""
    tree = ast.parse(source)
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    known = {name.asname or name.name: f"{each.module}.{name.name}" for each in froms for name in each.names}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in known:
                yield known[name]
            case ast.Call(func=ast.Attribute(value=value, attr=attribute)):
                yield f"{ast.unparse(value).rpartition('.')[2]}.{attribute}"


def named(path: Path) -> str:
    return str(path.relative_to(CORE))


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_the_core_imports_attrs_and_the_standard_library_only(module):
    """Whoever imports the core gets the domain, and nothing that could surprise him."""
    allowed = {"showtime_core", "attrs", *sys.stdlib_module_names}
    if TESTING in module.parents:
        allowed |= {"hypothesis", "pytest"}
    assert set(imported(module.read_text("utf-8"))) <= allowed


@pytest.mark.parametrize("module", [path for path in MODULES if TESTING not in path.parents], ids=named)
def test_the_core_reads_no_clock_and_rolls_no_dice(module):
    """The same event on the same state at the same time has the same consequences."""
    source = module.read_text("utf-8")
    assert not IMPURE.intersection(imported(source))
    assert not IMPURE_CALLS.intersection(called(source))


def test_an_import_inside_a_function_is_seen():
    """Imports are found wherever they hide."""
    source = "def late():\n    from httpx import get\n    import os.path, boto3\n    __import__('jwt')\n"
    assert set(imported(source)) == {"httpx", "os", "boto3", "importlib"}


def test_a_reading_of_the_clock_is_seen():
    """All ways to write it are found."""
    assert set(called("import datetime\ndatetime.datetime.now()\n")) == {"datetime.now"}
    assert set(called("import uuid\nuuid.uuid4()\n")) == {"uuid.uuid4"}
    assert set(called("from uuid import uuid4 as draw\ndraw()\n")) == {"uuid.uuid4"}


# --- SQL ----------------------------------------------------------------------------------------


def composed(source: str) -> Iterator[str]:
    """Statements that are given to a database and put together on the way; what psycopg quotes is not."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="execute" | "executemany" | "stream"), args=[given, *_]):
                statement = ast.unparse(given).replace(".format(sql.", "")
                parts = {type(part) for part in ast.walk(given)}
                if {ast.JoinedStr, ast.BinOp} & parts or ".format(" in statement:
                    yield statement


@pytest.mark.parametrize("module", sorted((ROOT / "src").rglob("*.py")), ids=lambda path: path.stem)
def test_no_statement_is_put_together_from_texts(module):
    """What somebody wrote is given to the database beside a statement, and never within it."""
    assert list(composed(module.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    ['c.execute(f"select {x}")', 'c.execute("select " + x)', 'c.execute("%s" % x)', "c.execute(S.format(x))"],
)
def test_a_statement_that_is_put_together_is_seen(source):
    """A statement that is put together is found, however it is done."""
    assert list(composed(source))


# --- lock files ---------------------------------------------------------------------------------

LOCKS = [
    "requirements.lock",
    "requirements-run.lock",
    "requirements-dev.lock",
    "bench/requirements.lock",
    "tools/audit.lock",
    "tools/docs.lock",
]
PACKAGE = re.compile(r"[\w.\[\]-]+==\S+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+")


def pins(lock: str) -> dict[str, str]:
    """Package → version, as a lock file has them."""
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    locked = (line.split(" ")[0].partition("==") for line in lines if "==" in line and line[0].isalpha())
    return {canonicalize_name(name): version for name, _, version in locked}


def missing(requirements: list[str], lock: str) -> list[str]:
    """The requirements that a lock file does not fulfil; an extra of our own is looked into elsewhere."""
    locked = pins(lock)
    wanted = (Requirement(text) for text in requirements)
    return [
        str(need)
        for need in wanted
        if need.name != DISTRIBUTION
        and (need.name not in locked or not need.specifier.contains(locked[canonicalize_name(need.name)]))
    ]


@pytest.mark.parametrize(
    "module",
    [
        "showtime_core.domain.reactions",
        "showtime_core.testing.twins.unit_of_work",
        "showtime_adapters.twitch.eventsub",
        "showtime_adapters.twitch.irc_lines",
        "showtime_adapters.wire",
    ],
)
@pytest.mark.process
def test_what_other_services_import_needs_the_base_alone(module):
    """Whatever else is installed here is hidden, and it imports all the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = {Requirement(text).name for text in project["dependencies"]} | {DISTRIBUTION, "typing_extensions"}
    hidden = [
        package
        for package, distributions in packages_distributions().items()
        if not base.intersection(distributions) and package not in sys.stdlib_module_names
    ]
    hide = f"import sys; sys.modules.update(dict.fromkeys({hidden!r})); import {module}"
    ran = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("lock", LOCKS)
def test_whatever_is_installed_is_known_again(lock):
    """Every package has one version, and the hashes of its files: another file is not installed."""
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", "")
    packages = [" ".join(line.split()) for line in text.splitlines() if line.strip() and "#" not in line]
    assert packages
    assert [package for package in packages if not PACKAGE.fullmatch(package)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_place(lock):
    """It says what to install and how to know it again; where from is the business of who installs."""
    assert "://" not in (ROOT / lock).read_text("utf-8")


def test_the_lock_files_are_up_to_date():
    """Whoever changes pyproject.toml runs `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    base = project["project"]["dependencies"]
    assert not missing(base + extras["server"], "requirements.lock")
    running = [*base, *extras["server"], *extras["dev"], *project["dependency-groups"]["run"]]
    assert not missing(running, "requirements-run.lock")
    everything = [*base, *(need for extra in extras.values() for need in extra)]
    assert not missing(everything + project["dependency-groups"]["dev"], "requirements-dev.lock")


def test_tests_run_with_the_versions_that_are_served():
    """What is locked to serve is a part of what is locked to run on a laptop, and that of what tests need."""
    served, run, tested = map(pins, ("requirements.lock", "requirements-run.lock", "requirements-dev.lock"))
    assert served.items() <= run.items() <= tested.items()


STEP = re.compile(r"(?<![\w/.])((?:[a-z_0-9]+/)*[a-z_0-9]+)\.((?:[A-Z]\w+\.)?\w+)(?![\w.])")


PAGE = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")


def defined(source: str) -> Iterator[str]:
    """The functions, classes and constants of a module, and the methods of its classes."""
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name"))


def missing_places(places: Iterable[tuple[str, str]]) -> list[str]:
    """The places, each a module below a package and a name in it, at which there is nothing."""
    return [
        f"{module}.{name}"
        for module, name in places
        if not any(name in defined(file.read_text("utf-8")) for file in ROOT.glob(f"src/*/{module}.py"))
    ]


def test_the_drawings_of_the_architecture_name_what_there_is():
    """Each step of a walk is a function or a method that stands where the drawing says, within the margin."""
    drawings = "\n".join(PAGE.split("```")[1::2])
    assert max(map(len, drawings.splitlines())) <= 110
    steps = [step for step in STEP.findall(drawings) if step[0] != "showtime"]  # whose are tables
    assert len(steps) > 20
    assert missing_places(steps) == []


def test_each_rule_stands_where_the_architecture_says():
    """Each row of the table of rules names a place, and at each place there is a function or a constant."""
    section = PAGE.partition("## Where a rule stands\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for rule, where in rows:
        named = re.findall("`(.+?)`", where)
        assert named, rule
        assert [name for name in named if not STEP.fullmatch(name)] == []
        assert missing_places(match.groups() for match in map(STEP.fullmatch, named)) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("domain/broadcasts/timeline", "RESUME_AFTER"),
        ("domain/broadcasts/timelines", "RESUME_WITHIN"),
        ("domain/journal", "Entry.admit"),
    ],
)
def test_a_place_that_is_not_there_is_seen(module, name):
    """A name that a module lacks, a module that is not there, and a method that its class lacks are found."""
    assert missing_places([(module, name)]) == [f"{module}.{name}"]

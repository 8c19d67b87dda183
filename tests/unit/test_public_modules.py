"""What other programs import is listed, is there, and says what it is for."""

import ast
import re
import runpy
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = runpy.run_path(str(ROOT / "tools/public_names.py"))
LISTED = NAMES["public_modules"]()


def is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def undocumented(body: list[ast.stmt], *, constants: bool) -> Iterator[str]:
    """The public names of a module or a class without a docstring; a field may leave that to its class."""
    for node, after in pairwise([*body, ast.Pass()]):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("_"):
                    inner = node.body if isinstance(node, ast.ClassDef) else []
                    yield from () if ast.get_docstring(node) else (name,)
                    yield from undocumented(inner, constants=False)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                is_parameter = "TypeVar(" in ast.unparse(node)
                if constants and not name.startswith("_") and not is_parameter and not is_text(after):
                    yield name


MODULES = [path for module in LISTED for path in NAMES["sources"](module)]
EXCUSED = ROOT / "src/showtime_core/testing"  # what its suites play with is no name to import


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_public_name_says_what_it_is_for(path):
    """A module that is listed as public has a docstring, and so have all its names."""
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    assert list(undocumented(tree.body, constants=EXCUSED not in path.parents)) == []


def test_every_module_of_the_guides_is_public():
    """Whatever the guides import of us is listed as public."""
    guides = ["use-the-parts", "receive-in-your-own-service", "test-with-the-harness"]
    text = "".join((ROOT / f"docs/how-to/{guide}.md").read_text("utf-8") for guide in guides)
    imported = set(re.findall(r"^(?:>>> )?from (showtime_[\w.]+) import", text, re.MULTILINE))
    assert len(imported) > 10
    assert {
        one for one in imported if not any(f"{one}.".startswith(f"{public}.") for public in LISTED)
    } == set()


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT = 3",
        "LIMIT: int = 3\nOTHER = 4\n'''This one.'''",
        "def call(): pass",
        "class Value:\n    '''A value.'''\n    async def change(self): pass",
    ],
)
def test_a_name_that_says_nothing_is_found(source):
    """Constants, functions, methods: the name without a docstring is found, and no other."""
    assert len(list(undocumented(ast.parse(source).body, constants=True))) == 1


def test_a_name_of_its_own_business_is_left_alone():
    """What begins with an underscore, and fields, may say nothing."""
    source = "_LIMIT = 3\nclass Value:\n    '''A value.'''\n    size: int\n    def _change(self): ..."
    assert list(undocumented(ast.parse(source).body, constants=True)) == []


def unreleased(changelog: str) -> str:
    """What the changelog says of the next version."""
    return changelog.partition("## [Unreleased]")[2].partition("\n## [")[0]


def gone_unannounced(listed: set[str], there: set[str], changelog: str) -> set[str]:
    """The names that have gone, and that nobody is told of: their last word stands in no code of the text."""
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", unreleased(changelog)))))
    return {name for name in listed - there if name.rpartition(".")[2] not in told}


def test_no_public_name_vanishes_unannounced():
    """What has gone is told in the changelog, and what is new stands in the list."""
    listed = set((ROOT / "docs/reference/public-names.txt").read_text("utf-8").split())
    there = set(NAMES["public_names"]())
    assert gone_unannounced(listed, there, (ROOT / "CHANGELOG.md").read_text("utf-8")) == set()
    assert there - listed == set(), "write the list anew: see docs/reference/python.md"


@pytest.mark.parametrize(
    ("changelog", "gone"),
    [
        ("## [Unreleased]\n\n- `Ledger.credit` has gone.\n\n## [0.1.0]\n", set()),
        ("## [Unreleased]\n\n- credit has gone.\n\n## [0.1.0]\n", {"m.Ledger.credit"}),
        ("## [Unreleased]\n\n## [0.1.0]\n\n- `Ledger.credit` has gone.\n", {"m.Ledger.credit"}),
    ],
)
def test_a_name_is_announced_by_what_is_said_of_the_next_version(changelog, gone):
    """As code, under *Unreleased*: what was said of a version before, or in passing, announces nothing."""
    assert gone_unannounced({"m.Ledger", "m.Ledger.credit"}, {"m.Ledger"}, changelog) == gone

"""The tests of a rule are found by the name of its module, and what tests share by an index."""

import re
from pathlib import Path

import support

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "showtime_core"
WITHOUT_RULES = {"errors", "ports", "recorded"}
"""A tree of exceptions, and protocols: those who raise and implement them are tested."""


def test_every_module_of_the_core_has_its_mirrored_test():
    """Wherever in the core it lies, but for the harness, which the tests themselves are made of."""
    modules = {path.stem for path in CORE.rglob("*.py") if "testing" not in path.relative_to(CORE).parts}
    mirrored = {path.stem.removeprefix("test_") for path in (ROOT / "tests/unit/core").rglob("test_*.py")}
    assert modules > WITHOUT_RULES
    assert modules - WITHOUT_RULES - {"__init__"} - mirrored == set()


def test_all_that_tests_share_is_in_the_index():
    """Whoever needs a helper reads one page to know whether there is one."""
    there = {path.stem for path in Path(support.__file__).parent.glob("*.py")} - {"__init__"}
    named = set(re.findall(r"[a-z0-9_]+", str(support.__doc__)))
    assert there - named == set()

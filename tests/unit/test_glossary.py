"""One word has one meaning: the code is held to the glossary, and the glossary to the code."""

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/glossary.md").read_text("utf-8")
TERMS = re.findall(r"^\*\*(.+?)\*\*", PAGE, re.MULTILINE)

# Classes of one name that are one thing, with the reason why it is written down twice.
SAME_THING = {
    "CallbackAnswer": "the application says as a protocol what it takes from the adapter",
    "Relay": "the application says as a protocol what it takes from the adapter",
    "Screening": "the domain's value, and its form in JSON",
}
# Words that were this house's own; the field has others for what they meant.
PRIVATE_WORDS = {
    *("acquaintance", "acquaintances", "admission", "bell", "crew", "crews", "farewell", "farewells", "felt"),
    *("pulse", "pulses", "shelf", "desk", "laptop", "teller", "wish", "standing", "patience", "manner"),
}


def words(name: str) -> set[str]:
    """The words of a name, in lower case, however they are put together."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


@functools.cache
def sources() -> dict[Path, ast.Module]:
    """Read all that there is, once, where it is asked for."""
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "src").rglob("*.py"))}


def definitions() -> Iterator[tuple[str, str]]:
    """Every class, function, method, field and constant: where, and its name."""
    for path, tree in sources().items():
        where = str(path.relative_to(ROOT))
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    yield where, name
                case ast.AnnAssign(target=ast.Name(id=name)):
                    yield where, name


def twice(names: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """The names that are given more than once, and where."""
    found = defaultdict(list)
    for where, name in names:
        found[name].append(where)
    return {name: places for name, places in found.items() if len(places) > 1}


def classes() -> Iterator[tuple[str, str]]:
    for path, tree in sources().items():
        yield from (
            (str(path.relative_to(ROOT)), node.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
        )


def test_a_class_name_means_one_thing():
    """No two classes have one name, unless they are the same thing."""
    assert {name: places for name, places in twice(classes()).items() if name not in SAME_THING} == {}


def test_a_name_that_is_given_twice_is_found():
    """Two definitions of one name are found, and a single one is not."""
    assert twice(iter([("a.py", "Page"), ("b.py", "Page"), ("b.py", "Entry")])) == {"Page": ["a.py", "b.py"]}


def test_no_definition_has_a_private_word():
    """Names are made of the field's words, and not of words that only this house uses."""
    found = [(where, name) for where, name in definitions() if words(name) & PRIVATE_WORDS]
    assert found == []


@pytest.mark.parametrize("name", ["_CREWS", "takePulse", "pulse_seconds", "Crew"])
def test_a_private_word_is_found_in_any_name(name):
    """A private word is found in constants, classes and variables alike."""
    assert words(name) & PRIVATE_WORDS


def test_the_glossary_is_in_order():
    """The terms of the glossary are in alphabetical order, and each is there once."""
    assert sorted(set(TERMS), key=str.casefold) == TERMS
    assert not {word for term in TERMS for word in words(term)} & PRIVATE_WORDS


def test_the_glossary_names_what_is_in_the_code():
    """What the glossary writes as code is defined somewhere."""
    known = {name for _, name in definitions()}
    named = set(re.findall(r"`([A-Za-z_]+)`", PAGE))
    assert named - known == set()
    assert named

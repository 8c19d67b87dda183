"""The threat model promises nothing that no test proves."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
TABLE = re.compile(r"^\| tried \| what protects \| proof \|\n\|---\|---\|---\|\n((?:\|.+\n)+)", re.MULTILINE)
ROWS = [line.strip("|\n").split(" | ") for table in TABLE.findall(PAGE) for line in table.splitlines()]
PROOF = re.compile(r"`([\w/]+\.py)::(\w+)`")


def names_in(path: Path) -> set[str]:
    """Name the tests of a file."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, defined)}


@pytest.mark.parametrize(("tried", "protects", "proofs"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_each_line_is_proven(tried, protects, proofs):
    """Whatever may be tried, something protects, and the tests that prove it are there."""
    assert tried.strip()
    assert protects.strip()
    named = PROOF.findall(proofs)
    assert proofs.strip() == ", ".join(f"`{file}::{name}`" for file, name in named)
    assert named
    assert [(file, name) for file, name in named if name not in names_in(ROOT / "tests" / file)] == []


def test_every_table_is_read():
    """None of the lines with a proof is outside of the tables that are checked."""
    assert sum(len(PROOF.findall(row[2])) for row in ROWS) == PAGE.count(".py::")

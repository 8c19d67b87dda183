"""The pictures of the architecture show the code as it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRAW = ROOT / "tools/drawings/draw.py"
PICTURES = ["house.svg", "message.svg"]

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """The pictures as they are drawn now, by a Python that begins anew."""
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([sys.executable, DRAW, folder], check=True, timeout=120)
    return folder


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_of_this_code(picture, drawn):
    """A picture that the code has left behind is drawn again: `.venv/bin/python tools/drawings/draw.py`."""
    committed = ROOT / "docs/explanation" / picture
    assert committed.read_text("utf-8") == (drawn / picture).read_text("utf-8")


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_asks_for_nothing_and_says_what_it_shows(picture):
    """It has a title and a description for those who do not see it, and fetches no fonts and no scripts."""
    text = (ROOT / "docs/explanation" / picture).read_text("utf-8")
    assert re.search(r"<title id=\"title\">.+</title>", text)
    assert re.search(r"<desc id=\"description\">.+</desc>", text)
    assert not re.search(r"<script|@import|href|url\((?!#)", text)

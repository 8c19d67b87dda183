"""Nobody is told to install what is not ours: whoever has a name on the public index runs what they like."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from showtime_app import DISTRIBUTION

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INSTALLING = re.compile(
    r"\b(?:pip3?|pipx|uv(?: pip| tool)?|poetry|pdm) +(?:install|add|inject|run)\b([^`\n;&|]*)"
)
NAMED = re.compile(r"(?<![\w./-])showtime(?:\[[a-z, ]+\]|[=~<>!]=)")
"""Our former name as a requirement: with an extra, or with a version."""
VALUED = {"-r", "--requirement", "-c", "--constraint", "--only-binary", "--no-binary", "--target"}
TOOLS = {"uv"}
"""What is not ours and is named on purpose: who makes the locks anew needs it."""


def texts() -> Iterator[tuple[str, str]]:
    """Give all that people read, and of programs also what they say."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path == Path(__file__) or path.suffix in {".png", ".jpg", ".woff2", ".lock"} or not path.is_file():
            continue
        text = path.read_text("utf-8")
        if path.suffix != ".py":
            yield name, text
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield name, node.value


def wanted(arguments: str) -> Iterator[str]:
    """Give what a command installs; words of a sentence after it, set off by a comma, are none of it."""
    command = re.split(r"(?<=[^'\"]), |: |\)|\. |\.$| in a |\\$", arguments.replace("\\n", " "))[0]
    words = iter(command.replace("'", " ").replace('"', " ").split())
    for word in words:
        if word in VALUED:
            next(words, None)
        elif not word.startswith("-"):
            yield word.rstrip(",")


def is_ours(word: str) -> bool:
    if re.fullmatch(r"\.(\[[a-z]+(,[a-z]+)*\])?", word):
        return set(re.findall(r"[a-z]+", word)) <= set(PROJECT["optional-dependencies"])
    return word in TOOLS


def strangers(text: str) -> list[str]:
    """List what a text tells people to install that is not ours."""
    told = [word for found in INSTALLING.findall(text) for word in wanted(found)]
    return [word for word in told if not is_ours(word)] + NAMED.findall(text)


def test_no_page_and_no_message_tells_people_to_install_a_stranger_s():
    """While it is not published, what is installed is a checkout: `pip install .`, with its extras."""
    read = list(texts())
    found = {(name, word) for name, text in read for word in strangers(text)}
    assert found == set()
    commands = sum(len(INSTALLING.findall(text)) for _, text in read)
    assert commands >= 10, "what looks for them finds those that there are"


@pytest.mark.parametrize(
    "text",
    [
        "pip install showtime",
        "run `pip install showtime`: attrs alone",
        "pip install 'showtime[server]', or set PGHOST",
        "pip install -U showtime_core",
        "pip install --require-hashes -r requirements.lock showtime",
        "pip install '.[sever]'",
        "pipx run showtime dev",
        "uv add showtime",
        "add showtime[dev] to your requirements",
        "showtime==0.1.0",
        f"pip install {DISTRIBUTION}",
    ],
)
def test_what_looks_for_strangers_finds_them(text):
    """Whatever the command, the options before it, the extra and the sentence around it."""
    assert strangers(text)


def test_the_distribution_has_one_name_and_the_rest_keeps_its_own():
    """The extras of ours are meant by its name, and the program is called as before."""
    assert PROJECT["name"] == DISTRIBUTION == "golden-vcr-showtime"
    assert version(DISTRIBUTION) == PROJECT["version"]
    extras = PROJECT["optional-dependencies"]
    needed = [Requirement(text) for extra in extras.values() for text in extra]
    assert {need.name for need in needed if need.extras & set(extras)} == {DISTRIBUTION}
    assert list(PROJECT["scripts"]) == ["showtime"]

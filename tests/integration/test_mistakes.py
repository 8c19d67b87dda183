"""The mistakes that people make at the terminal and what they are told: the table `tests/mistakes.toml`."""

import shlex
import socket
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.in_process import run_here
from support.server import free_port

TABLE = tomllib.loads((Path(__file__).parents[1] / "mistakes.toml").read_text("utf-8"))
MISTAKES = [mistake for subject in TABLE.values() for mistake in subject]


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        yield {"taken": stranger.getsockname()[1], "free": free_port()}


def filled(text: str, ports: Mapping[str, int]) -> str:
    for name, port in ports.items():
        text = text.replace("{" + name + "}", str(port))
    return text


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["typed"])
def test_a_mistake_is_told_in_words(mistake: dict[str, Any], ports: dict[str, int], tmp_path: Path):
    """What is typed wrongly ends with its exit code and says, in whole lines, what is wrong."""
    for name, content in mistake.get("files", {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(content, ports), "utf-8")
    names = {name: filled(value, ports) for name, value in mistake.get("env", {}).items()}
    _, *arguments = shlex.split(filled(mistake["typed"], ports))
    ran = run_here(*arguments, names=names, folder=tmp_path)
    printed = ran.stdout + ran.stderr
    assert ran.returncode == mistake.get("code", 1), printed
    assert set(filled(mistake["said"], ports).strip().splitlines()) <= set(printed.splitlines()), printed


def test_the_table_is_long_enough():
    """The table has forty mistakes of commands at least, and none of them twice."""
    distinct = {str({**mistake, "said": None}) for mistake in TABLE["commands"]}
    assert len(distinct) == len(TABLE["commands"]) >= 40

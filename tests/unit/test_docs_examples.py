"""The examples in README.md and docs/ do what they say.

Write them so that they can be checked:

    ```python     is run, all blocks of a page one after the other; with `>>>`, answers are compared
    ```console    a session: what follows `$ ` is a command
    ```sh         commands only

Of commands, those are checked that are ours: `showtime …`, that it knows its subcommands and options;
`make …`, that there is such a target. `<!-- skip: next -->` leaves out the next block.
"""

import doctest
import functools
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from click.testing import CliRunner
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from showtime_app.cli.main import main as showtime

pytestmark = pytest.mark.process  # `make` is asked for its targets
ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("README.md"), *sorted((ROOT / "docs").rglob("*.md"))]

ASSIGNMENT = re.compile(r"\w+=")
SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")


def commands(line: str) -> Iterator[list[str]]:
    """The single commands of a line of shell: `A=1 showtime serve | tee log` has two."""
    for inner in SUBSTITUTION.findall(line):
        yield from commands(inner)
    lexer = shlex.shlex(SUBSTITUTION.sub("substituted", line), posix=True, punctuation_chars=True)
    for is_operator, words in groupby(lexer, key=lambda word: not set(word) - set("();<>|&")):
        if not is_operator:
            yield [*words]


def problem_with(command: list[str]) -> str | None:
    """Say why a command of ours would not be understood."""
    while command and ASSIGNMENT.match(command[0]):
        command = command[1:]
    match command:
        case [program, *arguments] if program.rpartition("/")[2] == "showtime":
            return refusal_of(*arguments)
        case ["make", *arguments]:
            return failure_of("make", "--dry-run", *arguments)
        case _:
            return None


def refusal_of(*arguments: str) -> str | None:
    """Ask our own command line, in this process, for the help on a command; the reason if it refuses."""
    asked = CliRunner().invoke(showtime, [*arguments, "--help"], prog_name="showtime")
    return None if asked.exit_code == 0 else f"showtime {shlex.join(arguments)}:\n{asked.output}"


@functools.cache
def failure_of(*command: str) -> str | None:
    """Run a command that only reads; the reason if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    return None if done.returncode == 0 else f"{shlex.join(command)}:\n{done.stderr or done.stdout}"


def check_lines(lines: list[str]) -> str | None:
    """Check the commands of some lines; the reasons, if any is not understood."""
    problems = [problem_with(command) for line in lines for command in commands(line)]
    return "\n".join(filter(None, problems)) or None


def joined(source: str) -> list[str]:
    """The lines, with those that end in a backslash put together."""
    return source.replace("\\\n", " ").splitlines()


def check_session(example: Example) -> str | None:
    return check_lines([line[2:] for line in joined(example.parsed) if line.startswith("$ ")])


def check_script(example: Example) -> str | None:
    return check_lines(joined(example.parsed))


def refuse(_: Example) -> str:
    return "nobody would check this block: make it `python`, `console` or `sh`"


SYBIL = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
        CodeBlockParser("console", check_session),
        CodeBlockParser("sh", check_script),
        *(CodeBlockParser(other, refuse) for other in ("bash", "py", "pycon", "python3", "shell", "zsh")),
        SkipParser(),
    ]
)


def check_page(page: Path) -> None:
    for example in SYBIL.parse(page).examples():
        example.evaluate()


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_examples_of_a_page_work(page, tmp_path, monkeypatch):
    """What a reader copies from the docs works as it is written there."""
    monkeypatch.chdir(tmp_path)
    check_page(page)


@pytest.mark.parametrize(
    "example",
    [
        "```python\n1 / 0\n```",
        "```python\n>>> 1 + 1\n3\n```",
        "```console\n$ make a-ghost-of-a-target\n```",
        "```sh\ncd .. && make \\\n  a-ghost-of-a-target | cat\n```",
        '```sh\nTOKEN="$(make a-ghost-of-a-target)"\n```',
        "```pycon\n>>> 1 + 1\n2\n```",
    ],
)
def test_an_example_that_does_not_work_is_found(example, tmp_path):
    """A page with a mistake does not pass."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{example}\n")
    with pytest.raises(Exception, match=r"division by zero|Expected|a-ghost|nobody"):
        check_page(page)


@pytest.mark.parametrize(
    "example",
    [
        "```python\nlights = 3\n```\n\nThen\n\n```python\n>>> lights + 1\n4\n```",
        "```console\n$ make help   # says what there is\nmake a-ghost-of-a-target\n```",
        "<!-- skip: next -->\n\n```python\n1 / 0\n```",
        "```text\nanything\n```",
    ],
)
def test_an_example_that_works_passes(example, tmp_path):
    """Blocks of a page share their names; answers and skipped blocks are not commands."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{example}\n")
    check_page(page)


def test_the_single_commands_of_a_line_are_found():
    """Pipes, lists, redirections, substitutions and assignments hide no command."""
    line = 'PORT=1 showtime dev & curl "$(showtime token ann)" >out && make test # not this'
    assert list(commands(line)) == [
        ["showtime", "token", "ann"],
        ["PORT=1", "showtime", "dev"],
        ["curl", "substituted"],
        ["out"],
        ["make", "test"],
    ]

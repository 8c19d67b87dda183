"""The page of the command line names every command and option, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from showtime_app.cli.main import main
from showtime_app.simulate.catalogue import EVENT_TYPES, EventType
from showtime_app.simulate.options import EVENT
from showtime_app.simulate.sections import SectionedOption

PAGE = (Path(__file__).parents[3] / "docs/reference/command-line.md").read_text("utf-8")
HEADING = re.compile(r"^## showtime (\w+)$", re.MULTILINE)
CONTEXT = click.Context(main)
COMMANDS = {name: found for name in main.list_commands(CONTEXT) if (found := main.get_command(CONTEXT, name))}
OPTION = re.compile(r"`(--?[a-zA-Z][a-z-]*)`")
CODE = re.compile(r"`([^`]+)`")


def sections() -> dict[str, str]:
    """Command → what the page says of it."""
    _, *parts = HEADING.split(PAGE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def leaves(command: click.Command) -> Iterator[click.Command]:
    """The command itself, or all that a group leads to."""
    if not isinstance(command, click.Group):
        yield command
        return
    for inner in command.commands.values():
        yield from leaves(inner)


def spellings(command: click.Command) -> set[str]:
    """Every way to write an option of the command, the hidden ones left out."""
    return {
        name
        for leaf in leaves(command)
        for parameter in leaf.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in parameter.opts
    }


def test_every_command_has_its_section():
    """The commands of the program and of the page are the same."""
    assert set(sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_in_its_section(name):
    """Every option is in the section of its command, in every spelling, and no other is."""
    assert set(OPTION.findall(sections()[name])) == spellings(COMMANDS[name])


def test_the_choices_of_an_argument_are_in_its_section():
    """The page names what may stand after `migrate` and `token`."""
    for name in ("migrate", "token"):
        (argument,) = (each for each in COMMANDS[name].params if isinstance(each, click.Argument))
        assert isinstance(argument.type, click.Choice)
        assert all(choice in sections()[name] for choice in argument.type.choices)


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.name)
def test_every_event_has_its_row(kind: EventType):
    """Every event has a row with its version, its other names, and the options that it takes."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind.name}` |"))
    _, _, version, names, options, _ = (cell.strip() for cell in row.split("|"))
    group = COMMANDS["simulate"]
    assert isinstance(group, click.Group)
    own = [
        option
        for option in group.commands[kind.name].params
        if isinstance(option, SectionedOption) and option.section == EVENT and option.name != "to_user"
    ]
    assert version == kind.version
    assert tuple(CODE.findall(names)) == kind.aliases
    assert set(CODE.findall(options)) == {option.opts[0] for option in own}


def test_every_other_command_of_simulate_has_its_row():
    """Every command of `simulate` that sends no event begins a row."""
    group = COMMANDS["simulate"]
    assert isinstance(group, click.Group)
    types = {kind.name for kind in EVENT_TYPES}
    others = {name for name, command in group.commands.items() if not command.hidden} - types
    assert all(re.search(rf"^\| `{name}[` ]", PAGE, re.MULTILINE) for name in others)
    assert others

"""The command `simulate` against the real server, one `showtime dev` for all: what it says of it is true."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from showtime_app.cli.simulate import simulate as group
from showtime_app.dev_file import DevFile
from showtime_app.simulate import timestamps
from showtime_app.simulate.catalogue import EVENT_TYPES
from showtime_app.simulate.options import EVENT
from support.dev import Dev, developing, environment
from support.in_process import Ran, run_here

VALUES = {
    **dict.fromkeys(("from_user", "to_user", "gift_user", "source"), "VHSVera:99"),
    **dict.fromkeys(("bits", "viewers", "cost", "recipients", "resend", "retry"), "2"),
    **dict.fromkeys(("months", "streak", "total", "cumulative_total", "level", "seconds", "repeat"), "3"),
    "concurrency": "4",
    "rate": "500",
    "timeout": "20",
    "seed": "7",
    "speed": "1000000",
    "event_id": "vhs-1",
    "version": "9",
    "status": "user_removed",
    "transport": "webhook",
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """Run everything on this machine, for all tests here."""
    with developing(tmp_path_factory.mktemp("dev") / "data") as running:
        yield running


def run(dev: Dev, *arguments: object) -> Ran:
    folder = dev.data_dir.parent
    return run_here("simulate", *arguments, "--data-dir", dev.data_dir, names=environment({}), folder=folder)


def value_of(option: click.Option, dev: Dev) -> list[str]:
    """Give what stands behind a flag."""
    note = DevFile.read(dev.data_dir)
    found = {
        **VALUES,
        "url": f"{note.url}/callback",
        "secret": note.webhook_secret,
        "data_dir": str(dev.data_dir),
        "timestamp": timestamps.written(time.time_ns()),
        "started_at": timestamps.written(time.time_ns()),
    }
    return [] if option.is_flag else [found.get(option.name or "", "rewind")]


def spellings(name: str) -> Iterator[tuple[click.Option, str]]:
    """Give the options of a command: of most commands those of the event alone.

    An option that several commands share is tried in every spelling once, and elsewhere in its first.
    """
    for option in group.commands[name].params:
        if not isinstance(option, click.Option) or option.name in {"no_config", "token"}:
            continue
        if name in WHOLE or getattr(option, "section", "") == EVENT or option.name in {"speed", "oversized"}:
            first = {option.opts[0]} | {each for each in option.opts if FIRST[option.name, each] == name}
            yield from ((option, spelling) for spelling in sorted(first))


WHOLE = {"channel.follow", "revocation", "challenge"}
"""Of these every option is tried; what the others share with them is the same."""
COMMANDS = [*(kind.name for kind in EVENT_TYPES), "gift", "revocation", "challenge", "night"]
FIRST = {
    (option.name, spelling): name
    for name in [*reversed(COMMANDS), *WHOLE]
    for option in group.commands[name].params
    for spelling in option.opts
}
"""Which command tries an option in a spelling: one of those that try all, if it has it."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_answered_as_it_says(dev: Dev, name: str):
    """Whatever is chosen, and whatever is wrong on purpose, the server does what the command expects."""
    for option, spelling in spellings(name):
        extra = ["--speed", "1000000"] if name == "night" and option.name != "speed" else []
        ran = run(dev, name, spelling, *value_of(option, dev), *extra)
        assert ran.returncode == 0, f"{name} {spelling}: {ran.stdout}{ran.stderr}"
        assert "WRONG" not in ran.stdout


def test_the_server_is_named_by_options_alone(dev: Dev):
    """Without the note of `dev`, address, secret and token are enough."""
    note = DevFile.read(dev.data_dir)
    given = ("-D", "--url", f"{note.url}/callback", "--secret", note.webhook_secret)
    assert run(dev, "follow", *given).returncode == 0
    night = run(dev, "night", *given, "--speed", "1000000", "--token", dev.token("broadcaster"))
    assert night.returncode == 0, night.stdout
    assert "left out" not in night.stdout


@pytest.mark.parametrize("name", ["cheer", "chat", "stream.online"])
def test_a_large_message_is_refused_every_time(dev: Dev, name: str):
    """The answer to what is too large is 413, of many and many at once, although it is never read whole."""
    ran = run(dev, name, "--oversized", "--repeat", 40, "--concurrency", 8)
    assert ran.returncode == 0, ran.stdout
    assert "answers: 40 x 413" in ran.stdout


def test_what_is_parked_is_told(dev: Dev):
    """A message that is answered well and parked is told as parked, and one that is not parked is not."""
    parked = run(dev, "cheer", "--bits", 0)
    assert parked.returncode == 0
    assert "parked by the server: 1" in parked.stdout
    assert "parked" not in run(dev, "cheer", "--bits", 100).stdout


async def test_an_answer_before_the_body_is_not_lost(tmp_path: Path):
    """What a server answers to the headers is told, though it closes at once and reads no body."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        too_large = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        quiet = b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        writer.write(too_large if head.startswith(b"POST") else quiet)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    arguments = ("cheer", "--oversized", "--url", f"http://127.0.0.1:{port}", "--secret", "be kind, rewind")
    async with server:
        ran = await asyncio.to_thread(
            run_here, "simulate", *arguments, names=environment({}), folder=tmp_path
        )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("ok     oversized channel.cheer: 413")

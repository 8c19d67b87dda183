"""`showtime dev`: the whole service by itself on a laptop, with nothing to configure."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from showtime_app.cli.common import (
    LIBPQ_NAMES,
    data_dir_option,
    errors_told,
    listen_on,
    listening_options,
    load_settings,
    open_listener,
    run,
    url_of,
    without,
)
from showtime_app.cli.lan import draw_pairing_code, lan_address, pairing_text
from showtime_app.dev_file import DEFAULT_DATA_DIR, DevFile, NoDevServerError, hold
from showtime_core.errors import Unavailable

if TYPE_CHECKING:
    from showtime_app.config import Settings

_ANOTHER = (
    "another `showtime dev` keeps its data in {folder} too, at {other}: commands find that one, unless --url "
    "says otherwise"
)
_REMOTE = (
    "{name} names another machine ({value}), and dev would write simulated events there: unset it to use a "
    "database of its own, or insist with --allow-remote-database"
)
_REMOTE_LEDGER = (
    "LEDGER_URL names another machine ({value}), and dev would credit simulated points there: unset it to "
    "use a ledger of its own"
)
_LAN_NEEDS_OWN = (
    "--lan signs in a phone without Twitch, which is for a database of dev's own alone: unset PG*"
)


@click.command()
@listening_options
@data_dir_option("Where the database and the secrets are kept between runs.")
@click.option(
    "--allow-remote-database",
    is_flag=True,
    help="Use the database that PG* names although it is on another machine.",
)
@click.option(
    "--lan",
    is_flag=True,
    help="Listen in the network of this machine as well, and print a QR code that signs in one phone.",
)
def dev(
    host: str | None, port: int | None, data_dir: Path, *, allow_remote_database: bool, lan: bool
) -> None:
    """Run everything on this machine: database, service and tokens, with nothing to configure."""
    with without("rich"):
        from showtime_app import composition

    settings = load_settings(with_log=True)
    _refuse_remote(settings, allow_database=allow_remote_database)
    if lan and settings.has_database:
        raise click.ClickException(_LAN_NEEDS_OWN)
    with errors_told(), open_listener(settings, host, port) as listener, _in_the_lan(listener, lan) as others:
        note, other = _note(settings, data_dir, url_of(listener))
        if other:
            click.echo(_ANOTHER.format(folder=data_dir, other=other))
        named = nullcontext(settings.conninfo) if settings.has_database else None
        with named or composition.embedded_database(data_dir) as conninfo:
            composition.migrate_up(conninfo, click.echo)
            own = note.token_secret
            overlay = run(composition.keep_overlay_secret(conninfo, own)) if own else ""
            welcome = partial(_welcome, note, data_dir, overlay, is_first=other is None)
            server = composition.dev(settings, conninfo, note, data_dir.resolve())
            pairing = _pair(conninfo, others)
            server.serve_on(listener, lambda: click.echo(welcome() + pairing), others)


@contextmanager
def _in_the_lan(listener: socket.socket, wanted: bool) -> Iterator[list[socket.socket]]:  # noqa: FBT001 - an option
    """Listen in the network of this machine as well, at the same port, where that is wanted."""
    if not wanted:
        yield []
        return
    with listen_on(lan_address(), listener.getsockname()[1]) as other:
        yield [other]


def _pair(conninfo: str, others: Sequence[socket.socket]) -> str:
    """Keep a code for one phone, where it reaches us, and say how it is paired."""
    from showtime_app import composition

    if not others:
        return ""
    code = draw_pairing_code()
    run(composition.keep_pairing_code(conninfo, code))
    return pairing_text(url_of(others[0]), code)


def _refuse_remote(settings: Settings, *, allow_database: bool) -> None:
    """Stay away from other machines' ledgers and databases: what is played here would be real there."""
    ledger = urlsplit(settings.ledger_url).hostname
    if ledger and not _is_local(ledger):
        raise click.ClickException(_REMOTE_LEDGER.format(value=ledger))
    if allow_database:
        return
    named = {name: os.environ.get(name) for name in LIBPQ_NAMES}
    if settings.pghost and not all(_is_local(host) for host in settings.pghost.split(",")):
        named["PGHOST"] = settings.pghost
    for name, value in named.items():
        if value:
            raise click.ClickException(_REMOTE.format(name=name, value=value))


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _note(settings: Settings, data_dir: Path, url: str) -> tuple[DevFile, str | None]:
    """Leave a note for the other commands, or take that of another dev on the folder; gives the other's URL.

    Secrets of our own stay as they are from run to run.
    """
    try:
        is_first = hold(data_dir)
        try:
            known = DevFile.read(data_dir)
        except NoDevServerError:
            known = DevFile(url, secrets.token_hex(16), None)
        note = DevFile(
            url,
            webhook_secret=next(iter(settings.webhook_secrets), known.webhook_secret)
            if is_first
            else known.webhook_secret,
            # A database that is not our own is never combined with tokens that are.
            token_secret=None if settings.has_database else known.token_secret or secrets.token_hex(32),
        )
        if is_first:
            note.write(data_dir)
    except OSError as reason:
        raise Unavailable(
            f"{data_dir} cannot be written ({reason.strerror}): choose another folder with --data-dir"
        ) from reason
    return note, None if is_first else known.url


def _welcome(note: DevFile, data_dir: Path, overlay: str, *, is_first: bool) -> str:
    folder = "" if data_dir == DEFAULT_DATA_DIR else f" --data-dir {data_dir}"
    lines = files("showtime_app.cli").joinpath("welcome.txt").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if note.token_secret or not re.search("token|overlay", line))
    return text.format(
        url=note.url,
        overlay=overlay,
        program=_program(),
        data_dir=folder,
        target=folder if is_first else f"{folder} --url {note.url}",
        folder=data_dir.resolve(),
    )


def _program() -> str:
    """Tell what to type for `showtime`: its path, where no path leads to it."""
    path = Path(sys.argv[0]).absolute()
    if path.name != "showtime" or shutil.which("showtime") == str(path):
        return "showtime"
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

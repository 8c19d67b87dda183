"""What commands share: settings, where to listen, which database, and how to say why not.

A command loads what it runs once it runs: the service takes a second to load, and help needs none of it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from showtime_app.dev_file import DEFAULT_DATA_DIR, DevFile, NoDevServerError
from showtime_core.errors import ShowtimeError

if TYPE_CHECKING:
    from showtime_app.config import Settings
    from showtime_app.setting_sources import Given

T = TypeVar("T")
_Command = TypeVar("_Command", bound=Callable[..., Any])

LIBPQ_NAMES = ("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE")
"""What names a database beside the settings: libpq would follow these wherever they lead."""
_LISTEN_REMEDIES = {
    errno.EADDRINUSE: "stop what runs there, or choose --port",
    errno.EACCES: "ports below 1024 need a right that this user does not have; choose a --port above, behind "
    "a web server",
    errno.EADDRNOTAVAIL: "this machine has no such address; choose --host",
}

_log = logging.getLogger("showtime")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run something that speaks with the database, on a loop on which psycopg can wait."""
    loop = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


@contextmanager
def errors_told() -> Iterator[None]:
    """End the command with what went wrong, in words; around a command, or a part of one."""
    try:
        yield
    except ShowtimeError as reason:
        raise click.ClickException(str(reason)) from reason


@contextmanager
def without(library: str) -> Iterator[None]:
    """Load what can do without a library without it, unless it is loaded already.

    httpx has a command line and structlog tracebacks that are painted by rich: 60 modules and 3 MiB, and a
    tenth of the time in which a server starts, for what a server never shows. None makes an import fail.
    """
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[library]


def listening_options(command: _Command) -> _Command:
    """Add the options of where to listen."""
    port = click.IntRange(0, 65535)
    about = "On which port; 0 takes a free one.  [default: LISTEN_PORT, or 5001]"
    command = click.option("--port", type=port, help=about)(command)
    return click.option("--host", help="Where to listen.  [default: BIND_ADDR, or 127.0.0.1]")(command)


def load_settings(given: Given | None = None, *, with_log: bool = False, for_serve: bool = False) -> Settings:
    """Read the settings, or end with all that is wrong with them; warns of names that look like one.

    `with_log` has the log written as they say from here on, with these warnings in it; `for_serve` has them
    judged by what `showtime serve` needs.
    """
    from showtime_app import config, logs
    from showtime_app.setting_sources import find_given

    given = given or find_given(config.Settings.model_fields)
    hints = [*config.misspelt(given)]
    try:
        settings = config.load(given, for_serve=for_serve)
    except config.ConfigurationError as problems:
        told = "\n".join([str(problems), *hints])
        raise click.ClickException(f"the settings cannot be used\n{told}") from None
    if with_log:
        logs.configure(settings.log_format, settings.log_level)
    for hint in hints:
        if with_log:
            _log.warning("%s", hint)
        else:
            click.echo(f"Warning: {hint}", err=True)
    return settings


def data_dir_option(about: str, default: Path | None = DEFAULT_DATA_DIR) -> Callable[[_Command], _Command]:
    """Add the option of the data folder; without a default it must be there."""
    kind = click.Path(path_type=Path, exists=default is None, file_okay=False)
    return click.option("--data-dir", type=kind, default=default, show_default=True, help=about)


database_option = data_dir_option(
    "Take the database of the `showtime dev` that keeps its data in this folder.  "
    f"[default: what PG* names, or else {DEFAULT_DATA_DIR}]",
    default=None,
)
"""Adds the option of which database, where it is not the one that PG* names."""


@contextmanager
def named_database(data_dir: Path | None) -> Iterator[str]:
    """Give the connection string of the database that the option names, or PG*, or else the folder of dev.

    Raises Unavailable.
    """
    from showtime_app import composition

    if data_dir is None:
        settings = load_settings()
        if not _is_dev_meant(settings):
            yield settings.conninfo
            return
        data_dir = DEFAULT_DATA_DIR
        click.echo(f"no database is named: taking that of `showtime dev` in {data_dir}", err=True)
    with composition.embedded_database(data_dir) as conninfo:
        yield conninfo


def _is_dev_meant(settings: Settings) -> bool:
    """Tell whether no database is named, and a `showtime dev` has made one here."""
    if settings.has_database or any(map(os.environ.get, LIBPQ_NAMES)):
        return False
    try:
        return DevFile.read(DEFAULT_DATA_DIR).token_secret is not None
    except NoDevServerError:
        return False


@contextmanager
def ready_database(data_dir: Path | None) -> Iterator[str]:
    """Give the same, once it is known that it can be used; ends with the remedy if it cannot.

    Raises NoDevServerError for a folder that is not what it was taken for: no database is made in it.
    """
    from showtime_app import composition

    if data_dir:
        DevFile.read(data_dir)
    with named_database(data_dir) as conninfo:
        lacking = [step.name for step in composition.migration_status(conninfo) if not step.applied_at]
        if lacking:
            option = f" --data-dir {data_dir}" if data_dir else ""
            raise click.ClickException(
                f"the database lacks {', '.join(lacking)}: run `showtime migrate{option}`"
            )
        yield conninfo


def open_listener(settings: Settings, host: str | None, port: int | None) -> socket.socket:
    """Open the listening socket, or end with the remedy."""
    return listen_on(host or settings.bind_addr, settings.listen_port if port is None else port)


def listen_on(host: str, port: int) -> socket.socket:
    """Open a listening socket, or end with the remedy."""
    from showtime_app.server import listen

    try:
        return listen(host, port)
    except OSError as reason:
        code = reason.errno or 0
        why = f"({os.strerror(code)}): {_LISTEN_REMEDIES.get(code, 'choose --host and --port')}"
        if code < 0:  # it is the resolver's
            why = "(no such host): choose --host"
        raise click.ClickException(f"cannot listen on {host}:{port} {why}") from reason


def url_of(listener: socket.socket) -> str:
    """Tell the address under which the listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

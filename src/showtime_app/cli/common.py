"""What commands share: settings, where to listen, which database, and how to say why not."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from showtime_app import composition, config, logs
from showtime_app.dev_file import DevFile, NoDevServerError
from showtime_app.server import listen
from showtime_app.setting_sources import Given, find_given
from showtime_core.errors import ShowtimeError

T = TypeVar("T")

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
    except (ShowtimeError, NoDevServerError) as reason:
        raise click.ClickException(str(reason)) from reason


def listening_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of where to listen."""
    host = click.option("--host", help="Where to listen.  [default: BIND_ADDR, or 127.0.0.1]")
    port = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        help="On which port; 0 takes a free one.  [default: LISTEN_PORT, or 5001]",
    )
    return host(port(command))


def load_settings(
    given: Given | None = None, *, with_log: bool = False, for_serve: bool = False
) -> config.Settings:
    """Read the settings, or end with all that is wrong with them; warns of names that look like one.

    `with_log` has the log written as they say from here on, with these warnings in it; `for_serve` has them
    judged by what `showtime serve` needs.
    """
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


def database_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of which database, where it is not the one that PG* names."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Take the database of the `showtime dev` that keeps its data in this folder.",
    )(command)


def named_database(data_dir: Path | None) -> AbstractContextManager[str]:
    """Give the connection string of the database that the option or PG* names. Raises Unavailable."""
    if data_dir is None:
        return nullcontext(load_settings().conninfo)
    return composition.embedded_database(data_dir)


@contextmanager
def ready_database(data_dir: Path | None) -> Iterator[str]:
    """Give the same, once it is known that it can be used; ends with the remedy if it cannot.

    Raises NoDevServerError for a folder that is not what it was taken for: no database is made in it.
    """
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


def open_listener(settings: config.Settings, host: str | None, port: int | None) -> socket.socket:
    """Open the listening socket, or end with the remedy."""
    host = host or settings.bind_addr
    port = settings.listen_port if port is None else port
    try:
        return listen(host, port)
    except OSError as reason:
        raise click.ClickException(
            f"cannot listen on {host}:{port} ({reason.strerror}): stop what runs there, or choose --port"
        ) from reason


def url_of(listener: socket.socket) -> str:
    """Tell the address under which the listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

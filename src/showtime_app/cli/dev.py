"""`showtime dev`: the whole service by itself on a laptop, with nothing to configure."""

import ipaddress
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from showtime_app import composition, logs
from showtime_app.cli.running import listening_options, load_settings, open_listener, url_of
from showtime_app.config import Settings
from showtime_app.dev_file import DEFAULT_DATA_DIR, DevFile, NoDevServerError
from showtime_core.errors import ShowtimeError

_WELCOME = """\
showtime is ready at {url}

  Watch     curl -N {url}/alerts
            curl -N {url}/state
  Play      {program} simulate night --speed 60{data_dir}
            {program} simulate cheer --bits 200 --message "a ghost of a baby seal please"{data_dir}
  Host      curl -X POST -H "Authorization: $({program} token broadcaster{data_dir})" {url}/admin/tape/5

Everything is kept in {folder}. Ctrl-C stops."""


@click.command()
@listening_options
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA_DIR,
    show_default=True,
    help="Where the database and the secrets are kept between runs.",
)
@click.option(
    "--allow-remote-database",
    is_flag=True,
    help="Use the database that PG* names although it is on another machine.",
)
def dev(host: str | None, port: int | None, data_dir: Path, *, allow_remote_database: bool) -> None:
    """Run everything on this machine: database, service and tokens, with nothing to configure."""
    settings = load_settings()
    logs.configure(settings.log_format, settings.log_level)
    _refuse_remote(settings, allowed=allow_remote_database)
    with open_listener(settings, host, port) as listener:
        dev_file = _note(data_dir, url_of(listener))
        try:
            with _database(settings, data_dir) as conninfo:
                composition.migrate_up(conninfo, click.echo)
                server = composition.dev(settings, conninfo, dev_file)
                server.serve_on(listener, lambda: click.echo(_welcome(dev_file.url, data_dir)))
        except ShowtimeError as reason:
            raise click.ClickException(str(reason)) from reason


def _refuse_remote(settings: Settings, *, allowed: bool) -> None:
    """Stay away from other machines' databases: what is played here is not for them."""
    if not allowed and settings.pghost and not _is_local(settings.pghost):
        raise click.ClickException(
            f"PGHOST names another machine ({settings.pghost}), and dev would write simulated events there: "
            "unset PGHOST to use a database of its own, or insist with --allow-remote-database"
        )


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _note(data_dir: Path, url: str) -> DevFile:
    """Leave a note for the other commands; secrets stay as they are from run to run."""
    try:
        known = DevFile.read(data_dir)
        note = DevFile(url, known.webhook_secret, known.token_secret)
    except NoDevServerError:
        note = DevFile(url, secrets.token_hex(16), secrets.token_hex(32))
    try:
        note.write(data_dir)
    except OSError as reason:
        raise click.ClickException(
            f"{data_dir} cannot be written ({reason.strerror}): choose another folder with --data-dir"
        ) from reason
    return note


@contextmanager
def _database(settings: Settings, data_dir: Path) -> Iterator[str]:
    """Give the connection string of the database that is configured, or of one of our own."""
    if settings.has_database:
        yield settings.conninfo
    else:
        with composition.embedded_database(data_dir) as conninfo:
            yield conninfo


def _welcome(url: str, data_dir: Path) -> str:
    option = "" if data_dir == DEFAULT_DATA_DIR else f" --data-dir {data_dir}"
    return _WELCOME.format(url=url, program=_program(), data_dir=option, folder=data_dir.resolve())


def _program() -> str:
    """Tell what to type for `showtime`: its path, where no path leads to it."""
    path = Path(sys.argv[0]).absolute()
    if path.name != "showtime" or shutil.which("showtime") == str(path):
        return "showtime"
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

"""`showtime dev`: the whole service by itself on a laptop, with nothing to configure."""

import ipaddress
import os
import secrets
import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import click

from showtime_app import composition
from showtime_app.cli.common import errors_told, listening_options, load_settings, open_listener, url_of
from showtime_app.config import Settings
from showtime_app.dev_file import DEFAULT_DATA_DIR, DevFile, NoDevServerError

_HOST = """\
  Host      curl -X POST -H "Authorization: $({program} token broadcaster{data_dir})" {url}/admin/tape/5
"""
_WELCOME = (
    """\
showtime is ready at {url}

  Watch     curl -N {url}/alerts
            curl -N {url}/state
            curl -N {url}/chat
  Play      {program} simulate night --speed 60{data_dir}
            {program} simulate chat --message "be kind, rewind"{data_dir}
            {program} simulate cheer --bits 200 --message "a ghost of a baby seal please"{data_dir}
  Look      {url}/local/gallery
"""
    + _HOST
    + """
Everything is kept in {folder}. Ctrl-C stops."""
)
_REMOTE = (
    "{name} names another machine ({value}), and dev would write simulated events there: unset it to use a "
    "database of its own, or insist with --allow-remote-database"
)


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
    settings = load_settings(with_log=True)
    _refuse_remote_ledger(settings)
    _refuse_remote(settings, allowed=allow_remote_database)
    with open_listener(settings, host, port) as listener:
        dev_file = _note(settings, data_dir, url_of(listener))
        with errors_told(), _database(settings, data_dir) as conninfo:
            composition.migrate_up(conninfo, click.echo)
            server = composition.dev(settings, conninfo, dev_file, data_dir.resolve())
            server.serve_on(listener, lambda: click.echo(_welcome(dev_file, data_dir)))


def _refuse_remote(settings: Settings, *, allowed: bool) -> None:
    """Stay away from other machines' databases: what is played here is not for them."""
    if allowed:
        return
    for name in ("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE"):  # libpq would follow these wherever they lead
        if os.environ.get(name):
            raise click.ClickException(_REMOTE.format(name=name, value=os.environ[name]))
    if settings.pghost and not all(_is_local(host) for host in settings.pghost.split(",")):
        raise click.ClickException(_REMOTE.format(name="PGHOST", value=settings.pghost))


def _refuse_remote_ledger(settings: Settings) -> None:
    """Stay away from other machines' ledgers: points for what never happened would be real there."""
    host = urlsplit(settings.ledger_url).hostname
    if host and not _is_local(host):
        raise click.ClickException(
            f"LEDGER_URL names another machine ({host}), and dev would credit simulated points there: "
            "unset it to use a ledger of its own"
        )


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _note(settings: Settings, data_dir: Path, url: str) -> DevFile:
    """Leave a note for the other commands; secrets of our own stay as they are from run to run."""
    try:
        known = DevFile.read(data_dir)
    except NoDevServerError:
        known = DevFile(url, secrets.token_hex(16), None)
    note = DevFile(
        url,
        webhook_secret=next(iter(settings.webhook_secrets), known.webhook_secret),
        # A database that is not our own is never combined with tokens that are.
        token_secret=None if settings.has_database else known.token_secret or secrets.token_hex(32),
    )
    try:
        note.write(data_dir)
    except OSError as reason:
        raise click.ClickException(
            f"{data_dir} cannot be written ({reason.strerror}): choose another folder with --data-dir"
        ) from reason
    return note


def _database(settings: Settings, data_dir: Path) -> AbstractContextManager[str]:
    """Give the connection string of the database that is configured, or of one of our own."""
    if settings.has_database:
        return nullcontext(settings.conninfo)
    return composition.embedded_database(data_dir)


def _welcome(dev_file: DevFile, data_dir: Path) -> str:
    option = "" if data_dir == DEFAULT_DATA_DIR else f" --data-dir {data_dir}"
    text = _WELCOME if dev_file.token_secret else _WELCOME.replace(_HOST, "")
    return text.format(url=dev_file.url, program=_program(), data_dir=option, folder=data_dir.resolve())


def _program() -> str:
    """Tell what to type for `showtime`: its path, where no path leads to it."""
    path = Path(sys.argv[0]).absolute()
    if path.name != "showtime" or shutil.which("showtime") == str(path):
        return "showtime"
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

"""Where the simulated messages go, and with which secret: option, environment, then the note of `dev`."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen

from showtime_app.dev_file import DEFAULT_DATA_DIR, DevFile, NoDevServerError
from showtime_app.simulate.messages import Address

SECRET_VARIABLE = "TWITCH_WEBHOOK_SECRET"  # noqa: S105 - the name of one
_CALLBACK = "/callback"
PLACEHOLDER = Address(f"http://127.0.0.1:5001{_CALLBACK}", "a placeholder for a secret")
"""What a dry run shows where no server is known."""
_SECRET_LENGTHS = range(10, 101)


class NoTargetError(Exception):
    """It is not known, or not allowed, where to send."""


@frozen
class TargetOptions:
    """What the user said about the target."""

    url: str | None = None
    secret: str | None = field(default=None, repr=False)
    data_dir: Path = DEFAULT_DATA_DIR
    no_config: bool = False
    """Look at the options alone."""
    allow_remote: bool = False


@frozen
class Target:
    """Where to send, and what else is known of that server."""

    address: Address
    token_secret: str | None = field(default=None, repr=False)
    """Makes tokens for the server, if it is the local one."""

    @property
    def base(self) -> str:
        """The URL that the server's other routes begin with."""
        return self.address.url.removesuffix("/").rpartition("/")[0]


def find(options: TargetOptions, environ: Mapping[str, str], fallback: Address | None = None) -> Target:
    """Find the target; raises NoTargetError, with the remedy, where neither it nor a fallback is named."""
    note = None
    if not options.no_config:
        with suppress(NoDevServerError):
            note = DevFile.read(options.data_dir)
    known = Address(note.url, note.webhook_secret) if note else fallback
    url = options.url or (known and known.url)
    # Several secrets are accepted while one is rotated; the first signs.
    named = "" if options.no_config else environ.get(SECRET_VARIABLE, "").split(",")[0].strip()
    secret = options.secret or named or (known and known.secret)
    if not url:
        raise NoTargetError(
            f"no server is known: start `showtime dev` (its note is looked for in {options.data_dir}, "
            "see --data-dir), or name the callback with --url"
        )
    if not secret:
        raise NoTargetError(f"no secret is known: give --secret or set {SECRET_VARIABLE}")
    if len(secret) not in _SECRET_LENGTHS or not secret.isascii():
        raise NoTargetError("a webhook secret has 10 to 100 ASCII characters")
    url = _with_callback(url)
    is_local = note is not None and urlsplit(note.url).netloc == urlsplit(url).netloc
    return Target(Address(url, secret), note.token_secret if note and is_local else None)


def resolve(host: str) -> set[str]:
    """Ask the system for all addresses of a host; raises OSError or UnicodeError for an unknown one."""
    return {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


def require_loopback(url: str, resolve: Callable[[str], set[str]] = resolve) -> None:
    """Raise NoTargetError unless the host of the URL is this machine, by all of its addresses."""
    host = urlsplit(url).hostname or ""
    try:
        found = resolve(host)
    except (OSError, UnicodeError) as reason:
        raise NoTargetError(f"the host {host!r} of --url is not known: {reason}") from reason
    if not all(_is_loopback(address) for address in found):
        raise NoTargetError(
            f"{host} is not this machine ({', '.join(sorted(found))}): simulated events go to "
            "loopback only, unless --allow-remote says that you mean it"
        )


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def _with_callback(url: str) -> str:
    parts = urlsplit(url)
    try:
        well_formed = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise NoTargetError(f"{url!r} is no URL like http://127.0.0.1:5001{_CALLBACK}")
    return url.rstrip("/") + _CALLBACK if parts.path in {"", "/"} else url

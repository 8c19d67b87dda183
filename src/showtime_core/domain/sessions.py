"""Sessions of hosts: who may do what, where a sign-in may lead, and how long everything holds."""

import re
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import frozen

from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Refused

IDLE_TIME = timedelta(days=30)
"""How long a session holds that is not used."""
LONGEST_SESSION = timedelta(days=180)
"""How long one holds however often it is used."""
EXTEND_EVERY = timedelta(days=1)
"""How often the end of a session is put off, at most: to read a page is not to write."""
CODE_TIME = timedelta(minutes=10)
"""How long a state of a sign-in, or a code that pairs a phone, is accepted."""

MAX_PATH = 200
"""How many characters a path may have to which a sign-in leads."""
OWN_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%?#-][A-Za-z0-9._~!$&'()*+,;=:@%?#/-]*)?")
"""A path of ours as a browser reads it: another slash or a backslash behind the first would name a host."""


class SignInWay(StrEnum):
    """How a host signs in."""

    TWITCH = "twitch"
    LOCAL = "laptop"
    """By a click, or by a code that pairs a phone: at `showtime dev` alone."""


class HostRole(StrEnum):
    """What a host is."""

    BROADCASTER = "broadcaster"
    MODERATOR = "moderator"


class Permission(StrEnum):
    """What a host may do, beside reading all that the console shows."""

    SHOW = "show"
    GHOSTS = "ghosts"
    TAPES = "tapes"
    TESTS = "tests"
    HANDLED = "handled"
    PARKED = "parked"
    RULES = "rules"
    SECRETS = "secrets"
    MODERATORS = "moderators"
    PREFLIGHT = "preflight"
    VODS = "vods"


_OF_MODERATORS = (Permission.SHOW, Permission.GHOSTS, Permission.TAPES, Permission.TESTS, Permission.HANDLED)


@frozen
class Host:
    """Who has signed in, and as what."""

    viewer: Viewer
    role: HostRole


@frozen
class Session:
    """A host who has signed in, in one browser."""

    host: Host
    way: SignInWay


@frozen
class Moderator:
    """A moderator whom the broadcaster has named."""

    viewer: Viewer
    """Known by the id: a login may pass to somebody else."""
    named_at: datetime


class CodePurpose(StrEnum):
    """What a one-time code is for."""

    SIGN_IN = "sign-in"
    PAIRING = "pairing"


@frozen
class OneTimeCode:
    """What is accepted once, and no longer than `CODE_TIME`."""

    purpose: CodePurpose
    browser: bytes | None = None
    """The digest of what the browser has that may use it; None: any may."""
    leads_to: str = "/"
    """At which path the browser ends up."""


def permissions(role: HostRole) -> tuple[Permission, ...]:
    """Tell what a host of this role may do, beside reading."""
    return tuple(Permission) if role is HostRole.BROADCASTER else _OF_MODERATORS


def host_role(viewer: Viewer, channel: str, *, is_named: bool) -> HostRole | None:
    """Tell as what a Twitch user signs in to the channel of this login; None: as nobody."""
    if viewer.login.lower() == channel.lower():
        return HostRole.BROADCASTER
    return HostRole.MODERATOR if is_named else None


def check_own_path(path: str) -> str:
    """Give a path of this service as it is; raises Refused for whatever may lead elsewhere."""
    if len(path) > MAX_PATH or not OWN_PATH.fullmatch(path):
        raise Refused(
            f"to must be a path of this service, such as /console, of {MAX_PATH} characters at most"
        )
    return path

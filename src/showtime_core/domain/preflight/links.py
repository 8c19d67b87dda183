"""The links of the show that are tried before a night, and how each was found.

A result says what was tried. What was not tried is unknown, and unknown is not ok.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import frozen


class Link(StrEnum):
    """What the show depends on, in the order in which it is told."""

    CALLBACK = "callback"
    CONSENT = "consent"
    AUTH = "auth"
    LEDGER = "ledger"
    OPENAI = "openai"
    STORAGE = "storage"
    DISCORD = "discord"
    CHAT = "chat"
    DATABASE = "database"
    DISK = "disk"
    CLOCK = "clock"
    OVERLAY = "overlay"


class LinkState(StrEnum):
    """How a link was found."""

    OK = "ok"
    """What was tried succeeded, and that is all that the show needs of it."""
    WARNING = "warning"
    """What was tried succeeded, but it does not prove enough, or will not last."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was not tried, or nobody can tell."""


@frozen
class Finding:
    """What a try of a link came to."""

    state: LinkState
    said: str
    """In a few words: what was found, or why nothing was."""
    remedy: str | None = None
    """What to do about it; None: what is usual for this link."""


@frozen
class LinkResult:
    """What the latest try of a link came to, and when that was."""

    link: Link
    finding: Finding
    tried_at: datetime
    """When the try ended."""
    milliseconds: int
    """How long it took."""


@frozen
class AboutLink:
    """What can be said of a link whatever is found, for people."""

    tried: str
    """What a try does."""
    remedy: str
    """What to do if it has failed and the finding says nothing better."""
    goes_on: str
    """What goes on without it."""


ABOUT: Mapping[Link, AboutLink] = {
    Link.CALLBACK: AboutLink(
        "Twitch was asked for a throw-away subscription (user.update), which makes it call our URL",
        "see that TWITCH_WEBHOOK_CALLBACK_URL leads to this server from the internet, over HTTPS on port 443",
        "nothing: Twitch delivers no alerts, no points, no night",
    ),
    Link.CONSENT: AboutLink(
        "Twitch was asked for our subscriptions: each that is enabled proves the scopes that it needs",
        "run `showtime init`, and consent as the broadcaster",
        "events whose scopes are there still come",
    ),
    Link.AUTH: AboutLink(
        "the auth service was asked for a service token, or for its keys where we share no secret with it",
        "start the auth service, and check AUTH_URL and AUTH_SHARED_SECRET",
        "alerts play; nobody can sign in, and points wait until it is back",
    ),
    Link.LEDGER: AboutLink(
        "a balance was read",
        "start the ledger, and check LEDGER_URL",
        "alerts play; points wait, and are credited once it is back",
    ),
    Link.OPENAI: AboutLink(
        "the model was looked up with our key; nothing was painted",
        "check OPENAI_API_KEY, OPENAI_IMAGE_MODEL and OPENAI_BASE_URL",
        "all but ghosts; points that were set aside for one are given back",
    ),
    Link.STORAGE: AboutLink(
        "an object was stored, read by its public address, and deleted",
        "check SPACES_*, what the key may do, and SPACES_ACL",
        "all but ghosts, which wait to be stored",
    ),
    Link.DISCORD: AboutLink(
        "the webhook was asked for itself; nothing was posted",
        "make a new webhook (channel, Integrations, Webhooks), and put it into DISCORD_GHOSTS_WEBHOOK_URL",
        "the show; posts are parked for you",
    ),
    Link.CHAT: AboutLink(
        "the report of whoever reads chat was read",
        "see that a `showtime serve` runs, and what its log says of chat",
        "all but chat on the screen",
    ),
    Link.DATABASE: AboutLink(
        "two pages were written, and taken back",
        "start PostgreSQL, and check PG* and the room on its disk",
        "nothing: Twitch sends again for a while what was not taken",
    ),
    Link.DISK: AboutLink(
        "the free space was read where the database lives",
        "make room where the database lives",
        "the show, until the disk is full",
    ),
    Link.CLOCK: AboutLink(
        "our clock was compared with the Date of an answer of Twitch",
        "set this machine's clock, and keep it by NTP",
        "the show; from 10 minutes on what Twitch delivers is refused",
    ),
    Link.OVERLAY: AboutLink(
        "the reports of overlays were read: a growing count of frames proves that one paints",
        "open the overlay's address in OBS, and make its source visible",
        "points, ghosts and chat; alerts wait for ten minutes",
    ),
}
"""What is said of each link, in all places."""


def explain_remedy(result: LinkResult) -> str | None:
    """Say what to do about a link; None: nothing is to be done."""
    finding = result.finding
    if finding.remedy or finding.state is not LinkState.FAILED:
        return finding.remedy
    return ABOUT[result.link].remedy


def explain_without(result: LinkResult) -> str | None:
    """Say what goes on without a link that has failed; None: it has not."""
    return ABOUT[result.link].goes_on if result.finding.state is LinkState.FAILED else None


def off(why: str) -> Finding:
    """Tell of a link that was not tried, since the feature is off."""
    return Finding(LinkState.UNKNOWN, f"off: {why}")


def not_tried(why: str) -> Finding:
    """Tell of a link that could not be tried."""
    return Finding(LinkState.UNKNOWN, f"not tried: {why}")


def failed(why: str, remedy: str | None = None) -> Finding:
    """Tell of a link that has failed."""
    return Finding(LinkState.FAILED, why, remedy)

"""Short sentences for tests: what Twitch says, so many minutes into the opening night."""

from datetime import datetime, timedelta

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.strategies import CAST, OPENING_NIGHT, entry

MARGE, BOB, TRACKING, LARRY, REWIND = CAST


def at(minutes: float) -> datetime:
    """Tell the time so many minutes into the opening night."""
    return OPENING_NIGHT + timedelta(minutes=minutes)


def online(stream: str, minutes: float, *, started: float | None = None) -> Entry:
    """Twitch says that a stream is live, and since when: since now, if nothing else is said."""
    event = ev.StreamOnline(stream, "live", at(minutes if started is None else started), at(minutes))
    return entry(f"online-{stream}-{minutes}", event)


def offline(minutes: float, stream: str | None = None) -> Entry:
    """Twitch says that a stream is over: whichever is on the air, if none is named."""
    return entry(f"offline-{minutes}", ev.StreamOffline(at(minutes), stream))


def follows(entry_id: str, viewer: Viewer = MARGE, minutes: float = 0) -> Entry:
    """A viewer follows: Marge, if nobody else is named."""
    return entry(entry_id, ev.Follow(viewer, at(minutes)), at(minutes))


def cheers(entry_id: str, bits: int = 200, message: str = "ghost of Vincent Price") -> Entry:
    """Marge cheers."""
    return entry(entry_id, ev.Cheer(MARGE, bits, message), at(1))

"""What is recorded of one night: the rows of the tables, and the journal around its time."""

from datetime import datetime, timedelta
from uuid import UUID

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import Screening
from showtime_core.domain.journal import JournalRecord

AROUND = timedelta(minutes=15)
"""How far before and after a night its entries are looked for, by when they were reacted to.

A message is accepted for ten minutes after it was sent; the rest is for clocks that differ.
"""


@frozen
class RecordedGhost:
    """A ghost that was paid for while a tape of the night was on."""

    id: UUID
    viewer_id: str
    username: str
    subject: str
    """What it is a ghost of, in the viewer's words."""
    paid_at: datetime


@frozen
class RecordedNight:
    """One night, as it is recorded."""

    id: int
    started_at: datetime
    ended_at: datetime | None
    """None: it is on the air."""
    vod_url: str
    now: datetime
    """When this was read, by the database's clock."""
    screenings: tuple[Screening, ...] = ()
    """By their start."""
    ghosts: tuple[RecordedGhost, ...] = ()
    """The oldest first."""
    entries: tuple[JournalRecord, ...] = ()
    """The entries that were reacted to from `AROUND` before the night until `AROUND` after it, in order."""
    journal_since: datetime | None = None
    """When the first entry of the whole journal was reacted to; None: there is none."""

"""Nights as they are looked at afterwards: played in memory, tape by tape."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st

from showtime_core.domain.events import Event, StreamOffline, StreamOnline
from showtime_core.domain.journal import Entry
from showtime_core.domain.nights.timeline import NightTimeline, night_timeline
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.testing.entries import at
from showtime_core.testing.strategies import OPENING_NIGHT, entry, messages, transmissions
from showtime_core.testing.twins.history import MemoryHistory, StoredGhost
from showtime_core.testing.twins.nights import MemoryNights
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.host import start_tape, stop_tape
from showtime_core.use_cases.receive import receive

_SPAN = timedelta(hours=3)
_SAID = st.lists(st.tuples(st.floats(0, 1), messages(st.just(OPENING_NIGHT))), max_size=12)


def _gathered(told: tuple[Sequence[StreamOnline | StreamOffline], list[tuple[float, Event]]]) -> list[Entry]:
    """Spread what is said over the time in which the streams were on."""
    streams, said = told
    until = max([one.sent_at - OPENING_NIGHT for one in streams], default=_SPAN)
    others = [
        entry(f"said-{number}", content, OPENING_NIGHT + share * until)
        for number, (share, content) in enumerate(said)
    ]
    own = [entry(f"stream-{number}", content) for number, content in enumerate(streams)]
    return sorted([*own, *others], key=lambda each: each.sent_at or OPENING_NIGHT)


# Made once: to make it anew for each example costs more than to play it.
EVENINGS = st.tuples(transmissions(), _SAID).map(_gathered)
"""What Twitch says of some nights in its own order."""


async def played(
    entries: Sequence[Entry], tapes: Sequence[tuple[float, int]] = (), ghosts: Sequence[StoredGhost] = ()
) -> list[NightTimeline]:
    """Play entries in their order, with tapes put on at these minutes (0: taken off); give all nights."""
    clock = [at(0)]
    units = MemoryUnitOfWork(clock=lambda: clock[0])
    waiting = sorted(enumerate(tapes, 1), key=lambda tape: tape[1][0])

    async def put_on(until: float) -> None:
        while waiting and waiting[0][1][0] <= until:
            number, (minutes, tape_id) = waiting.pop(0)
            clock[0] = max(clock[0], at(minutes))
            with suppress(Refused):  # no broadcast is live
                if tape_id:
                    await start_tape(tape_id, UUID(int=number), units, Policy())
                else:
                    await stop_tape(UUID(int=number), units, Policy())

    for each in entries:
        when = each.sent_at or clock[0]
        await put_on((when - at(0)) / timedelta(minutes=1))
        clock[0] = max(clock[0], when)
        await receive([each], units, Policy())
    await put_on(1e6)
    nights = MemoryNights(MemoryHistory(units, [*ghosts]))
    return [night_timeline(await nights.night(number)) for number in await nights.numbers(999)]


async def one_played(
    entries: Sequence[Entry], tapes: Sequence[tuple[float, int]] = (), ghosts: Sequence[StoredGhost] = ()
) -> NightTimeline:
    """Play the entries of one night."""
    [night] = await played(entries, tapes, ghosts)
    return night

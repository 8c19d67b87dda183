"""What every reader of recorded nights keeps to; see `contracts.unit_of_work` for how to use it."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.domain.journal import Malformed, Outcome
from showtime_core.domain.nights.recorded import RecordedGhost
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotFound
from showtime_core.ports import Nights, UnitOfWork
from showtime_core.testing.contracts.history import NAMELESS, ghost, screening
from showtime_core.testing.entries import BOB, MARGE, at
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.history import MemoryHistory, StoredGhost
from showtime_core.testing.twins.nights import MemoryNights
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.receive import receive


@frozen
class NightsStage:
    """A channel on which nothing has happened yet, and ways to put something into it."""

    nights: Nights
    units: UnitOfWork
    """Reacts at the present time."""
    record: Callable[[Sequence[Broadcast], Sequence[Screening]], Coroutine[Any, Any, None]]
    """Records nights and what was on, as the unit of work does."""
    save_ghost: Callable[[StoredGhost], Coroutine[Any, Any, None]]
    """Keeps a ghost as it stands, with its viewer."""


def memory_nights_stage() -> NightsStage:
    """Play in memory."""
    units = MemoryUnitOfWork()
    history = MemoryHistory(units)

    async def record(broadcasts: Sequence[Broadcast], screenings: Sequence[Screening]) -> None:
        units.memory = evolve(
            units.memory,
            broadcasts=units.memory.broadcasts | {row.id: row for row in broadcasts},
            screenings=units.memory.screenings | {str(row.id): row for row in screenings},
        )

    async def keep(ghost: StoredGhost) -> None:
        history.ghosts.append(ghost)

    return NightsStage(MemoryNights(history), units, record, keep)


class NightsContract:
    """The rules of `showtime_core.ports.Nights`."""

    @pytest.fixture
    def stage(self) -> NightsStage:
        """Give a stage on an empty channel: override this."""
        raise NotImplementedError

    async def test_an_empty_channel_has_no_night(self, stage: NightsStage) -> None:
        """Before the first broadcast there is no list, no night of any number, and none on the air."""
        assert await stage.nights.numbers(9) == []
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.nights.numbers(9, before=1)
        with pytest.raises(NotFound, match="no broadcast is currently live"):
            await stage.nights.night(None)

    @pytest.mark.parametrize("number", [0, -1, 4, 2**31, 2**63, 10**30])
    async def test_a_number_that_no_night_has_is_not_found(self, stage: NightsStage, number: int) -> None:
        """A number that no broadcast has is not found, however large it is."""
        await stage.record([Broadcast(1, at(0), at(9))], [])
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.nights.night(number)
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.nights.numbers(9, before=number)

    async def test_nights_are_listed_from_the_latest(self, stage: NightsStage) -> None:
        """Broadcasts are listed by their start, the latest first, with a tape or without; also in pieces."""
        starts = {1: 0, 2: 50, 3: 50, 4: 90, 5: 40}
        await stage.record([Broadcast(n, at(start), at(start)) for n, start in starts.items()], [])
        assert await stage.nights.numbers(9) == [4, 3, 2, 5, 1]
        assert await stage.nights.numbers(2) == [4, 3]
        assert await stage.nights.numbers(2, before=3) == [2, 5]
        assert await stage.nights.numbers(9, before=1) == []

    async def test_a_night_without_a_journal_is_read(self, stage: NightsStage) -> None:
        """Of a night that the predecessor recorded there are its tapes and the ghosts that were paid for."""
        on, later, other = (
            screening(1, 1, 31, 0, 50),
            screening(2, 1, 80, 50, 90),
            screening(3, 2, 80, 100, 120),
        )
        await stage.record([Broadcast(1, at(0), at(90)), Broadcast(2, at(100), at(130))], [later, on, other])
        for asked in (
            ghost(30, "a fax machine", later, 7),
            evolve(ghost(20, "Vincent Price", on, 3), viewer=BOB),
            evolve(ghost(10, "a baby seal", on, 8), viewer=NAMELESS),
            evolve(ghost(40, "nobody", on, 4), error_message="the painter was away"),
            evolve(ghost(50, "somebody yet to come", on, 5), finished_at=None),
            ghost(60, "of another night", other, 101),
            ghost(70, "an empty screen", None, 6),
        ):
            await stage.save_ghost(asked)
        night = await stage.nights.night(1)
        assert (night.id, night.started_at, night.ended_at, night.vod_url) == (1, at(0), at(90), "")
        assert night.screenings == (on, later)
        first, second, third = night.ghosts
        assert first == RecordedGhost(first.id, BOB.id, BOB.display_name, "Vincent Price", at(3.5))
        assert (second.viewer_id, second.subject) == (MARGE.id, "a fax machine")
        assert (third.viewer_id, third.username) == (NAMELESS.id, "")
        assert (night.entries, night.journal_since) == ((), None)

    async def test_entries_around_a_night_are_read_in_order(self, stage: NightsStage) -> None:
        """A night has the entries around its time as they came, with what became of each; others do not."""
        now = datetime.now(UTC)
        follow = entry("f", ev.Follow(MARGE, now), now)
        news = [
            entry("on", ev.StreamOnline("41", "live", now, now), now),
            follow,
            evolve(follow, id="again"),
            evolve(follow, id="bad", content=Malformed("nobody can read it")),
        ]
        await stage.record([Broadcast(7, now - timedelta(hours=9), now - timedelta(hours=8))], [])
        await receive(news, stage.units, Policy())
        live = await stage.nights.night(None)
        assert [(one.entry.id, one.entry.body, one.outcome) for one in live.entries] == [
            ("on", news[0].body, Outcome.REACTED),
            ("f", follow.body, Outcome.REACTED),
            ("again", follow.body, Outcome.REPEATED),
            ("bad", follow.body, Outcome.PARKED),
        ]
        assert live.journal_since == live.entries[0].now
        assert (await stage.nights.night(7)).entries == ()

    async def test_a_long_night_is_read_whole(self, stage: NightsStage) -> None:
        """However many entries a night has, all of them are read, each once."""
        now = datetime.now(UTC)
        names = [f"follow-{number}" for number in range(1200)]
        online = entry("on", ev.StreamOnline("41", "live", now, now), now)
        follows = [entry(name, ev.Follow(evolve(MARGE, id=name), now), now) for name in names]
        await receive([online, *follows], stage.units, Policy())
        assert [one.entry.id for one in (await stage.nights.night(None)).entries] == ["on", *names]

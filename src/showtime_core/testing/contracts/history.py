"""What every implementation of the history keeps to; see `contracts.unit_of_work` for how to use it."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.domain.broadcasts.history import (
    GhostPage,
    LastTape,
    ListedBroadcast,
    ListedGhost,
    PaidGhost,
    PastBroadcast,
    PastScreening,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound
from showtime_core.ports import History
from showtime_core.testing.entries import BOB, MARGE, at
from showtime_core.testing.twins.history import MemoryHistory, StoredGhost
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

NAMELESS = Viewer("777", "", "")


@frozen
class HistoryStage:
    """A channel on which nothing has happened yet, its history, and ways to put something into it."""

    history: History
    record: Callable[[Sequence[Broadcast], Sequence[Screening]], Coroutine[Any, Any, None]]
    """Records nights and what was on, as the unit of work does: also those that are there already."""
    save_ghost: Callable[[StoredGhost], Coroutine[Any, Any, None]]
    """Keeps a ghost as it stands, with its viewer."""


def memory_history_stage() -> HistoryStage:
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

    return HistoryStage(history, record, keep)


def screening(number: int, broadcast_id: int, tape_id: int, *minutes: float) -> Screening:
    """Tell of a tape that was on from one minute to another, or is still on."""
    started, ended = at(minutes[0]), at(minutes[1]) if minutes[1:] else None
    return Screening(UUID(int=number), broadcast_id, tape_id, started, ended)


def ghost(number: int, subject: str, on: Screening | None, minutes: float) -> StoredGhost:
    """Tell of a ghost of Marge's that was paid for."""
    asked_at = at(minutes)
    return StoredGhost(UUID(int=number), MARGE, on.id if on else None, subject, asked_at, at(minutes + 0.5))


class HistoryContract:
    """The rules of `showtime_core.ports.History`."""

    @pytest.fixture
    def stage(self) -> HistoryStage:
        """Give a stage on an empty channel: override this."""
        raise NotImplementedError

    async def test_nothing_has_happened_yet(self, stage: HistoryStage) -> None:
        """An empty channel has an empty list, and no night and no ghost."""
        assert await stage.history.broadcasts() == []
        assert await stage.history.broadcasts(limit=5) == []
        assert await stage.history.image_urls(UUID(int=1)) == []
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.history.broadcast(1)

    async def test_nights_with_a_tape_are_listed_by_their_start(self, stage: HistoryStage) -> None:
        """Nights with a tape are listed by start, not by number, their tapes in order with repeats."""
        await stage.record(
            [Broadcast(7, at(600), at(700)), Broadcast(2, at(900), at(990)), Broadcast(9, at(0), at(200))],
            [
                screening(4, 9, 31, 100, 150),
                screening(3, 9, 80, 20, 40),
                screening(2, 9, 31, 10, 20),
                screening(1, 2, 5, 910, 920),
            ],
        )
        assert await stage.history.broadcasts() == [
            ListedBroadcast(9, at(0), "", (31, 80, 31)),
            ListedBroadcast(2, at(900), "", (5,)),
        ]

    async def test_pages_are_the_list_in_pieces(self, stage: HistoryStage) -> None:
        """Pages are the list in pieces, also where two nights begin at the same moment."""
        starts = {1: 0, 2: 50, 3: 50, 4: 90, 5: 40}
        await stage.record(
            [Broadcast(number, at(start), at(start)) for number, start in starts.items()],
            [screening(n, n, 10 * n, starts[n], starts[n]) for n in starts if n != 4],  # noqa: PLR2004 - one without
        )
        history = stage.history
        assert [night.id for night in await history.broadcasts()] == [1, 5, 2, 3]
        assert [night.id for night in await history.broadcasts(limit=3)] == [1, 5, 2]
        assert [night.id for night in await history.broadcasts(after=2)] == [3]
        assert [night.id for night in await history.broadcasts(after=5, limit=1)] == [2]
        assert await history.broadcasts(after=4) == []

    @pytest.mark.parametrize("number", [0, -1, 4, 2**31, 2**32 + 1, 2**63, 10**30])
    async def test_a_number_that_no_night_has_is_not_found(self, stage: HistoryStage, number: int) -> None:
        """A number that no night has is not found, however large: it is not cut to another's."""
        await stage.record([Broadcast(1, at(0), at(9))], [screening(1, 1, 31, 0, 9)])
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.history.broadcast(number)
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.history.broadcasts(after=number)
        with pytest.raises(NotFound, match="no such broadcast"):
            await stage.history.set_vod_url(number, "https://vods.example.com/1")

    async def test_a_night_is_told_with_its_tapes(self, stage: HistoryStage) -> None:
        """A night has its tapes by their start, to the microsecond, and no end where it is not over."""
        moment = 12.3456789
        await stage.record(
            [Broadcast(1, at(0), at(90)), Broadcast(2, at(100), None)],
            [
                screening(9, 1, 31, moment, 50),
                screening(8, 1, 80, 50, 90),
                screening(7, 2, 31, 110, 120),
                screening(6, 2, 13, 120),
            ],
        )
        over, live = await stage.history.broadcast(1), await stage.history.broadcast(2)
        tapes = (PastScreening(31, at(moment), at(50), ()), PastScreening(80, at(50), at(90), ()))
        assert over == PastBroadcast(1, at(0), at(90), "", tapes)
        assert live.ended_at is None
        assert [(tape.tape_id, tape.ended_at) for tape in live.screenings] == [(31, at(120)), (13, None)]

    async def test_a_night_without_a_tape_is_told_too(self, stage: HistoryStage) -> None:
        """It is not in the list, but it was."""
        await stage.record([Broadcast(3, at(0), at(90))], [])
        assert await stage.history.broadcast(3) == PastBroadcast(3, at(0), at(90), "", ())

    async def test_ghosts_that_were_paid_are_told(self, stage: HistoryStage) -> None:
        """Paid ghosts are told with their tape, oldest first, by name, and no others."""
        on, later = screening(1, 1, 31, 0, 50), screening(2, 1, 80, 50, 90)
        await stage.record([Broadcast(1, at(0), at(90))], [on, later])
        for asked in (
            ghost(30, "a fax machine", on, 7),
            evolve(ghost(20, "Vincent Price", on, 3), viewer=BOB),
            evolve(ghost(10, "a baby seal", on, 7), viewer=NAMELESS),
            evolve(ghost(40, "nobody", on, 4), error_message="the painter was away"),
            evolve(ghost(50, "somebody yet to come", on, 5), finished_at=None),
            ghost(60, "an empty screen", None, 6),
        ):
            await stage.save_ghost(asked)
        first, second = (await stage.history.broadcast(1)).screenings
        assert first.ghosts == (
            PaidGhost(UUID(int=20), "BetamaxBob", "Vincent Price"),
            PaidGhost(UUID(int=10), "User 777", "a baby seal"),
            PaidGhost(UUID(int=30), "Marge_on_Mute", "a fax machine"),
        )
        assert second.ghosts == ()

    async def test_the_gallery_lists_what_was_paid_for(self, stage: HistoryStage) -> None:
        """The gallery lists paid ghosts by when that was, each with its number, night and tape."""
        on = screening(1, 1, 31, 0, 50)
        await stage.record([Broadcast(1, at(0), at(90))], [on])
        urls = ("https://ghosts.example.com/a-00.jpg", "https://ghosts.example.com/a-01.jpg")
        for asked in (
            evolve(ghost(10, "a fax machine", on, 7), urls=urls),
            evolve(ghost(20, "Vincent Price", on, 3), viewer=BOB),
            ghost(30, "an empty screen", None, 5),
            evolve(ghost(40, "nobody", on, 4), error_message="the painter was away"),
            evolve(ghost(50, "somebody yet to come", on, 5), finished_at=None),
        ):
            await stage.save_ghost(asked)
        first = ListedGhost(UUID(int=20), 1, "BetamaxBob", "Vincent Price", "", at(3.5), 1, 31)
        second = ListedGhost(UUID(int=30), 2, "Marge_on_Mute", "an empty screen", "", at(5.5), None, None)
        third = ListedGhost(UUID(int=10), 3, "Marge_on_Mute", "a fax machine", urls[0], at(7.5), 1, 31)
        gallery = stage.history.gallery
        assert await gallery(9) == GhostPage(3, (third, second, first))
        assert await gallery(2) == GhostPage(3, (third, second))
        assert await gallery(9, before=third.id) == GhostPage(3, (second, first))
        assert await gallery(9, around=first.id) == GhostPage(3, (second, first))
        assert await gallery(9, broadcast_id=1) == GhostPage(3, (third, first))
        assert await gallery(9, before=UUID(int=40)) == GhostPage(0, ())
        assert await gallery(9, around=UUID(int=99)) == GhostPage(0, ())
        assert await gallery(9, broadcast_id=10**30) == GhostPage(0, ())

    async def test_images_of_a_paid_ghost_are_listed(self, stage: HistoryStage) -> None:
        """Images of a paid ghost are listed in order, and of any other there are none."""
        urls = tuple(f"https://ghosts.example.com/a-0{number}.jpg" for number in range(3))
        paid = evolve(ghost(1, "a fax machine", None, 1), urls=urls)
        for asked in (
            paid,
            evolve(paid, id=UUID(int=2), error_message="refunded"),
            evolve(paid, id=UUID(int=3), finished_at=None),
        ):
            await stage.save_ghost(asked)
        assert await stage.history.image_urls(UUID(int=1)) == list(urls)
        assert await stage.history.image_urls(UUID(int=2)) == []
        assert await stage.history.image_urls(UUID(int=3)) == []

    async def test_the_vod_url_of_a_night_is_kept(self, stage: HistoryStage) -> None:
        """The VOD URL is kept in list and night alike until it is replaced or removed."""
        await stage.record([Broadcast(1, at(0), None)], [screening(1, 1, 31, 5)])
        for url in ("https://vods.example.com/1", "http://localhost:8000/1?t=0s#start"):
            await stage.history.set_vod_url(1, url)
            assert [night.vod_url for night in await stage.history.broadcasts()] == [url]
        await stage.record([Broadcast(1, at(0), at(90))], [screening(1, 1, 31, 5, 90)])
        assert (await stage.history.broadcast(1)).vod_url == url
        await stage.history.set_vod_url(1, "")
        assert (await stage.history.broadcast(1)).vod_url == ""

    async def test_the_last_tapes_are_listed_once_each(self, stage: HistoryStage) -> None:
        """Tapes that were on are listed by when they last were, the newest first, each with how often."""
        night = Broadcast(1, at(0), at(60))
        again = Broadcast(2, at(1000), None)
        played = [screening(1, 1, 31, 1, 5), screening(2, 1, 80, 5, 9), screening(3, 2, 31, 1001)]
        await stage.record([night, again], played)
        assert await stage.history.last_tapes(5) == [LastTape(31, at(1001), 2), LastTape(80, at(5), 1)]
        assert await stage.history.last_tapes(1) == [LastTape(31, at(1001), 2)]

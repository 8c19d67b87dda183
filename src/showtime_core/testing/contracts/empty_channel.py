"""What every channel keeps to that a night is imported into; see `contracts.unit_of_work` for its use."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.journal import Entry, JournalRecord, Outcome
from showtime_core.domain.nights.file import NightFile, NightHeader
from showtime_core.domain.nights.timeline import NightTimeline
from showtime_core.domain.own_entries import start_tape_entry
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.ports import Nights, UnitOfWork
from showtime_core.testing.entries import BOB, LARRY, MARGE, at, offline, online
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.empty_channel import MemoryEmptyChannel
from showtime_core.testing.twins.history import MemoryHistory
from showtime_core.testing.twins.nights import MemoryNights
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.look_back import LookBack
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.transfer import EmptyChannel, ImportNight, ImportSummary

NUMBER = 7
TAPE = UUID(int=31)


@frozen
class EmptyChannelStage:
    """A channel in which nothing has happened yet, and what is seen of it."""

    channel: EmptyChannel
    nights: Nights
    units: UnitOfWork
    """Records something else."""
    save_broadcast: Callable[[Broadcast], Coroutine[Any, Any, None]]
    """Records a night of the predecessor."""
    statuses: Callable[[], Coroutine[Any, Any, Sequence[str]]]
    """Tells the status of each effect."""


def memory_empty_channel_stage() -> EmptyChannelStage:
    """Play in memory."""
    units = MemoryUnitOfWork()
    history = MemoryHistory(units)

    async def save(row: Broadcast) -> None:
        units.memory = evolve(units.memory, broadcasts=units.memory.broadcasts | {row.id: row})

    async def statuses() -> Sequence[str]:
        return [planned.status.value for planned in units.memory.effects.values()]

    channel, nights = MemoryEmptyChannel(history), MemoryNights(history)
    return EmptyChannelStage(channel, nights, units, save, statuses)


def _record(told: Entry, minutes: float, outcome: Outcome = Outcome.REACTED) -> JournalRecord:
    remark = "it was parked" if outcome is Outcome.PARKED else None
    return JournalRecord(told, at(minutes), Policy(), outcome, remark)


_CHEER = entry("c", ev.Cheer(LARRY, 200, "ghost of a walrus"), at(20))
_GHOST_ID = ghost_id_of("c")
_OWN = (
    b'{"ghostId":"%s","user":{"id":"4204","login":"larry","displayName":"L"},"subject":"a walrus","url":"u"}'
)
_PAID = entry(f"ghost:{_GHOST_ID}", ev.GhostPaid(LARRY, "a walrus", "u"))
_FOLLOW = entry("f", ev.Follow(MARGE, at(10)), at(10))
RECORDS = (
    _record(online("41", 0), 0.1),
    _record(start_tape_entry(TAPE, 31), 5),
    _record(_FOLLOW, 10.1),
    _record(evolve(_FOLLOW, id="f again"), 10.2, Outcome.REPEATED),
    _record(_CHEER, 20.1),
    _record(evolve(_PAID, body=_OWN % str(_GHOST_ID).encode()), 21),
    _record(entry("bad", ev.Raid(BOB, 3), at(25)), 25.1, Outcome.PARKED),
    _record(entry("s", ev.SubscriptionStart(BOB, "1000", is_gift=False, sent_at=at(26)), at(26)), 26.1),
    _record(offline(60, "41"), 60.1),
)
_CONTENTS = {record.entry.id: record.entry.content for record in RECORDS}
FILE = NightFile(NightHeader(NUMBER, at(0), at(60)), RECORDS)


def parse(told: Entry) -> Entry:
    """Read a message of the night above."""
    return evolve(told, content=_CONTENTS[told.id])


class CutOffError(Exception):
    """The import is cut off."""


@frozen
class CutOff:
    """A channel that is gone after so many entries."""

    channel: EmptyChannel
    after: int
    done: list[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the channel has
        """Do as the channel does."""
        return getattr(self.channel, name)

    async def record(self, record: JournalRecord, *how: Any) -> None:  # noqa: ANN401 - as the channel takes it
        """Record it, or be gone."""
        if len(self.done) == self.after:
            raise CutOffError
        await self.channel.record(record, *how)
        self.done.append(record.entry.id)


class EmptyChannelContract:
    """The rules of `showtime_core.use_cases.transfer.EmptyChannel`."""

    @pytest.fixture
    def stage(self) -> EmptyChannelStage:
        """Give a stage on an empty channel: override this."""
        raise NotImplementedError

    async def _timeline(self, stage: EmptyChannelStage) -> NightTimeline:
        return await LookBack(stage.nights, parse).timeline(NUMBER)

    async def test_a_night_is_recorded_as_it_was(self, stage: EmptyChannelStage) -> None:
        """An imported night has its number, times, tapes and ghosts, and what became of each entry."""
        summary = await ImportNight(stage.channel, parse).run(FILE)
        assert summary == ImportSummary(len(RECORDS), 0)
        night = await stage.nights.night(NUMBER)
        told = [
            (one.entry.id, one.now, one.entry.sent_at, one.entry.body, one.outcome) for one in night.entries
        ]
        assert told == [
            (one.entry.id, one.now, one.entry.sent_at, one.entry.body, one.outcome) for one in RECORDS
        ]
        assert (night.started_at, night.ended_at) == (at(0), at(60))
        assert [(on.id, on.tape_id, on.started_at, on.ended_at) for on in night.screenings] == [
            (TAPE, 31, at(5), at(60))
        ]
        assert [(ghost.id, ghost.subject, ghost.paid_at) for ghost in night.ghosts] == [
            (_GHOST_ID, "a walrus", at(21))
        ]
        assert [one.kind.value for one in (await self._timeline(stage)).moments] == [
            "follow",
            "bits",
            "ghost",
            "sub",
        ]

    async def test_nothing_is_done_twice(self, stage: EmptyChannelStage) -> None:
        """What follows from an imported night is recorded as skipped: nobody is paid, nothing is painted."""
        await ImportNight(stage.channel, parse).run(FILE)
        assert [*await stage.statuses()] == ["skipped"] * 3

    @pytest.mark.parametrize("after", range(len(RECORDS)))
    async def test_an_import_that_is_cut_off_goes_on(self, stage: EmptyChannelStage, after: int) -> None:
        """After a crash between any two entries the same file again records what is not there yet."""
        with pytest.raises(CutOffError):
            await ImportNight(CutOff(stage.channel, after, []), parse).run(FILE)
        again = await ImportNight(stage.channel, parse).run(FILE)
        assert again == ImportSummary(len(RECORDS) - after, after)
        assert await ImportNight(stage.channel, parse).run(FILE) == ImportSummary(0, len(RECORDS))
        assert len((await stage.nights.night(NUMBER)).entries) == len(RECORDS)
        assert len((await self._timeline(stage)).moments) == 4  # noqa: PLR2004 - as above

    async def test_another_channel_is_left_alone(self, stage: EmptyChannelStage) -> None:
        """Where anything else has happened the import is refused with the reason, and changes nothing."""
        await receive([entry("other", ev.Follow(BOB, at(0)), at(0))], stage.units, Policy())
        with pytest.raises(Refused, match="has other, which is not entry 1 of the file"):
            await ImportNight(stage.channel, parse).run(FILE)
        assert await stage.nights.numbers(9) == []

    async def test_a_channel_that_went_on_is_left_alone(self, stage: EmptyChannelStage) -> None:
        """What came after an import makes the channel another one."""
        await ImportNight(stage.channel, parse).run(FILE)
        await receive([entry("other", ev.Follow(BOB, at(0)), at(0))], stage.units, Policy())
        with pytest.raises(Refused, match="which is not entry 10 of the file"):
            await ImportNight(stage.channel, parse).run(FILE)

    async def test_nights_of_the_predecessor_are_left_alone(self, stage: EmptyChannelStage) -> None:
        """A channel without a journal that has broadcasts is not empty."""
        await stage.save_broadcast(Broadcast(1, at(-900), at(-800)))
        with pytest.raises(Refused, match="this one has 1 broadcasts"):
            await ImportNight(stage.channel, parse).run(FILE)

    async def test_what_was_decided_is_decided_again(self, stage: EmptyChannelStage) -> None:
        """What was parked, and is retried later in the file, is parked and retried again."""
        bad = evolve(RECORDS[6], outcome=Outcome.RETRIED, remark="nobody can read it")
        command = entry("host:1", ev.EntryRetried("bad", ev.Raid(BOB, 3)))
        retry = _record(evolve(command, type="entry.retry", body=b'{"entryId": "bad"}'), 30)
        await ImportNight(stage.channel, parse).run(evolve(FILE, records=(RECORDS[0], bad, retry)))
        night = await stage.nights.night(NUMBER)
        outcomes = {one.entry.id: one.outcome for one in night.entries}
        assert (outcomes["bad"], outcomes["host:1"]) == (Outcome.RETRIED, Outcome.REACTED)
        assert [one.kind.value for one in (await self._timeline(stage)).moments] == ["raid"]

"""What a unit of work keeps of the changes that it is given: a part of the contract in `unit_of_work`."""

from uuid import UUID

import pytest

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import Snapshot, broadcast_rows
from showtime_core.domain.journal import Entry, EntrySource, FeedItem, Malformed, Outcome, Unknown
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.entries import BOB, LARRY, MARGE, at, cheers, follows, offline, online
from showtime_core.testing.records import Stage, StoredViewer
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.host import start_tape, stop_tape
from showtime_core.use_cases.receive import plan_changes, receive

POLICY = Policy()
TAPE = UUID("0ddba115-0000-4000-8000-000000000001")
NEXT_TAPE = UUID("0ddba115-0000-4000-8000-000000000002")


class JournalChangesContract:
    """What is written is there, and what was written before is not hurt by it."""

    @pytest.fixture
    def stage(self) -> Stage:
        """Give a stage on an empty channel: override this."""
        raise NotImplementedError

    # --- what is written ---------------------------------------------------------------------------

    async def test_every_outcome_is_kept_with_its_reason(self, stage: Stage) -> None:
        """Every outcome (reacted, kept, repeated, parked) is kept in order, and none vanishes."""
        unknown_tier = ev.SubscriptionStart(BOB, "9000", is_gift=False, sent_at=at(2))
        batch = [
            entry("gold", unknown_tier),
            entry("moon", Unknown(), at(3)),
            entry("torn", Malformed("'bits' is missing"), at(4)),
            follows("f"),
            follows("again"),
        ]
        await receive(batch, stage.units, POLICY)
        assert [(line.entry_id, line.outcome, line.remark) for line in (await stage.read()).journal] == [
            ("gold", Outcome.REACTED, "tier '9000' is not known: nothing was credited"),
            ("moon", Outcome.KEPT, None),
            ("torn", Outcome.PARKED, "'bits' is missing"),
            ("f", Outcome.REACTED, None),
            ("again", Outcome.REPEATED, "f"),
        ]

    async def test_bodies_are_kept_to_the_byte(self, stage: Stage) -> None:
        """Bodies are kept to the byte, whatever they hold: nothing, NUL, half a letter."""
        bodies = (b"", b"\0\x00\xff\xfe", '{"👻": "\\ud83d"}'.encode(), bytes(range(256)))
        batch = [
            Entry(f"b{number}", EntrySource.OTHER, "channel.moon_phase", None, Unknown(), body)
            for number, body in enumerate(bodies)
        ]
        await receive(batch, stage.units, POLICY)
        assert tuple(line.body for line in (await stage.read()).journal) == bodies

    async def test_each_entry_is_kept_with_what_a_replay_needs(self, stage: Stage) -> None:
        """Each entry is kept with its policy and its time, as a replay needs them."""
        stingy = Policy(alert_gift_recipients=True, features=frozenset({Feature.POINTS}))
        await receive([online("halloween", 0), cheers("c")], stage.units, POLICY)
        await receive([cheers("d")], stage.units, stingy)
        await start_tape(31, TAPE, stage.units, stingy)
        stored = await stage.read()
        assert [line.policy for line in stored.journal] == [POLICY, POLICY, stingy, stingy]
        assert stored.journal[-1].now == stored.screenings[TAPE].started_at
        assert {key: planned.is_skipped for key, planned in stored.effects.items()} == {
            "c:credit-cheer": False,
            "c:summon-ghost": False,
            "d:credit-cheer": False,
            "d:summon-ghost": True,
        }

    async def test_what_is_shown_is_in_the_order_of_the_entries(self, stage: Stage) -> None:
        """Alerts and changes of state are in the entries' order, through batches and instances."""
        first = [follows("a"), online("halloween", 0), cheers("b"), offline(5), follows("c", BOB)]
        await receive(first, stage.units, POLICY)
        await receive([cheers("d"), online("again", 10), follows("e", LARRY)], stage.other, POLICY)
        await start_tape(31, TAPE, stage.units, POLICY)
        shown = (await stage.read()).feed_items
        assert [one.entry_id for one in shown] == [
            *("a", "online-halloween-0", "b", "offline-5", "c", "d", "online-again-10", "e"),
            f"host:{TAPE}",
        ]
        assert shown[3] == FeedItem("offline-5", Snapshot(is_live=False))

    async def test_first_times_never_change(self, stage: Stage) -> None:
        """A viewer is remembered by the first report of each kind, under the newest name."""
        renamed = Viewer(MARGE.id, "marge", "")
        subscribed = ev.SubscriptionStart(MARGE, "1000", is_gift=True, sent_at=at(7.00001))
        await receive([entry("s", subscribed)], stage.units, POLICY)
        await receive([follows("f", minutes=5.00002), follows("g", minutes=3)], stage.other, POLICY)
        later = [
            entry("t", ev.SubscriptionStart(MARGE, "1000", is_gift=False, sent_at=at(1))),
            follows("h", renamed, 1),
            entry("r", ev.Resubscription(BOB, "1000", 7, "still here"), at(9)),
        ]
        await receive(later, stage.units, POLICY)
        assert (await stage.read()).viewers == {
            MARGE.id: StoredViewer("marge", at(5.00002), at(7.00001)),
            BOB.id: StoredViewer("BetamaxBob", None, None),
        }

    async def test_words_are_kept_as_they_were_written(self, stage: Stage) -> None:
        """Texts are kept as written, with quotes, backslashes and letters of many scripts."""
        message = 'ghost of "Robert\'); drop table tape;--" \\ {} %s $1 \u2028 Ⱥİ 👩‍🚀\t\n'
        batch = [cheers("c", 300, message), entry("u", ev.ChannelUpdate(message, "Retro"))]
        changes = await stage.units.record(batch, POLICY, plan_changes)
        stored = await stage.read()
        assert (stored.state, stored.feed_items) == (changes.state, changes.feed_items)
        assert stored.effects == {planned.key: planned for planned in changes.effects}

    # --- broadcasts and screenings -----------------------------------------------------------------

    async def test_a_night_with_tapes_is_recorded(self, stage: Stage) -> None:
        """One tape replaces another, the broadcast's end ends it, and it is on again when that is resumed."""
        await receive([online("halloween", 0)], stage.units, POLICY)
        await start_tape(31, TAPE, stage.other, POLICY)
        await start_tape(13, NEXT_TAPE, stage.units, POLICY)
        await receive([offline(90)], stage.other, POLICY)
        ended = await stage.read()
        await receive([online("resumed", 95)], stage.units, POLICY)
        resumed = await stage.read()
        assert ended.screenings[TAPE].ended_at == ended.screenings[NEXT_TAPE].started_at
        assert ended.screenings[NEXT_TAPE].ended_at == ended.broadcasts[1].ended_at is not None
        assert list(resumed.broadcasts) == [1]
        assert resumed.broadcasts[1].ended_at is None
        assert resumed.screenings[NEXT_TAPE].ended_at is None
        await stop_tape(UUID(int=9), stage.other, POLICY)
        assert (await stage.read()).screenings[NEXT_TAPE].ended_at

    async def test_a_late_fact_joins_two_broadcasts(self, stage: Stage) -> None:
        """The later one is gone, its screenings belong to the other, and its number is not given again."""
        await receive([online("a", 0), online("b", 30)], stage.units, POLICY)
        await start_tape(31, TAPE, stage.units, POLICY)
        apart = await stage.read()
        await receive([offline(25)], stage.other, POLICY)
        joined = await stage.read()
        assert (sorted(apart.broadcasts), apart.screenings[TAPE].broadcast_id) == ([1, 2], 2)
        assert (sorted(joined.broadcasts), joined.screenings[TAPE].broadcast_id) == ([1], 1)
        assert joined.broadcasts[1].ended_at is None
        await receive([offline(10), online("c", 59, started=58)], stage.units, POLICY)
        parted = await stage.read()
        assert 2 not in parted.broadcasts  # noqa: PLR2004 - it was the later one's
        assert (
            tuple(row for _, row in sorted(parted.broadcasts.items()))
            == broadcast_rows(parted.state).broadcasts
        )

    async def test_a_late_fact_parts_a_broadcast(self, stage: Stage) -> None:
        """The tape goes to the broadcast during which it was put on."""
        await receive([online("a", 0), offline(30), online("b", 40)], stage.units, POLICY)
        await start_tape(31, TAPE, stage.units, POLICY)
        await receive([offline(20)], stage.other, POLICY)
        stored = await stage.read()
        assert [(row.id, row.started_at, row.ended_at) for _, row in sorted(stored.broadcasts.items())] == [
            (1, at(0), at(20)),
            (2, at(40), None),
        ]
        assert stored.screenings[TAPE].broadcast_id == 2  # noqa: PLR2004 - the one that is live

    async def test_a_lost_end_is_told_by_the_next_stream(self, stage: Stage) -> None:
        """One broadcast ends where the next begins, in one step, so that one at most is live."""
        await receive([online("a", 0)], stage.units, POLICY)
        await receive([online("b", 600), offline(700), online("c", 900)], stage.other, POLICY)
        stored = await stage.read()
        assert [row.ended_at is None for _, row in sorted(stored.broadcasts.items())] == [False, False, True]
        assert stored.broadcasts[1].ended_at == stored.broadcasts[2].started_at

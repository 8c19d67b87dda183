"""Determinism: a night can be played again from its journal alone, and comes out the same."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import journal
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.twitch.messages import read_again
from showtime_adapters.wire import alert_document, snapshot_document
from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.events import StreamFound, StreamMissed
from showtime_core.domain.journal import Entry, Outcome, ParkedEntry
from showtime_core.domain.parked import Decision
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.check_channel import record_repair
from showtime_core.use_cases.decide_parked import DecideParked
from support.evening import evening, messages
from support.nights import POLICIES, Hand, believable_night, play, read, read_badly
from support.records import assert_replays, staged
from support.server import rows
from support.twitch import CHANNEL, follow, message, offline, online, viewer


def chaotic_night(seed: int) -> list[Entry]:
    """Make a night on which nothing is as it should be; who is there is misunderstood now and then."""
    chance = random.Random(seed)
    opening = datetime.now(UTC) - timedelta(hours=5)

    def some_time() -> datetime:
        return opening + timedelta(seconds=chance.randint(0, 2 * 3600))

    strange = [
        message(
            "channel.cheer", viewer() | CHANNEL | {"is_anonymous": False, "message": "?", "bits": "many"}
        ),
        message("channel.cheer", None, body=b'{"bits": ' + b"9" * 5000 + b"}"),
        message("channel.cheer", None, body=b"[" * 100_000),
        message(
            "channel.follow",
            viewer() | CHANNEL | {"user_name": "\0Null\ud83d", "followed_at": some_time().isoformat()},
        ),
        message("channel.subscribe", viewer("TierNine") | CHANNEL | {"tier": "9000", "is_gift": False}),
        # Longer than a key of an index can be: it cannot be written, and is parked alone.
        message(
            "channel.channel_points_custom_reward_redemption.add",
            viewer() | CHANNEL | {"id": chance.randbytes(9000).hex()},
        ),
        message("stream.online", None, message_type="revocation", status="authorization_revoked"),
        message("stream.online", None, message_type="intermission"),
        message("drop.entitlement.grant", CHANNEL),
    ]
    facts = [follow("Repeater", opening), follow("Repeater", opening)]
    stream = [offline(at=some_time()) for _ in range(12)]
    for number in range(12):
        started_at = some_time()
        sent_at = started_at + timedelta(seconds=chance.randint(0, 400))
        stream.append(online(f"stream-{number % 7}", started_at, at=sent_at))
    crowd = messages(evening(80, seed))
    told = [
        *(read(each) for each in (*strange, *facts, *stream)),
        *((read_badly if chance.random() < 0.3 else read)(each) for each in crowd),
    ]
    told += chance.sample(told, 20)  # delivered twice
    chance.shuffle(told)
    return told


async def find_out(units: UnitOfWork, chance: random.Random) -> None:
    for _ in range(12):
        await record_repair(repair(chance), units, chance.choice(POLICIES))


def repair(chance: random.Random) -> StreamFound | StreamMissed:
    """Find out something of the stream, true or not, from another listing each time."""
    seen_at = datetime.now(UTC) - timedelta(hours=2, microseconds=chance.randrange(3_600_000_000))
    if chance.random() < 0.5:
        return StreamFound(f"stream-{chance.randrange(9)}", seen_at - timedelta(minutes=5), seen_at)
    return StreamMissed(seen_at - timedelta(minutes=11), seen_at)


def operator(parking: PostgresParkedItems) -> Hand:
    """Decide, now and then, about something that is parked."""

    async def decide(units: UnitOfWork, _: Policy, chance: random.Random) -> None:
        parked = await parking.list_parked(100)
        names = [each.entry.id for each in parked if isinstance(each, ParkedEntry)]
        if names and chance.random() < 0.7:
            decide, name = DecideParked(parking, units, read_again), chance.choice(names)
            decision = chance.choice([Decision.RETRY, Decision.RETRY, Decision.DISMISS])
            with suppress(Refused):  # it fails again, or somebody else has decided
                await decide.decide(decision, name, UUID(int=chance.getrandbits(128)))

    return decide


async def test_a_believable_night_replays(migrated: str):
    """The journal, told to the pure core with its times and policies, gives the recorded night."""
    night = believable_night()
    async with staged(migrated) as stage:
        await play([*map(read, night)], [stage.units], random.Random(7))
    kept = await assert_replays(migrated)
    assert len(kept.broadcasts) == 1
    assert kept.screenings
    assert {line.outcome for line in kept.journal} == {Outcome.REACTED, Outcome.KEPT}
    bodies = {line.entry_id: line.body for line in kept.journal}
    assert all(bodies[each.id] == each.body for each in night)


@pytest.mark.parametrize("seed", range(4))
async def test_a_chaotic_night_replays(migrated: str, seed: int, monkeypatch: pytest.MonkeyPatch):
    """A night on two instances with late, repeated, malformed, unwritable and retried messages replays."""
    night, chance = chaotic_night(seed), random.Random(seed)
    async with staged(migrated) as stage, make_pool(migrated, autocommit=True) as pool:
        await asyncio.gather(
            play(night, [stage.units, stage.other], chance, operator(PostgresParkedItems(pool))),
            find_out(stage.other, random.Random(seed)),
        )
    monkeypatch.setattr(journal, "_PAGE", 3)  # what belongs together is on several pages
    kept = await assert_replays(migrated)
    assert {each.id for each in night} <= {line.entry_id for line in kept.journal}
    assert {line.outcome for line in kept.journal} == set(Outcome)
    assert any(line.entry_id.startswith("repair:") for line in kept.journal)
    assert [line.remark for line in kept.journal if (line.remark or "").startswith("it cannot be written")]


async def test_what_is_shown_is_recorded_as_it_is_sent(migrated: str):
    """The text in the feed is the very text that the replayed night encodes to."""
    async with staged(migrated) as stage:
        await play([*map(read, believable_night())], [stage.units], random.Random(3))
    kept = await assert_replays(migrated)
    texts = [
        encode(
            snapshot_document(one.content)
            if isinstance(one.content, Snapshot)
            else alert_document(one.content)
        )
        for one in kept.feed_items
    ]
    assert [(text,) for text in texts] == rows(
        migrated, "select payload::text from showtime.feed order by id"
    )

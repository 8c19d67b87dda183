"""What is old is pruned, and what makes twice once stays."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from showtime_adapters.postgres import retention
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.retention import Retention
from support import twitch as t
from support.following import following, until
from support.in_process import running_here
from support.server import rows
from support.sse import listening

AGE = timedelta(days=400)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Let every batch hold three rows, so that everything spans several."""
    monkeypatch.setattr(retention, "_BATCH", 3)
    monkeypatch.setattr(retention, "_PAUSE_SECONDS", 0)


@pytest.fixture
async def keeper(migrated) -> AsyncIterator[Retention]:
    async with make_pool(migrated) as pool:
        yield Retention(pool, AGE)


def tell(conninfo: str, *statements: str) -> None:
    with psycopg.connect(conninfo) as connection:
        for statement in statements:
            connection.execute(statement)


def age_all(conninfo: str, days: int) -> None:
    """Let the time pass."""
    tell(
        conninfo,
        f"update showtime.journal set received_at = received_at - interval '{days} days'",
        f"update showtime.outbox set created_at = created_at - interval '{days} days'",
        f"update showtime.feed set shown_at = shown_at - interval '{days} days'",
    )


async def test_what_is_old_is_let_go_and_its_ids_are_known_for_ever(twitch, migrated, keeper):
    """Old bodies and alerts are pruned, but the same message or fact again still changes nothing."""
    followed_at = datetime.now(UTC)
    old = [t.follow("Marge", followed_at), *(t.cheer(f"Fan{number}") for number in range(7))]
    poison = t.cheer(bits=-1)
    twitch.send(*old, poison)
    age_all(migrated, 401)
    young = t.cheer("Latecomer")
    twitch.send(young)

    await keeper.prune()
    await keeper.prune()
    bodies = dict(rows(migrated, "select id, body from showtime.journal"))
    assert {entry_id for entry_id, body in bodies.items() if body} == {poison.id, young.id}
    assert [name for (name,) in rows(migrated, "select payload->'data'->>'username' from showtime.feed")] == [
        "Latecomer"
    ]

    journal = rows(migrated, "select id, outcome from showtime.journal order by position")
    sent = [answer.status_code for answer in twitch.send(*old, t.follow("Marge", followed_at))]
    assert sent == [204] * 9
    assert rows(migrated, "select id, outcome from showtime.journal order by position")[:-1] == journal
    assert rows(migrated, "select outcome from showtime.journal order by position desc limit 1") == [
        ("repeated",)
    ]
    assert rows(migrated, "select count(*) from showtime.feed") == [(1,)]


async def test_the_streams_go_on_as_if_nothing_had_been_pruned(server, twitch, migrated, keeper):
    """The ids of the feed grow on, and whoever resumes by one that was pruned gets what came after it."""
    async with following(f"{server.url}/alerts") as client:
        twitch.send(t.cheer("Before"))
        await until(lambda: client.events)
        age_all(migrated, 401)
        await keeper.prune()
        twitch.send(t.cheer("After"))
        await until(lambda: len(client.events) == 2)
    pruned, kept = client.events
    assert rows(migrated, "select id from showtime.feed") == [(client.ids[1],)]
    async with listening(f"{server.url}/alerts", pruned.id) as stream:
        assert (await stream.event()) == kept


# Entries, with the effects of each: kind, lane, status, age in days.
EFFECTS = {
    "done long ago": [("credit", "marge", "done", 401)],
    "done lately": [("credit", "bart", "done", 399)],
    "refused, dismissed and skipped long ago": [
        ("credit", "lisa", "refused", 401),
        ("paint", None, "dismissed", 401),
        ("show", None, "skipped", 401),
    ],
    "never done": [("credit", "homer", "due", 900), ("paint", None, "parked", 900)],
    "a ghost that is not finished": [("summon", "ned", "done", 900), ("store", None, "parked", 900)],
    "another of whoever has an open one": [("credit", "homer", "done", 900)],
}
STAY = [
    "a ghost that is not finished:store",
    "a ghost that is not finished:summon",
    "another of whoever has an open one:credit",
    "done lately:credit",
    "never done:credit",
    "never done:paint",
]


def plan(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        for number, (entry, effects) in enumerate(EFFECTS.items()):
            connection.execute(
                "insert into showtime.journal values"
                " (%s, %s, 'host', 'x', '', 0, null, now(), now(), null, '{}', 'reacted', null)",
                [entry, 1000 + number],
            )
            for kind, lane, status, days in effects:
                connection.execute(
                    "insert into showtime.outbox"
                    " (key, entry_id, kind, lane, payload, status, created_at, remark)"
                    " values (%s, %s, %s, %s, '{}', %s, now() - make_interval(days => %s), 'why')",
                    [f"{entry}:{kind}", entry, kind, lane, status, days],
                )


async def test_settled_effects_are_removed_and_open_ones_stay(migrated, keeper):
    """Whatever is not settled stays, and with it what it may still have to look at."""
    plan(migrated)
    await keeper.prune()
    assert rows(migrated, "select key from showtime.outbox order by key") == [(key,) for key in STAY]
    tell(migrated, "update showtime.outbox set status = 'done'")
    await keeper.prune()
    assert rows(migrated, "select key from showtime.outbox") == [("done lately:credit",)]


async def test_an_effect_that_was_tried_lately_is_not_old(migrated, keeper):
    """An effect that was planned long ago and settled now is as old as its last try."""
    plan(migrated)
    tell(migrated, "update showtime.outbox set status = 'done', leased_at = now() where kind = 'paint'")
    await keeper.prune()
    keys = [key for (key,) in rows(migrated, "select key from showtime.outbox")]
    assert "never done:paint" in keys
    assert "refused, dismissed and skipped long ago:paint" in keys


async def test_an_effect_and_the_one_it_waited_for_go_in_any_order(migrated, keeper):
    """A chain of effects is removed also where its links are not in the same batch."""
    plan(migrated)
    tell(
        migrated,
        "update showtime.outbox set status = 'done', created_at = now() - interval '900 days'",
        "update showtime.outbox set depends_on = 'done lately:credit' where key <> 'done lately:credit'",
        "update showtime.outbox set depends_on = 'never done:paint' where key = 'done lately:credit'",
    )
    await keeper.prune()
    assert rows(migrated, "select key from showtime.outbox") == []


async def test_the_service_prunes_by_itself(twitch, migrated, caplog):
    """An instance that starts prunes what the settings call old, and says how much."""
    twitch.send(t.cheer())
    age_all(migrated, 366)
    caplog.set_level("INFO", "showtime_adapters")
    with running_here(migrated, {"RETENTION_DAYS": "365"}):
        await until(lambda: "1 entries of the feed" in caplog.text)
    assert "pruned for their age: 1 bodies of messages" in caplog.text
    assert rows(migrated, "select 1 from showtime.journal where body is not null") == []
    assert rows(migrated, "select 1 from showtime.feed") == []


async def test_sessions_and_codes_go_as_soon_as_they_hold_no_longer(migrated, keeper):
    """Whatever the setting says, sessions that have ended and codes that were not used go; others stay."""
    tell(
        migrated,
        """insert into showtime.session
           select sha256(n::text::bytea), 'twitch', n::text, 'goldenvcr', '', null, clock_timestamp(),
                  clock_timestamp() + (n - 7) * interval '1 day'
           from generate_series(1, 10) as n""",
        """insert into showtime.one_time_code
           select sha256(n::text::bytea), 'sign-in', null, '/',
                  clock_timestamp() + (n - 7) * interval '1 hour'
           from generate_series(1, 10) as n""",
    )
    await keeper.prune()
    assert rows(migrated, "select viewer_id from showtime.session order by 1") == [("10",), ("8",), ("9",)]
    assert rows(migrated, "select count(*) from showtime.one_time_code") == [(3,)]

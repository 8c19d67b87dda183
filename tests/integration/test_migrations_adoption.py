"""Adopting a database of the predecessor: every row stays, what is broken is healed, and that is said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from showtime_adapters.postgres.migrations.migrate import migrate_down, migrate_up
from showtime_adapters.postgres.migrations.steps import our_migrations

PREDECESSOR = Path(__file__).with_name("predecessor.sql").read_bytes()

ADOPTED = ["adopted the predecessor's tables as 001_predecessor", "applied 002_journal"]
LATER = [f"applied {step.name}" for step in our_migrations()[2:]]

A_GOOD_YEAR = """
    insert into showtime.viewer values
        ('90790024', 'wasabimilkshake', '2023-09-01 20:03Z', '2023-09-08 21:00Z'),
        ('12826', 'Twitch', null, null);
    insert into showtime.broadcast (started_at, ended_at, vod_url) values
        ('2023-09-01 20:00Z', '2023-09-01 23:00Z', 'https://example.com/vods/1'),
        ('2023-09-08 20:00Z', '2023-09-08 22:30Z', null),
        ('2023-09-15 20:00Z', null, null);
    insert into showtime.screening (id, broadcast_id, tape_id, started_at, ended_at) values
        ('a0000000-0000-4000-8000-000000000001', 1, 1, '2023-09-01 20:10Z', '2023-09-01 21:00Z'),
        ('a0000000-0000-4000-8000-000000000002', 1, 0, '2023-09-01 21:00Z', '2023-09-01 21:01Z'),
        ('a0000000-0000-4000-8000-000000000003', 1, 40, '2023-09-01 21:01Z', '2023-09-01 23:00Z'),
        ('a0000000-0000-4000-8000-000000000004', 3, 56, '2023-09-15 20:20Z', null);
    insert into showtime.image_request values
        ('b0000000-0000-4000-8000-000000000001', '90790024', 'a seal', 'a ghostly image of a seal',
         '2023-09-01 20:30Z', '2023-09-01 20:31Z', null, 'a0000000-0000-4000-8000-000000000001'),
        ('b0000000-0000-4000-8000-000000000002', '90790024', 'a crime', 'a ghostly image of a crime',
         '2023-09-01 20:40Z', '2023-09-01 20:41Z', 'rejected', null);
    insert into showtime.image values
        ('b0000000-0000-4000-8000-000000000001', 0, 'https://example.com/seal-00.jpg'),
        ('b0000000-0000-4000-8000-000000000001', 1, 'https://example.com/seal-01.jpg');
"""
EVERYTHING = """
    select 'viewer ' || to_jsonb(t)::text from showtime.viewer t
    union all select 'broadcast ' || to_jsonb(t)::text from showtime.broadcast t
    union all select 'screening ' || to_jsonb(t)::text from showtime.screening t
    union all select 'image_request ' || to_jsonb(t)::text from showtime.image_request t
    union all select 'image ' || to_jsonb(t)::text from showtime.image t
    union all select 'migrations ' || to_jsonb(t)::text from public.showtime_migrations t
"""


@pytest.fixture
def predecessors(database) -> str:
    """Give a database of the predecessor with no rows in it."""
    tell(database, PREDECESSOR)
    return database


def tell(conninfo: str, statement: str | bytes) -> None:
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        connection.execute(statement)


def ask(conninfo: str, question: str) -> list[tuple]:
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        return connection.execute(question).fetchall()


def adopt(conninfo: str) -> list[str]:
    """Migrate; gives what was said of healing."""
    said = []
    migrate_up(conninfo, said.append)
    assert said[:2] == ADOPTED
    assert said[len(said) - len(LATER) :] == LATER
    return said[2 : len(said) - len(LATER)]


def test_a_database_in_order_is_adopted_as_it_is(predecessors):
    """Where nothing is broken nothing changes, a tape with no number included, and nothing is announced."""
    tell(predecessors, A_GOOD_YEAR)
    before = ask(predecessors, EVERYTHING)
    assert adopt(predecessors) == []
    assert sorted(ask(predecessors, EVERYTHING)) == sorted(before)


# --- healing, one by one --------------------------------------------------------------------------

S1, S2, S3 = (f"a0000000-0000-4000-8000-00000000000{digit}" for digit in "123")

# What the predecessor left (broadcasts: number, start, end; screenings: id, broadcast, tape, start, end),
# what is there afterwards, and what is said of it. All on one evening.
HEALINGS = {
    "an older open broadcast without screenings ends at its start": (
        [(1, "20:00", None), (2, "21:00", "22:00")],
        [],
        [(1, "20:00", "20:00"), (2, "21:00", "22:00")],
        [],
        ["older broadcasts that were still open have ended: 1"],
    ),
    "an older open broadcast ends with its last screening": (
        [(1, "19:00", None), (2, "21:00", None), (3, "22:00", None)],
        [(S1, 1, 40, "19:10", "19:40"), (S2, 2, 41, "21:05", "21:30"), (S3, 2, 42, "21:20", "21:25")],
        [(1, "19:00", "19:40"), (2, "21:00", "21:30"), (3, "22:00", None)],
        [(S1, 1, 40, "19:10", "19:40"), (S2, 2, 41, "21:05", "21:30"), (S3, 2, 42, "21:20", "21:25")],
        ["older broadcasts that were still open have ended: 1, 2"],
    ),
    "an older open broadcast ends where its last screening began, and that with it": (
        [(1, "19:00", None), (2, "21:00", None)],
        [(S1, 1, 40, "19:10", None)],
        [(1, "19:00", "19:10"), (2, "21:00", None)],
        [(S1, 1, 40, "19:10", "19:10")],
        [
            "older broadcasts that were still open have ended: 1",
            "1 screening(s) left open in broadcasts that have ended: 1 have ended with them",
        ],
    ),
    "an older open broadcast ends where the next begins at the latest": (
        [(1, "20:00", None), (2, "20:30", None)],
        [(S1, 1, 40, "20:10", "20:45"), (S2, 1, 41, "20:50", None)],
        [(1, "20:00", "20:30"), (2, "20:30", None)],
        [(S1, 1, 40, "20:10", "20:30"), (S2, 1, 41, "20:30", "20:30")],
        [
            "older broadcasts that were still open have ended: 1",
            (
                f"screening {S1} had lasted from 2023-10-06 20:10:00+00 to 2023-10-06 20:45:00+00:"
                " it is cut to the time of its broadcast 1"
            ),
            (
                f"screening {S2} had lasted from 2023-10-06 20:50:00+00 to no end:"
                " it is cut to the time of its broadcast 1"
            ),
            "1 screening(s) left open in broadcasts that have ended: 1 have ended with them",
        ],
    ),
    "the newest is the one that started last, whatever its number": (
        [(1, "21:00", None), (2, "20:00", None)],
        [],
        [(1, "21:00", None), (2, "20:00", "20:00")],
        [],
        ["older broadcasts that were still open have ended: 2"],
    ),
    "a broadcast that was started twice at once stays live once": (
        [(1, "20:00", None), (2, "20:00", None)],
        [],
        [(1, "20:00", "20:00"), (2, "20:00", None)],
        [],
        ["older broadcasts that were still open have ended: 1"],
    ),
    "an open broadcast is not live if a later one has ended": (
        [(1, "19:00", None), (2, "21:00", "22:00")],
        [(S1, 1, 40, "19:10", "19:40")],
        [(1, "19:00", "19:40"), (2, "21:00", "22:00")],
        [(S1, 1, 40, "19:10", "19:40")],
        ["older broadcasts that were still open have ended: 1"],
    ),
    "open screenings of ended broadcasts end with them": (
        [(1, "19:00", "20:00"), (2, "21:00", "22:00")],
        [(S1, 1, 40, "19:10", None), (S2, 1, 41, "19:20", None), (S3, 2, 42, "21:10", None)],
        [(1, "19:00", "20:00"), (2, "21:00", "22:00")],
        [(S1, 1, 40, "19:10", "20:00"), (S2, 1, 41, "19:20", "20:00"), (S3, 2, 42, "21:10", "22:00")],
        ["3 screening(s) left open in broadcasts that have ended: 1, 2 have ended with them"],
    ),
    "of several open screenings of the live broadcast the newest stays": (
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:10", None), (S2, 1, 41, "20:20", None), (S3, 1, 42, "20:30", None)],
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:10", "20:20"), (S2, 1, 41, "20:20", "20:30"), (S3, 1, 42, "20:30", None)],
        ["tapes of the live broadcast have ended where the next one began: 40, 41"],
    ),
    "an open screening ends where the next began, also if that is over": (
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:10", None), (S2, 1, 41, "20:20", "20:30")],
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:10", "20:20"), (S2, 1, 41, "20:20", "20:30")],
        ["tapes of the live broadcast have ended where the next one began: 40"],
    ),
    "a tape that no client accepts is not left on": (
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:10", None), (S2, 1, 0, "20:20", None)],
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:10", "20:20"), (S2, 1, 0, "20:20", "20:20")],
        [
            "tapes of the live broadcast have ended where the next one began: 40",
            f"screening {S2} of tape 0, a number that no tape has, has ended at its start",
        ],
    ),
    "tapes with a negative number are kept": (
        [(1, "20:00", "22:00")],
        [(S1, 1, -7, "20:10", None)],
        [(1, "20:00", "22:00")],
        [(S1, 1, -7, "20:10", "22:00")],
        ["1 screening(s) left open in broadcasts that have ended: 1 have ended with them"],
    ),
    "what ended before it began ends at its start": (
        [(1, "20:00", "19:00"), (2, "21:00", None)],
        [(S1, 2, 40, "21:10", "21:05")],
        [(1, "20:00", "20:00"), (2, "21:00", None)],
        [(S1, 2, 40, "21:10", "21:10")],
        [
            (
                f"screening {S1} had ended at 2023-10-06 21:05:00+00, before its start:"
                " it ends at its start, 2023-10-06 21:10:00+00"
            ),
            (
                "broadcast 1 had ended at 2023-10-06 19:00:00+00, before its start:"
                " it ends at its start, 2023-10-06 20:00:00+00"
            ),
        ],
    ),
    "a broadcast goes on as long as its screenings": (
        [(1, "20:00", "21:00")],
        [(S1, 1, 40, "20:50", "21:01"), (S2, 1, 41, "21:02", None)],
        [(1, "20:00", "21:02")],
        [(S1, 1, 40, "20:50", "21:01"), (S2, 1, 41, "21:02", "21:02")],
        [
            (
                "broadcast 1 had ended at 2023-10-06 21:00:00+00, before its last screening:"
                " it ends at 2023-10-06 21:02:00+00"
            ),
            "1 screening(s) left open in broadcasts that have ended: 1 have ended with them",
        ],
    ),
    "a screening does not begin before its broadcast": (
        [(1, "20:00", None)],
        [(S1, 1, 40, "19:30", "19:40"), (S2, 1, 41, "19:59", None)],
        [(1, "20:00", None)],
        [(S1, 1, 40, "20:00", "20:00"), (S2, 1, 41, "20:00", None)],
        [
            (
                f"screening {S1} had lasted from 2023-10-06 19:30:00+00 to 2023-10-06 19:40:00+00:"
                " it is cut to the time of its broadcast 1"
            ),
            (
                f"screening {S2} had lasted from 2023-10-06 19:59:00+00 to no end:"
                " it is cut to the time of its broadcast 1"
            ),
        ],
    ),
}

BROADCASTS = "select id, started_at, ended_at from showtime.broadcast order by id"
SCREENINGS = (
    "select id::text, broadcast_id, tape_id, started_at, ended_at from showtime.screening order by id"
)


def at(clock: str | None) -> datetime | None:
    return datetime.fromisoformat(f"2023-10-06T{clock}:00+00:00") if clock else None


def timed(rows: list[tuple]) -> list[tuple]:
    return [(*row[:-2], at(row[-2]), at(row[-1])) for row in rows]


def insert(conninfo: str, broadcasts: list[tuple], screenings: list[tuple]) -> None:
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into showtime.broadcast (id, started_at, ended_at) values (%s, %s, %s)", broadcasts
        )
        cursor.executemany(
            "insert into showtime.screening (id, broadcast_id, tape_id, started_at, ended_at)"
            " values (%s, %s, %s, %s, %s)",
            screenings,
        )


@pytest.mark.parametrize("rule", HEALINGS)
def test_healing(predecessors, rule):
    """What the constraints forbid is healed by rule, and said; nothing else changes."""
    broadcasts, screenings, healed_broadcasts, healed_screenings, said = HEALINGS[rule]
    insert(predecessors, timed(broadcasts), timed(screenings))
    assert adopt(predecessors) == [f"healed: {line}" for line in said]
    assert ask(predecessors, BROADCASTS) == timed(healed_broadcasts)
    assert ask(predecessors, SCREENINGS) == timed(healed_screenings)


def test_an_image_request_that_never_finished_has_failed(predecessors):
    """It ends now, with a message; a message that is there stays."""
    tell(predecessors, A_GOOD_YEAR)
    tell(
        predecessors,
        "insert into showtime.image_request (id, twitch_user_id, subject_noun_clause, prompt, error_message)"
        " values (gen_random_uuid(), '12826', 'a clock', '', null),"
        " (gen_random_uuid(), '12826', 'a cuckoo', '', 'no paint')",
    )
    assert adopt(predecessors) == [
        "healed: 2 image request(s) that never finished have ended with an error message"
    ]
    requests = ask(
        predecessors,
        "select subject_noun_clause, error_message, finished_at >= created_at from showtime.image_request"
        " order by created_at, subject_noun_clause",
    )
    assert requests == [
        ("a seal", None, True),
        ("a crime", "rejected", True),
        ("a clock", "the request was never finished", True),
        ("a cuckoo", "no paint", True),
    ]


# --- healing, whatever was there ------------------------------------------------------------------

minutes = st.integers(0, 59).map(lambda minute: datetime(2023, 10, 6, 20, minute, tzinfo=UTC))
ends = st.none() | minutes
nights = st.lists(
    st.tuples(minutes, ends, st.lists(st.tuples(st.integers(-1, 2), minutes, ends), max_size=3)),
    max_size=4,
)

START_AFRESH = """
    drop schema if exists showtime cascade;
    drop table if exists public.showtime_migrations;
    drop function if exists public.emit_broadcast_change_notification;
    drop function if exists public.emit_screening_change_notification;
"""
CONTRADICTIONS = """
    select 'two are live' from showtime.broadcast where ended_at is null having count(*) > 1
    union all select 'two are on' from showtime.screening where ended_at is null having count(*) > 1
    union all select 'a tape is on that no client accepts' from showtime.screening
        where ended_at is null and tape_id <= 0
    union all select 'a broadcast ends before its start' from showtime.broadcast where ended_at < started_at
    union all select 'a screening ends before its start' from showtime.screening where ended_at < started_at
    union all select 'a screening is not within its broadcast'
        from showtime.screening s join showtime.broadcast b on b.id = broadcast_id
        where s.started_at < b.started_at or s.started_at > b.ended_at
           or (b.ended_at is not null and (s.ended_at is null or s.ended_at > b.ended_at))
    union all select 'an older one is live' from showtime.broadcast a join showtime.broadcast b
        on (b.started_at, b.id) > (a.started_at, a.id) where a.ended_at is null
"""
STARTS = "select id, started_at from showtime.broadcast order by id"
TAPES = "select id::text, broadcast_id, tape_id from showtime.screening order by id"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(recorded=[])
@given(recorded=nights)
def test_whatever_the_predecessor_left_can_be_adopted(database, recorded):
    """Any rows are brought to where the constraints hold; none is lost, and no change goes unsaid."""
    tell(database, START_AFRESH)
    tell(database, PREDECESSOR)
    broadcasts = [(number, start, end) for number, (start, end, _) in enumerate(recorded, 1)]
    played = [(number, *tape) for number, (_, _, tapes) in enumerate(recorded, 1) for tape in tapes]
    screenings = [(f"a0000000-0000-4000-8000-{index:012}", *tape) for index, tape in enumerate(played)]
    insert(database, broadcasts, screenings)
    said = adopt(database)
    assert ask(database, CONTRADICTIONS) == []
    assert ask(database, STARTS) == [(number, start) for number, start, _ in broadcasts]
    assert ask(database, TAPES) == [screening[:3] for screening in screenings]
    as_they_were = ask(database, BROADCASTS) == broadcasts and ask(database, SCREENINGS) == screenings
    assert as_they_were == (said == [])


# --- life after the adoption ----------------------------------------------------------------------


def test_what_worked_before_the_adoption_works_after_it(predecessors):
    """The predecessor's own statements still work: ids, defaults and triggers are as they were."""
    tell(predecessors, A_GOOD_YEAR)
    adopt(predecessors)
    live_a_night(predecessors)


def test_the_predecessor_can_have_its_tables_back(predecessors):
    """After the way down it may even do again what we forbid; the next way up heals it."""
    tell(predecessors, A_GOOD_YEAR)
    adopt(predecessors)
    before = ask(predecessors, EVERYTHING)
    for _ in our_migrations()[1:]:
        migrate_down(predecessors, [].append)
    assert sorted(ask(predecessors, EVERYTHING)) == sorted(before)
    live_a_night(predecessors)
    tell(predecessors, "insert into showtime.broadcast (started_at) values (now()), (now())")
    said = []
    migrate_up(predecessors, said.append)
    assert said == [
        "applied 002_journal",
        "healed: older broadcasts that were still open have ended: 5",
        *LATER,
    ]


def live_a_night(conninfo: str) -> None:
    with (
        psycopg.connect(conninfo, autocommit=True) as listener,
        psycopg.connect(conninfo, autocommit=True) as connection,
    ):
        listener.execute("listen showtime")
        connection.execute("update showtime.screening set ended_at = now() where ended_at is null")
        connection.execute("update showtime.broadcast set ended_at = now() where ended_at is null")
        begun = connection.execute(
            "insert into showtime.broadcast (started_at) values (now()) returning id, ended_at"
        ).fetchone()
        assert begun == (4, None)
        connection.execute("insert into showtime.screening (broadcast_id, tape_id) values (4, 58)")
        connection.execute("update showtime.screening set ended_at = now() where broadcast_id = 4")
        connection.execute("update showtime.broadcast set ended_at = now() where id = 4")
        connection.execute("update showtime.broadcast set ended_at = null where id = 4")
        connection.execute("update showtime.broadcast set ended_at = now() where id = 4")
        connection.execute(
            "insert into showtime.viewer (twitch_user_id, twitch_display_name) values ('12826', 'Twitch')"
            " on conflict (twitch_user_id) do update set twitch_display_name = excluded.twitch_display_name"
        )
        told = [json.loads(notice.payload) for notice in listener.notifies(timeout=60, stop_after=8)]
    assert [notice["type"] for notice in told[:3]] == ["screening", "broadcast", "broadcast"]
    assert [notice["type"] for notice in told[3:5]] == ["screening"] * 2
    assert [notice["type"] for notice in told[5:]] == ["broadcast"] * 3
    assert told[2]["data"].keys() == {"id", "started_at", "ended_at"}
    assert told[3]["data"].keys() == {"broadcast_id", "tape_id", "started_at", "ended_at"}
    assert told[3]["data"]["tape_id"] == 58
    assert datetime.now(UTC) - datetime.fromisoformat(told[2]["data"]["started_at"]) < timedelta(minutes=1)

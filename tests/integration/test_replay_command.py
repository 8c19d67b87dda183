"""`showtime replay`: what is recorded is compared with what follows from the journal."""

import asyncio
import random
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result

from showtime_adapters.postgres import journal, recorded
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.retention import Retention
from showtime_adapters.twitch.messages import read_again
from showtime_app import composition
from showtime_app.cli.main import main
from showtime_core.domain.parked import Decision
from showtime_core.domain.reactions import Policy
from showtime_core.use_cases.decide_parked import DecideParked
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.replay.differences import Difference
from support.databases import copied, fresh_database
from support.nights import believable_night, play, read, read_badly
from support.records import staged
from support.server import environment, rows
from support.twitch import CHANNEL, cheer, message, viewer

AGED = """
    update showtime.journal set received_at = received_at - interval '401 days',
        reacted_at = reacted_at - interval '401 days' where position <= %(last)s;
    update showtime.feed set shown_at = shown_at - interval '401 days'
        where entry_id in (select id from showtime.journal where position <= %(last)s);
    update showtime.outbox set created_at = created_at - interval '401 days', status = 'done'
        where status <> 'skipped' and entry_id in (select id from showtime.journal where position <= %(last)s)
"""


def replay(conninfo: str) -> Result:
    """Run the command in a shell that knows the database and nothing else."""
    named = {name: value for name, value in environment(conninfo).items() if name.startswith("PG")}
    return CliRunner().invoke(main, ["replay"], env=named)


async def differences(conninfo: str) -> list[Difference]:
    found: list[Difference] = []
    await composition.replay(conninfo, found.append)
    return found


def change(conninfo: str, statement: str, **values: object) -> None:
    with psycopg.connect(conninfo) as connection:
        for each in statement.split(";"):
            assert connection.execute(each, values or None).rowcount, "something is changed"


async def tell(conninfo: str, *, days_ago: int = 0, with_tapes: bool = True) -> None:
    """Have a night played, with tapes or without."""
    night = [read(each) for each in believable_night(days_ago=days_ago, stream=f"4100{days_ago}")]
    async with staged(conninfo) as stage:
        if with_tapes:
            await play(night, [stage.units], random.Random(7))
        else:
            await receive(night, stage.units, Policy())


@pytest.fixture(scope="module")
def played(postgres_server) -> Iterator[str]:
    """A night that was played, and that nobody may change."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        asyncio.run(tell(conninfo))
        yield conninfo


@pytest.fixture
def night(played: str) -> Iterator[str]:
    """The same, to be changed."""
    with copied(played) as conninfo:
        yield conninfo


def test_a_night_that_follows_from_its_journal_has_no_differences(night):
    """Where all that is recorded follows from the journal it says how much that is, and ends with 0."""
    answer = replay(night)
    [(count,)] = rows(night, "select count(*) from showtime.journal")
    assert answer.output == f"{count} entries replayed, 1 broadcasts compared\nno differences\n"
    assert answer.exit_code == 0


FIRST_CREDIT = "(select min(key) from showtime.outbox where kind = 'credit-cheer')"
LAST_ALERT = "(select max(id) from showtime.feed where stream = 'alerts')"
LAST_STATE = "(select max(id) from showtime.feed where stream = 'state')"
KINDS = {"outcome", "alert", "state", "effect", "broadcast", "screening", "channel"}
CHANGES = {
    "outcome": "update showtime.journal set outcome = 'kept' where type = 'channel.raid'",
    "outcome of a remark": "update showtime.journal set remark = 'so' where type = 'channel.raid'",
    "outcome alert of what was parked": """
        update showtime.journal set outcome = 'parked', remark = 'so' where type = 'channel.raid'
    """,
    "outcome alert of a decision": """
        update showtime.journal set outcome = 'dismissed', remark = 'so' where type = 'channel.raid'
    """,
    "alert": f"""
        update showtime.feed set payload = '{{"type": "raid", "data": {{}}}}' where id = {LAST_ALERT}
    """,
    "alert that is gone": f"delete from showtime.feed where id = {LAST_ALERT}",
    "alert of nothing": """
        insert into showtime.feed select max(id) + 1, 'nobody', 'alerts', '{"type": "x", "data": {}}', now()
        from showtime.feed
    """,
    "state": f"delete from showtime.feed where id = {LAST_STATE}",
    "effect": f"""
        update showtime.outbox set payload = jsonb_set(payload, '{{points}}', '7') where key = {FIRST_CREDIT}
    """,
    "effect that is gone": f"delete from showtime.outbox where key = {FIRST_CREDIT}",
    "effect that nobody can read": f"update showtime.outbox set payload = '7' where key = {FIRST_CREDIT}",
    "effect that is skipped": "update showtime.outbox set status = 'due' where status = 'skipped'",
    "effect of nothing": """
        insert into showtime.outbox (key, entry_id, kind, payload, status, created_at)
        select id || ':credit-cheer', id, 'credit-cheer',
               '{"viewer": {"id": "1", "login": "a", "display_name": "A"}, "points": 1, "message": ""}',
               'due', now()
        from showtime.journal where type = 'channel.raid' limit 1
    """,
    "broadcast": "update showtime.broadcast set ended_at = ended_at + interval '1 s'",
    "broadcast channel of nothing": """
        insert into showtime.broadcast (started_at, ended_at) values ('1990-01-01', '1990-01-02')
    """,
    "screening": "update showtime.screening set tape_id = tape_id + 1",
    "screening that is gone": "delete from showtime.screening",
    "channel": "update showtime.channel set state = jsonb_set(state, '{title}', '\"Another\"')",
    "channel of last night": "update showtime.channel set state = jsonb_set(state, '{tapes}', '[]')",
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_follow_from_the_journal_is_a_row_of_the_table(night, what):
    """Whatever was changed beside the journal is found, in a row that begins with what it is; exit code 1."""
    change(night, CHANGES[what])
    answer = replay(night)
    head, *lines = answer.output.splitlines()
    assert head.split() == ["what", "which", "recorded", "replayed"]
    found = {line.split()[0] for line in lines[:-2] if not line.startswith(" ")}
    assert found == {word for word in what.split() if word in KINDS}
    assert answer.exit_code == 1


async def test_a_difference_names_the_fields_that_differ_and_both_values(night):
    """Of a credit whose points were changed the points are told, and nothing that is the same."""
    [(key, points)] = rows(
        night, f"select key, payload ->> 'points' from showtime.outbox where key = {FIRST_CREDIT}"
    )
    change(night, CHANGES["effect"])
    assert await differences(night) == [
        Difference("effect", key, "effect.points 7", f"effect.points {points}")
    ]


def test_a_message_that_was_changed_has_its_alert_and_its_points_differ(night):
    """The journal itself is not taken on trust: with another body, something else follows."""
    change(
        night,
        """
        update showtime.journal set body = convert_to(
            replace(convert_from(body, 'UTF8'), '"bits": 5000', '"bits": 5001'), 'UTF8')
        where type = 'channel.cheer' and convert_from(body, 'UTF8') like '%"bits": 5000%'
          and outcome = 'reacted'
        """,
    )
    lines = replay(night).output.splitlines()
    assert {line.split()[0] for line in lines if " 5001" in line} == {"alert", "effect"}


def test_a_body_that_is_rubbish_is_a_difference_and_no_crash(night):
    """An entry that nobody can read is told as one that would be parked, with the reason."""
    change(night, "update showtime.journal set body = '{' where type in ('channel.raid', 'tape.start')")
    answer = replay(night)
    assert "its body cannot be read" in answer.output
    assert answer.exit_code == 1


def test_of_many_differences_the_first_hundred_are_listed(night):
    """A table that nobody can read is of no use: the rest is counted."""
    change(night, "update showtime.journal set remark = 'changed'")
    answer = replay(night)
    [(count,)] = rows(night, "select count(*) from showtime.journal")
    assert f"... and {count - 100} more\n" in answer.output
    assert answer.output.endswith(f"\n{count} differences\n")


async def test_the_size_of_a_page_changes_nothing(night, monkeypatch):
    """What follows is compared wherever a page ends."""
    monkeypatch.setattr(journal, "_PAGE", 1)
    monkeypatch.setattr(recorded, "_PAGE", 1)
    assert await differences(night) == []


async def test_a_longer_journal_needs_no_more_memory(night, monkeypatch):
    """Twenty times as many entries are replayed in the memory of a few pages."""
    monkeypatch.setattr(journal, "_PAGE", 50)
    monkeypatch.setattr(recorded, "_PAGE", 50)

    async def peak() -> int:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        await composition.replay(night, lambda _: None)
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        await differences(night)  # what is loaded once
        small = await peak()
        change(
            night,
            """
            insert into showtime.journal
            select id || n, position + 1000 * n, source, type, version, retry, sent_at, received_at,
                   reacted_at, body, policy, outcome, remark
            from showtime.journal, generate_series(1, 20) as n where type = 'channel.raid'
               or type = 'channel.cheer' and outcome = 'reacted'
            """,
        )
        [(count,)] = rows(night, "select count(*) from showtime.journal")
        assert count > 1000
        assert await peak() < 2 * small
    finally:
        tracemalloc.stop()


async def test_nights_of_the_predecessor_are_not_expected_to_follow(migrated):
    """A database that was adopted holds nights from before its journal; the numbers go on after them."""
    change(
        migrated,
        """
        insert into showtime.broadcast (id, started_at, ended_at)
        values (56, now() - interval '9 days', now() - interval '8 days'),
               (57, now() - interval '2 days', now() - interval '1 day')
        """,
    )
    await tell(migrated)
    assert rows(migrated, "select max(id) from showtime.broadcast") == [(58,)]
    assert await differences(migrated) == []


@pytest.mark.parametrize("is_first_pruned", [False, True])
async def test_a_month_that_two_messages_tell_is_paid_once_in_the_replay_too(
    migrated, monkeypatch, is_first_pruned
):
    """Whoever has subscribed and shares the month earns once, also where the first message was pruned."""
    monkeypatch.setattr(journal, "_PAGE", 1)
    member = viewer("Member") | CHANNEL | {"tier": "1000"}
    shared = {"cumulative_months": 1, "streak_months": 1, "message": {"text": "hi", "emotes": []}}
    told = [
        message("channel.subscribe", member | {"is_gift": False}),
        message("channel.subscription.message", member | shared),
        message("channel.subscription.message", member | shared),
    ]
    async with staged(migrated) as stage:
        await receive([read(each) for each in told], stage.units, Policy())
    assert rows(migrated, "select count(*) from showtime.outbox") == [(2,)]
    if is_first_pruned:
        await prune(migrated, 1)
    assert await differences(migrated) == []


# --- what was pruned ----------------------------------------------------------------------------


async def prune(conninfo: str, last: int) -> None:
    """Let everything up to a position be old, and be pruned."""
    change(conninfo, AGED, last=last)
    await prune_what_is_old(conninfo)


async def prune_what_is_old(conninfo: str) -> None:
    async with make_pool(conninfo) as pool:
        await Retention(pool, timedelta(days=400)).prune()


async def last_position(conninfo: str) -> int:
    return rows(conninfo, "select max(position) from showtime.journal")[0][0]


async def pruned_night(conninfo: str) -> int:
    """Have two nights played, the first of which is pruned; gives how many entries that had."""
    await tell(conninfo, days_ago=402, with_tapes=False)
    count = await last_position(conninfo)
    await tell(conninfo)
    await prune(conninfo, count)
    return count


def test_what_was_pruned_is_said_and_is_no_difference(migrated):
    """A night whose bodies are pruned cannot be replayed, the next one can, and is compared."""
    count = asyncio.run(pruned_night(migrated))
    answer = replay(migrated)
    first, second, last = answer.output.splitlines()
    [(left,)] = rows(migrated, "select count(*) from showtime.journal where body is not null")
    assert first == f"{left} entries replayed, 1 broadcasts compared"
    assert second.startswith(f"{count} entries up to ")
    assert "pruned" in second
    assert last == "no differences"
    assert answer.exit_code == 0


@pytest.mark.parametrize("what", ["alert", "effect", "screening", "outcome"])
async def test_after_what_was_pruned_differences_are_found_as_ever(migrated, what):
    """That much is missing excuses nothing that came later."""
    await pruned_night(migrated)
    statement = CHANGES[what]
    if what == "outcome":
        statement += " and body is not null"
    change(migrated, statement)
    assert {one.kind for one in await differences(migrated)} == {what}


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
async def test_a_night_of_which_the_beginning_was_pruned_is_not_compared(migrated, part):
    """Where nobody can tell any more what was on, alerts and points are compared, and nights are not."""
    await tell(migrated, days_ago=401)
    count = await last_position(migrated)
    await prune(migrated, int(count * part))
    answer = await asyncio.to_thread(replay, migrated)
    assert "0 broadcasts compared" in answer.output
    assert "it is not known what was on the air" in answer.output
    assert answer.exit_code == 0, answer.output


async def test_what_is_left_of_the_feed_and_the_outbox_may_be_less_than_of_the_journal(migrated):
    """Pruning that was cut short, or reached a little further, has left no difference."""
    await pruned_night(migrated)
    [(last,)] = rows(migrated, "select max(position) from showtime.journal where body is null")
    change(
        migrated,
        """
        update showtime.journal set reacted_at = reacted_at - interval '401 days'
            where position between %(last)s + 1 and %(last)s + 30 and source <> 'host';
        delete from showtime.feed where entry_id in (
            select id from showtime.journal where position <= %(last)s + 30 and source <> 'host');
        delete from showtime.outbox where entry_id in (
            select id from showtime.journal where position <= %(last)s + 30 and source <> 'host')
        """,
        last=last,
    )
    assert await differences(migrated) == []


@pytest.mark.parametrize("decision", [Decision.RETRY, Decision.DISMISS])
@pytest.mark.parametrize("is_gone", [True, False], ids=["pruned later", "still there"])
async def test_what_was_parked_in_a_night_that_is_pruned_can_be_decided_later(migrated, decision, is_gone):
    """A command about an entry that cannot be read any more is not replayed, and is no difference."""
    entry = read_badly(cheer("Latecomer", 300, "ghost of a pager"))
    async with staged(migrated) as stage, make_pool(migrated, autocommit=True) as pool:
        await receive([entry], stage.units, Policy())
        await tell(migrated, days_ago=402, with_tapes=False)
        count = await last_position(migrated)
        await prune(migrated, count)
        decide = DecideParked(PostgresParkedItems(pool), stage.units, read_again)
        await decide.decide(decision, entry.id, uuid4())
        await tell(migrated)
    if is_gone:
        await prune_what_is_old(migrated)
    found = await differences(migrated)
    if is_gone:
        assert found == []
    else:  # this version understands it, and would not have parked it
        assert [one.kind for one in found] in ([], ["outcome"])


async def test_a_journal_of_which_everything_was_pruned_has_nothing_to_compare(night):
    """All of it is old: nothing is replayed, and nothing differs."""
    await prune(night, await last_position(night))
    answer = await asyncio.to_thread(replay, night)
    assert answer.output.startswith("0 entries replayed, 0 broadcasts compared\n")
    assert answer.exit_code == 0


# --- the command --------------------------------------------------------------------------------


def test_an_empty_database_has_nothing_to_compare(migrated):
    """Before the first message there is nothing to replay, and nothing that differs."""
    answer = replay(migrated)
    assert answer.output == "0 entries replayed, 0 broadcasts compared\nno differences\n"


def test_a_database_of_another_schema_is_told_with_the_remedy(database):
    """Nothing is compared where tables are missing: the command says what to do."""
    answer = replay(database)
    assert "run `showtime migrate`" in answer.output
    assert answer.exit_code == 1


async def test_a_replay_sees_one_moment_while_the_show_goes_on(night, monkeypatch):
    """What is recorded while it runs is none of it: neither half of it nor all of it."""
    pages = recorded.PostgresRecordedShow.pages

    async def interrupted(self):
        async for page in pages(self):
            yield page
        async with staged(night) as stage:  # the state at the end is still to be read
            change = read(message("channel.update", CHANNEL | {"title": "Later", "category_name": "Art"}))
            await receive([change, read(cheer("Interloper", 1))], stage.units, Policy())

    monkeypatch.setattr(recorded.PostgresRecordedShow, "pages", interrupted)
    assert await differences(night) == []
    monkeypatch.undo()
    assert await differences(night) == []

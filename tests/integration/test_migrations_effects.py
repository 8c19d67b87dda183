"""Effects that were planned before anything performed them are taken over, and performed."""

import json

import psycopg
import pytest

from showtime_adapters.postgres.migrations.migrate import migrate_down, migrate_up
from showtime_adapters.postgres.migrations.steps import our_migrations
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.pool import make_pool
from showtime_core.domain.outbox import EffectStatus, Settlement
from showtime_core.domain.points_and_ghosts.effects import SummonGhost
from showtime_core.testing.contracts.outbox import ALL, SETTLE_AFTER
from showtime_core.testing.entries import MARGE
from support.server import rows

BEFORE = [step for step in our_migrations() if step.version < 3]
WITH_EFFECTS = [step for step in our_migrations() if step.version <= 3]
ENTRY = """
    insert into showtime.journal values
        (%s, %s, 'notification', 'channel.cheer', '1', 0, now(), now(), now(), '{}', '{}', 'reacted', null)
"""
EFFECT = "insert into showtime.outbox values (%s, %s, %s, %s, %s, %s, now())"


@pytest.fixture
def planned(database):
    """A database from before, with a cheer that asks for a ghost, and another whose effects were skipped."""
    migrate_up(database, lambda _: None, BEFORE)
    viewer = {"id": MARGE.id, "login": MARGE.login, "display_name": MARGE.display_name}
    credit = json.dumps({"viewer": viewer, "points": 200, "message": "ghost of Bob"})
    ghost = json.dumps({"viewer": viewer, "subject": "Bob"})
    with psycopg.connect(database) as connection:
        for number, (entry, status) in enumerate((("c", "due"), ("off", "skipped"))):
            connection.execute(ENTRY, [entry, number])
            connection.execute(EFFECT, [f"{entry}:summon-ghost", entry, "summon-ghost", None, ghost, status])
            connection.execute(
                EFFECT, [f"{entry}:credit-cheer", entry, "credit-cheer", MARGE.id, credit, status]
            )
    return database


async def test_what_was_due_is_performed_and_what_was_skipped_is_not(planned):
    """What was due is performed, a credit before the ghost that it pays for, and what was skipped is not."""
    said = []
    migrate_up(planned, said.append, WITH_EFFECTS)
    assert "adopted: 2 effect(s) that were planned before will be performed" in said
    migrate_up(planned, lambda _: None)  # the outbox of today needs all of them
    with psycopg.connect(planned) as session:
        session.execute("select pg_advisory_lock(7)")
        async with make_pool(planned, autocommit=True) as pool:
            outbox = PostgresOutbox(pool, SETTLE_AFTER, 7)
            (credit,) = await outbox.lease(ALL, 10)
            assert credit.key == "c:credit-cheer"
            await outbox.settle(credit, Settlement(EffectStatus.DONE))
            (summons,) = await outbox.lease(ALL, 10)
            assert isinstance(summons.effect, SummonGhost)
            assert (summons.effect.viewer, summons.effect.subject) == (MARGE, "Bob")
            assert not await outbox.lease(ALL, 10)


def test_going_back_forgets_what_came_of_effects_and_repeats_none(planned):
    """What was never tried is due again when one comes back; what was tried is not."""
    migrate_up(planned, lambda _: None, WITH_EFFECTS)
    with psycopg.connect(planned) as connection:
        connection.execute(
            "update showtime.outbox set status = 'done', attempts = 1 where key = 'c:credit-cheer'"
        )
    migrate_down(planned, lambda _: None, WITH_EFFECTS)
    kept = "select key, status, lane, payload ? 'ghost_id' from showtime.outbox order by key"
    assert rows(planned, kept) == [
        ("c:credit-cheer", "skipped", MARGE.id, False),
        ("c:summon-ghost", "due", None, False),
        ("off:credit-cheer", "skipped", MARGE.id, False),
        ("off:summon-ghost", "skipped", None, False),
    ]
    migrate_up(planned, lambda _: None, WITH_EFFECTS)

"""The show on the screen in PostgreSQL keeps to the same rules as that in memory."""

import asyncio
from datetime import timedelta

import pytest
from psycopg.errors import CheckViolation, UniqueViolation

from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.retention import Retention
from showtime_core.domain.events import ShowCommandName
from showtime_core.domain.show.queue import ShowingState
from showtime_core.testing.contracts.show import ShowContract, cheer, raid
from support.databases import empty, fresh_database, locked
from support.server import rows
from support.show import show_staged


@pytest.fixture(scope="module")
def kept(postgres_server):
    """Give the conninfo of a database that the tests of this module share."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


class TestPostgresShow(ShowContract):
    @pytest.fixture
    async def show(self, kept):
        empty(kept)
        async with show_staged(kept) as stage:
            yield stage

    async def test_whatever_comes_at_once_there_is_one_order(self, stage, kept):
        """Overlays, commands and messages at once, on two instances: nothing fails, and one alert plays."""
        taken = set()
        for number in range(6):
            name = ShowCommandName.RESUME if number % 2 else ShowCommandName.PAUSE
            stage.frames += 1000
            asked = [
                run.take_next(overlay, stage.frames + count)
                for count in range(3)
                for overlay, run in (("a", stage.run), ("b", stage.elsewhere))
            ]
            results = await asyncio.gather(stage.tell(raid(number), cheer()), stage.command(name), *asked)
            taken |= {each.playing.id for each in results[2:] if each.playing}
            assert len(rows(kept, "select from showtime.showing where state = 'playing'")) <= 1
            await stage.wait(timedelta(seconds=6))
        await stage.command(ShowCommandName.RESUME)
        await stage.play_all()
        ends = {ShowingState.SHOWN, ShowingState.MISSED}  # which was interrupted three times
        ended = [each.alert.id for each in await stage.showings() if each.state in ends]
        assert ended == list(range(1, 13))
        assert taken <= {each.id for each in await stage.showings()}

    async def test_after_a_pause_nothing_is_taken(self, stage):
        """Whatever asks while the host pauses: what was not taken before the answer is not taken at all."""
        await stage.tell(*[raid(number) for number in range(10)])
        for _ in range(5):
            await stage.ask("a")
            stage.frames += 60
            await asyncio.gather(
                stage.command(ShowCommandName.PAUSE),
                *(stage.run.take_next("a", stage.frames + count) for count in range(4)),
            )
            before = await stage.states()
            await stage.wait(timedelta(seconds=6))
            assert (await stage.ask("a", stage.elsewhere)).playing is None
            playing = [state for _, state in await stage.states()].count(ShowingState.PLAYING)
            assert playing == 0
            assert len(await stage.states()) - len(before) <= 1  # what played was put back
            await stage.command(ShowCommandName.RESUME)

    async def test_nothing_is_written_for_a_report_but_what_it_says(self, stage, kept):
        """A report of an overlay takes no lock of the channel, and wakes nobody."""
        await stage.tell(cheer())
        playing = await stage.play()
        with locked(kept):  # as whoever records a message holds it
            renewal = await stage.run.renew(playing.id, "obs", stage.frames + 1)
            await stage.run.take_next("obs", stage.frames + 2)
        assert renewal.holds_for > timedelta(0)

    async def test_a_queue_that_was_begun_is_kept_by_the_database(self, stage, kept):
        """The database itself refuses two alerts that play at once, and what has ended without an end."""
        await stage.tell(cheer(), raid())
        first = await stage.play()
        copy = """
            insert into showtime.showing (id, alert_id, last_alert_id, kind, state, waiting_since, overlay,
                                          began_at, leased_until)
            select gen_random_uuid(), 2, 2, kind, state, waiting_since, overlay, began_at, leased_until
            from showtime.showing where id = %s
        """
        with pytest.raises(UniqueViolation, match="showing_playing_unique"):
            rows(kept, copy, first.id)
        with pytest.raises(CheckViolation, match="showing_over_has_ended"):
            rows(kept, "update showtime.showing set state = 'shown' where id = %s returning 1", first.id)

    async def test_what_is_long_over_is_pruned(self, stage, kept):
        """Showings that are over are pruned with age; what waits for the host stays."""
        await stage.tell(cheer(), raid(), cheer())
        await stage.command(ShowCommandName.HOLD, 2)
        await stage.play_all()
        await stage.wait(timedelta(days=10))
        await stage.tell(cheer())
        await stage.play_all()
        async with make_pool(kept) as pool:
            await Retention(pool, timedelta(days=9)).prune()
        assert rows(kept, "select alert_id, state from showtime.showing order by alert_id") == [
            (2, "held"),
            (4, "shown"),
        ]

"""What every store of the tries before a night keeps to.

Needs pytest-asyncio in auto mode.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from showtime_core.domain.preflight.links import Finding, Link, LinkResult, LinkState
from showtime_core.domain.preflight.runs import PreflightRun, begin_run, end_run
from showtime_core.errors import AlreadyUnderWay, LimitReached
from showtime_core.ports import PreflightStore

ONE, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 10, 30, 19, 30, tzinfo=UTC)


def result(said: str, at: datetime = AT, remedy: str | None = None) -> LinkResult:
    """Make a result of the try of Discord."""
    return LinkResult(Link.DISCORD, Finding(LinkState.FAILED, said, remedy), at, 120)


async def begin(store: PreflightStore, run_id: UUID, *links: Link) -> PreflightRun:
    """Begin a run; gives it as it is kept."""
    return (await store.change(lambda run, now: begin_run(run, run_id, links, now))).run


class PreflightStoreContract:
    """The rules of `showtime_core.ports.PreflightStore`; the fixture `stores` gives two instances of one."""

    async def test_nothing_is_known_at_first(self, stores: tuple[PreflightStore, PreflightStore]) -> None:
        """Before the first run there is no result, and nothing goes on."""
        known = await stores[0].read()
        assert (known.run, known.results, known.is_running) == (PreflightRun(), {}, False)

    async def test_a_result_is_known_to_all(self, stores: tuple[PreflightStore, PreflightStore]) -> None:
        """What one instance keeps another reads, word for word, with or without a remedy."""
        one, other = stores
        for kept in (result("404: the webhook is gone"), result("it is away", remedy="wait a while")):
            await one.save(kept)
            assert (await other.read()).results == {Link.DISCORD: kept}

    async def test_the_latest_result_counts(self, stores: tuple[PreflightStore, PreflightStore]) -> None:
        """A result that was found earlier and is kept later does not hide the other."""
        one, other = stores
        latest = result("the latest", AT + timedelta(seconds=1))
        await one.save(latest)
        await other.save(result("an older one"))
        assert (await one.read()).results == {Link.DISCORD: latest}

    async def test_one_run_goes_on_at_a_time(self, stores: tuple[PreflightStore, PreflightStore]) -> None:
        """While a run goes on, another instance begins none; when it has ended, it does."""
        one, other = stores
        begun = await begin(one, ONE, Link.DISCORD)
        with pytest.raises(AlreadyUnderWay):
            await begin(other, OTHER, Link.STORAGE)
        known = await other.read()
        assert (known.run, known.is_running) == (begun, True)
        await one.change(lambda run, now: end_run(run, ONE, now))
        assert not (await other.read()).is_running
        assert (await begin(other, OTHER, Link.STORAGE)).id == OTHER

    async def test_the_callback_is_tried_once_a_minute(
        self, stores: tuple[PreflightStore, PreflightStore]
    ) -> None:
        """Within a minute of one instance no other tries the callback; what is refused leaves no trace."""
        one, other = stores
        await begin(one, ONE, Link.CALLBACK)
        ended = (await one.change(lambda run, now: end_run(run, ONE, now))).run
        with pytest.raises(LimitReached) as refused:
            await begin(other, OTHER, *Link)
        assert refused.value.retry_after
        assert timedelta(0) < refused.value.retry_after <= timedelta(minutes=1)
        assert (await one.read()).run == ended

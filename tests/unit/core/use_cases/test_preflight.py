"""Links are tried at once, each with a deadline, and what one of them does is nothing to the others."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from showtime_core.domain.preflight.links import Finding, Link, LinkState
from showtime_core.errors import AlreadyUnderWay, LimitReached, Refused, Unavailable
from showtime_core.testing.twins.preflight import MemoryPreflightStore
from showtime_core.use_cases.preflight import DEADLINES, Attempt, RunPreflight
from support.virtual_time import elapsed, in_virtual_time

AT = datetime(2026, 10, 30, 20, tzinfo=UTC)
WELL = Finding(LinkState.OK, "it works")


def now() -> datetime:
    return AT + timedelta(seconds=elapsed())


async def well() -> Finding:
    return WELL


async def hang() -> Finding:
    await asyncio.Event().wait()
    raise AssertionError


async def away() -> Finding:
    raise Unavailable("it is away")


async def refuse() -> Finding:
    raise Refused("404: it is gone")


async def fault() -> Finding:
    raise ZeroDivisionError


def preflight(store: MemoryPreflightStore | None = None, **attempts: Attempt) -> RunPreflight:
    """Make one in which all is well, but for these."""
    made = {link: attempts.get(link, Attempt(well)) for link in Link}
    return RunPreflight(store or MemoryPreflightStore(now), made, now, uuid4)


async def found(use_case: RunPreflight, *links: Link) -> dict[Link, Finding]:
    """Try links, all by default, and tell what is known then."""
    wanted = links or tuple(Link)
    await use_case.perform(await use_case.begin(wanted), wanted)
    return {link: result.finding for link, result in (await use_case.current()).results.items()}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (hang, "no answer within 8 s"),
        (away, "it is away"),
        (refuse, "404: it is gone"),
        (fault, "the try itself has failed: see the log of the server"),
    ],
)
def test_what_fails_fails_alone(ask, said):
    """A link that hangs, is away, refuses or meets a fault of ours is red, and no other is."""

    @in_virtual_time
    async def scenario():
        lights = await found(preflight(discord=Attempt(ask)))
        assert lights == dict.fromkeys(Link, WELL) | {Link.DISCORD: Finding(LinkState.FAILED, said)}

    scenario()


@in_virtual_time
async def test_all_results_are_there_within_half_a_minute():
    """Whatever hangs, and whatever it needs first, each link has its result within 30 s."""
    await found(preflight(**{link: Attempt(hang, before=hang, lacking="nobody tells") for link in Link}))
    assert elapsed() <= 30
    await found(preflight(**{link: Attempt(hang, before=well, lacking="nobody tells") for link in Link}))
    assert max(DEADLINES.values()) + 8 + 5 <= 30


@in_virtual_time
async def test_what_cannot_be_tried_is_unknown():
    """A link that needs what another does not give is unknown, not red."""
    for before in (away, hang):
        use_case = preflight(ledger=Attempt(well, before=before, lacking="auth gives no token"))
        lights = await found(use_case)
        assert lights[Link.LEDGER] == Finding(LinkState.UNKNOWN, "not tried: auth gives no token")


@in_virtual_time
async def test_results_are_told_as_they_come():
    """While one link still hangs, the results of the others are told, and that the run goes on."""
    use_case = preflight(discord=Attempt(hang))
    running = asyncio.create_task(use_case.perform(await use_case.begin([*Link]), [*Link]))
    await asyncio.sleep(1)
    known = await use_case.current()
    assert known.is_running
    assert set(known.results) == set(Link) - {Link.DISCORD}
    await running
    assert not (await use_case.current()).is_running


@in_virtual_time
async def test_instances_know_of_each_other():
    """What one instance tries another knows; it begins no second run, and no callback within a minute."""
    store = MemoryPreflightStore(now)
    one, other = preflight(store), preflight(store)
    run_id = await one.begin([*Link])
    with pytest.raises(AlreadyUnderWay):
        await other.begin([Link.DISCORD])
    await one.perform(run_id, [*Link])
    assert set((await other.current()).results) == set(Link)
    with pytest.raises(LimitReached):
        await other.begin([Link.CALLBACK])
    assert await found(other, Link.DISCORD)


@in_virtual_time
async def test_what_is_refused_holds_up_nobody():
    """An instance whose run was refused begins another as soon as it may."""
    store = MemoryPreflightStore(now)
    one, other = preflight(store), preflight(store)
    run_id = await one.begin([*Link])
    with pytest.raises(AlreadyUnderWay):
        await other.begin([*Link])
    await one.perform(run_id, [*Link])
    assert await found(other, Link.DISCORD)


@pytest.mark.parametrize("trouble", ["is_away", "is_read_only"])
def test_a_database_that_is_away_hides_nothing(trouble):
    """Links are tried while nothing can be kept; their results and their limits hold on this instance."""

    @in_virtual_time
    async def scenario():
        store = MemoryPreflightStore(now)
        use_case = preflight(store, database=Attempt(away))
        assert set((await found(use_case)).values()) == {WELL, Finding(LinkState.FAILED, "it is away")}
        setattr(store, trouble, True)
        await asyncio.sleep(60)
        run_id = await use_case.begin([*Link])
        with pytest.raises(AlreadyUnderWay):
            await use_case.begin([Link.DISCORD])
        assert (await use_case.current()).is_running
        await use_case.perform(run_id, [*Link])
        known = await use_case.current()
        assert {each.tried_at for each in known.results.values()} == {AT + timedelta(seconds=60)}
        with pytest.raises(LimitReached):
            await use_case.begin([Link.CALLBACK])

    scenario()

"""How it stands is looked up now and then, whoever asks and however often."""

from showtime_app.web.routes.status import ReadinessCache
from showtime_core.domain.health import Readiness
from showtime_core.errors import Unavailable

WELL = Readiness(is_ready=True, message="showtime is fully operational.")


async def well() -> None:
    """Let all be written."""


async def test_strangers_cannot_make_us_look_more_often():
    """A thousand questions are one look; while the database is away each is told so, and asks nobody else."""
    looks = []

    async def read():
        looks.append(None)
        if len(looks) == 1:
            raise Unavailable("the database cannot be reached")
        return WELL

    watch = ReadinessCache(read, well)
    assert not (await watch.current()).is_ready
    standings = {(await watch.current()).is_ready for _ in range(1000)}
    assert (standings, len(looks)) == ({True}, 2)


async def test_what_cannot_be_written_is_told_at_once():
    """From a write that fails until one succeeds nothing is fully operational, whatever was found before."""
    failures = [None, "its disk is full", None]

    async def read():
        return WELL

    async def require_writable():
        if reason := failures.pop(0):
            raise Unavailable(reason)

    watch = ReadinessCache(read, require_writable)
    told = [await watch.current() for _ in range(3)]
    assert [each.is_ready for each in told] == [True, False, True]
    assert "its disk is full" in told[1].message

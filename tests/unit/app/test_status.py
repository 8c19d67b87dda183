"""How it stands is looked up now and then, whoever asks and however often."""

from datetime import UTC, datetime

from showtime_app.web.status import Watch
from showtime_core.broadcast import ChannelState
from showtime_core.errors import Unavailable
from showtime_core.health import Health


async def test_strangers_cannot_make_us_look_more_often():
    """A thousand questions are one look; while the database is away each is told so, and asks nobody else."""
    looks = []

    async def read():
        looks.append(None)
        if len(looks) == 1:
            raise Unavailable("the database cannot be reached")
        return ChannelState(), Health(datetime.now(UTC))

    watch = Watch(read, (), is_checked=False, chat="off")
    assert not (await watch.look()).is_ready
    standings = {(await watch.look()).is_ready for _ in range(1000)}
    assert (standings, len(looks)) == ({True}, 2)

"""A show in PostgreSQL for tests, time that passes in it, and an overlay as it speaks over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from attrs import define

from showtime_adapters.postgres.pool import connected, make_pool
from showtime_adapters.postgres.show.secret_store import PostgresShowSecrets
from showtime_adapters.postgres.show.store import PostgresShow
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_core.domain.show.queue import Showing
from showtime_core.testing.contracts.show import ShowStage
from support.following import await_some
from support.server import rows

_PASS = """
    update showtime.feed set shown_at = shown_at - %(time)s;
    update showtime.overlay set seen_at = seen_at - %(time)s, painted_at = painted_at - %(time)s;
    update showtime.showing set
        waiting_since = waiting_since - %(time)s, began_at = began_at - %(time)s,
        leased_until = leased_until - %(time)s, ended_at = ended_at - %(time)s;
    update showtime.show set
        paused_since = paused_since - %(time)s, ads_until = ads_until - %(time)s,
        leader_at = leader_at - %(time)s, painted_at = painted_at - %(time)s,
        streamed_at = streamed_at - %(time)s,
        pauses = (select coalesce(json_agg(json_build_array((pause ->> 0)::timestamptz - %(time)s,
                                                            (pause ->> 1)::timestamptz - %(time)s)), '[]')
                  from jsonb_array_elements(pauses) as pause)::jsonb
"""
_ALL = "select id from showtime.showing order by alert_id, attempt, waiting_since"


@asynccontextmanager
async def show_staged(conninfo: str) -> AsyncIterator[ShowStage]:
    """Set a stage on this database, for two instances."""
    async with (
        make_pool(conninfo, autocommit=True) as one,
        make_pool(conninfo, autocommit=True) as other,
    ):
        show = PostgresShow(one, limit=10)

        async def wait(time: timedelta) -> None:
            async with connected(one) as connection:
                for statement in _PASS.split(";"):
                    await connection.execute(statement, {"time": time})

        async def showings() -> list[Showing]:
            return await all_showings(show, conninfo)

        yield ShowStage(
            PostgresUnitOfWork(one),
            show,
            PostgresShow(other, limit=10),
            PostgresShowSecrets(one),
            wait,
            showings,
        )


async def all_showings(show: PostgresShow, conninfo: str) -> list[Showing]:
    """Read every showing there ever was, one by one, as whoever names it does."""
    found = []
    for (name,) in rows(conninfo, _ALL):
        found.append(await show.change(lambda queue, name=name: (queue, queue.showings[name]), name))
    return found


@define
class Overlay:
    """An overlay as it speaks over HTTP, that paints a second's worth of frames between two requests."""

    client: httpx.Client
    secret: str
    name: str = "obs"
    frames: int = 0

    def post(self, path: str, frames: int = 60) -> httpx.Response:
        """Report so many more frames, and ask for what a path gives."""
        self.frames += frames
        body = {"overlay": self.name, "frames": self.frames}
        return self.client.post(path, json=body, headers={"authorization": f"Bearer {self.secret}"})

    def ask(self) -> dict[str, Any]:
        """Ask for the next alert until it counts as painting: a busy machine may take a second for one."""
        for _ in range(50):
            answer = self.post("/show/next").raise_for_status().json()
            if answer["role"] != "none":
                return dict(answer)
        raise AssertionError("it does not count as painting")

    def play(self) -> dict[str, Any]:
        """Take the next alert, as soon as there is one."""
        return await_some(lambda: self.ask()["playing"])

    def finish(self, item: dict[str, Any]) -> httpx.Response:
        """Acknowledge a showing as soon as it has played, and keep it until then."""

        def finished() -> httpx.Response | None:
            self.post(f"/show/{item['showing']}/alive")
            done = self.post(f"/show/{item['showing']}/done", frames=6000)
            return None if "too early" in done.text else done

        return await_some(finished)

"""Who is there while things go wrong: Twitch, which sends to whoever receives, and an overlay that plays."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import httpx
from attrs import define, evolve, field

from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.show.secret_store import PostgresShowSecrets
from showtime_adapters.postgres.show.store import PostgresShow
from showtime_core.domain.show.kind_rules import MIN_SECONDS, IfBusy, KindRule
from showtime_core.domain.show.queue import Show
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.texts import digest_of
from support.sending import Connection, Sender
from support.twitch import Message

_SECRET = "overlay_be-kind-and-rewind"
_FRAMES = 30
_REPORT_SECONDS = 0.25

_BRIEF = KindRule(seconds=MIN_SECONDS)
_IF_FREE = KindRule(seconds=MIN_SECONDS, if_busy=IfBusy.SKIP, min_bits=100)
RULES = dict.fromkeys(("follow", "cheer", "subscribe", "gift-sub", "generated-images"), _IF_FREE) | {
    "raid": _BRIEF
}
"""Alerts play as briefly as can be, and most are left out, so that one screen keeps up with many."""


@define
class BalancedSender(Sender):
    """Twitch, by way of a balancer: each try of a message comes to any of those that receive."""

    port: int = 0
    ports: Callable[[], Sequence[int]] = lambda: ()
    chance: random.Random = field(factory=random.Random)

    async def _is_taken(self, connection: Connection, message: Message) -> bool:
        port = self.chance.choice(self.ports())
        if connection.port != port:
            connection.close()
            connection.port = port
        return await super()._is_taken(connection, message)


async def open_the_show(conninfo: str) -> None:
    """Begin the queue, for an overlay with the secret of these tests."""

    def with_rules(show: Show) -> tuple[Show, None]:
        return evolve(show, rules=RULES), None

    async with make_pool(conninfo, autocommit=True) as pool:
        secret = ShowSecret(uuid4(), SecretKind.OVERLAY, "OBS")
        await PostgresShowSecrets(pool).add(secret, digest_of(_SECRET))
        await PostgresShow(pool).change(with_rules)


@define
class Overlay:
    """An overlay that paints all the time, and asks again wherever it gets no answer."""

    ports: Callable[[], Sequence[int]]
    client: httpx.AsyncClient
    name: str = "obs"
    frames: int = 0
    acknowledged: list[str] = field(factory=list)
    """The showings of which it was told that they are acknowledged."""
    over: list[tuple[str, str]] = field(factory=list)
    """The showings that it could not acknowledge any more, and why."""
    asked: int = 0
    is_playing: bool = False
    """Whether it has a showing of which it has not heard what became of it."""

    async def run(self) -> None:
        while True:
            answer = await self._post("/show/next")
            if answer.is_success and answer.json()["wait"] is None and answer.json()["playing"]:
                self.is_playing = True
                await self._play(answer.json()["playing"])
                self.is_playing = False
            await asyncio.sleep(_REPORT_SECONDS)

    async def _play(self, showing: dict[str, Any]) -> None:
        number = str(showing["showing"])
        await asyncio.sleep(float(showing["seconds"]))
        while True:
            answer = await self._post(f"/show/{number}/done")
            if answer.status_code == 204:
                self.acknowledged.append(number)
                return
            if answer.status_code in {404, 409} and not _comes_again(answer):
                self.over.append((number, answer.text))
                return
            await asyncio.sleep(_REPORT_SECONDS)

    async def _post(self, path: str) -> httpx.Response:
        """Ask one instance after the other until there is any answer."""
        while True:
            for port in self.ports():
                self.frames += _FRAMES
                body = {"overlay": self.name, "frames": self.frames}
                headers = {"authorization": f"Bearer {_SECRET}"}
                try:
                    url = f"http://127.0.0.1:{port}{path}"
                    answer = await self.client.post(url, json=body, headers=headers)
                except httpx.TransportError:
                    continue
                self.asked += 1
                if answer.status_code < 500:
                    return answer
            await asyncio.sleep(0.1)


def _comes_again(answer: httpx.Response) -> bool:
    """Whether a showing can yet be acknowledged: it has not played, or been painted, for long enough."""
    return "too early" in answer.text or "not painted" in answer.text

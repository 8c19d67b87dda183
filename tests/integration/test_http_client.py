"""Requests to neighbours: how each ended is told, whoever's library has sent it."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from attrs import define

from showtime_adapters.http_client import MAX_ANSWER_BYTES, NeighbourClient, Telemetry
from showtime_adapters.openai_images import OpenAIPainter
from showtime_adapters.twitch.http import make_client
from showtime_core.errors import Ambiguous, Refused, Unavailable
from support.certificates import make_certificate
from support.following import until
from support.neighbour import Neighbour, Reply, Request


@define
class Parrot(Neighbour):
    """Says that all is well, whatever it is asked for."""

    def handle(self, request: Request) -> Reply:  # noqa: ARG002 - whatever it is
        return Reply(200, "{}", "application/json")


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    with Parrot() as parrot:
        yield parrot


async def ask_it(url: str, telemetry: Telemetry, seconds: float) -> None:
    async with NeighbourClient("the parrot", url, telemetry, seconds=seconds) as client:
        await client.send("GET", "/")


async def have_it_paint(url: str, telemetry: Telemetry, seconds: float) -> None:
    async with OpenAIPainter("key", "model", url, telemetry, seconds=seconds) as painter:
        await painter.paint("a ghost")


@pytest.mark.parametrize("ask", [ask_it, have_it_paint])
@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "2xx"),
        ("302", "3xx"),
        ("404", "4xx"),
        ("503", "5xx"),
        ("refuse", "unsent"),
        ("cut", "lost"),
        ("hang", "lost"),
    ],
)
async def test_how_a_request_ended_is_told_once(
    parrot: Parrot, ask: Callable[[str, Telemetry, float], Awaitable[None]], failure: str | None, outcome: str
):
    """How a request ended is told once, as a status class, as unsent or as unanswered, with its duration."""
    told: list[tuple[str, float]] = []
    parrot.trouble(failure)
    telemetry = Telemetry(observe=lambda how, seconds: told.append((how, seconds)))
    began, patience = time.perf_counter(), 1.0 if failure == "hang" else 30.0
    try:
        await ask(parrot.url, telemetry, patience)
    except (Ambiguous, Refused, Unavailable):
        assert (ask, failure) != (ask_it, None)
    [(how, seconds)] = told
    assert how == outcome
    assert (0.9 if failure == "hang" else 0) < seconds <= time.perf_counter() - began


async def test_whoever_goes_away_takes_no_place_with_him(parrot: Parrot):
    """A crowd that is cancelled at any moment, as it waits, connects or listens, leaves room for the next."""
    async with NeighbourClient("the parrot", parrot.url) as client:
        parrot.trouble("hang")
        for moment in range(40):
            crowd = [asyncio.create_task(client.send("GET", "/")) for _ in range(30)]
            for _ in range(moment):
                await asyncio.sleep(0)
            for each in crowd:
                each.cancel()
            await asyncio.wait(crowd)
        parrot.trouble()
        answers = await asyncio.gather(*(client.send("GET", "/") for _ in range(30)))
        assert {answer.status_code for answer in answers} == {200}
        await until(lambda: len(parrot.connections) <= 5)
    await until(lambda: not parrot.connections)


@pytest.mark.parametrize("is_packed", [False, True])
async def test_an_answer_without_end_is_not_kept(parrot: Parrot, *, is_packed: bool):
    """More than anybody has to say is not read on, also where it comes in a small parcel."""
    told: list[str] = []
    body, headers = b"[" * (MAX_ANSWER_BYTES + 1), {}
    if is_packed:
        body, headers = gzip.compress(body), {"content-encoding": "gzip"}
    parrot.scripted = Reply(200, body, "application/json", headers)
    async with NeighbourClient(
        "the parrot", parrot.url, Telemetry(observe=lambda how, _: told.append(how))
    ) as client:
        with pytest.raises(Ambiguous, match="lost"):
            await client.send("GET", "/")
        parrot.scripted = Reply(200, gzip.compress(b"{}"), "application/json", {"content-encoding": "gzip"})
        assert (await client.send("GET", "/")).json() == {}
    assert told == ["lost", "2xx"]


async def test_nobody_is_trusted_who_cannot_show_who_he_is(tmp_path: Path):
    """A neighbour whose certificate nobody vouches for is sent nothing, by whichever client."""
    certificate = make_certificate(tmp_path)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=certificate.server)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, make_client() as twitch:
        for ask in (ask_it, have_it_paint):
            with pytest.raises(Unavailable):
                await ask(url, Telemetry(), 30.0)
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await twitch.get(url)
    assert b"".join(heard) == b""


async def test_what_was_withheld_at_the_last_moment_was_not_sent(parrot: Parrot):
    """Where our own side stops a request on its way, no answer was lost."""
    told: list[str] = []

    async def withhold(event: str, _: object) -> None:
        if event.endswith("send_request_body.started"):
            raise Unavailable("somebody else may be at it")

    async with NeighbourClient(
        "the parrot", parrot.url, Telemetry(observe=lambda how, _: told.append(how))
    ) as client:
        with pytest.raises(Unavailable):
            await client.send("POST", "/", content=b"{}", extensions={"trace": withhold})
    assert told == ["unsent"]

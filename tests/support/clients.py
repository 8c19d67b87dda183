"""Adapters with clients of their own, which are closed with the context."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from showtime_adapters import auth, discord, s3_storage
from showtime_adapters.http_client import ANSWER_SECONDS, SILENT, NeighbourClient, Telemetry, connections
from showtime_adapters.ledger import CHANGE_SECONDS, CHANGES_AT_ONCE, HttpLedger, Tokens
from showtime_adapters.service_tokens import ServiceTokens

Clock = Callable[[], float]


@asynccontextmanager
async def opened_auth(
    url: str, transport: httpx.AsyncBaseTransport | None = None, clock: Clock = time.monotonic
) -> AsyncIterator[auth.AuthService]:
    async with NeighbourClient("auth", url, SILENT, transport, auth.ANSWER_SECONDS) as client:
        yield auth.AuthService(client, clock)


@asynccontextmanager
async def opened_tokens(
    url: str,
    secret: str,
    telemetry: Telemetry = SILENT,
    answer_seconds: float = ANSWER_SECONDS,
    clock: Clock = time.monotonic,
) -> AsyncIterator[ServiceTokens]:
    async with NeighbourClient("the auth service", url, telemetry, seconds=answer_seconds) as client:
        yield ServiceTokens(client, secret, clock)


@asynccontextmanager
async def opened_ledger(  # noqa: PLR0913, PLR0917 - all but two have a default
    url: str,
    tokens: Tokens,
    telemetry: Telemetry = SILENT,
    answer_seconds: float = ANSWER_SECONDS,
    fence: Callable[[], None] = lambda: None,
    change_seconds: float = CHANGE_SECONDS,
) -> AsyncIterator[HttpLedger]:
    places = connections(CHANGES_AT_ONCE)
    async with (
        NeighbourClient("the ledger", url, telemetry, seconds=answer_seconds) as looks,
        NeighbourClient("the ledger", url, telemetry, places, change_seconds) as changes,
    ):
        yield HttpLedger(looks, changes, tokens, fence)


@asynccontextmanager
async def opened_gallery(
    webhook_url: str, answer_seconds: float = discord.ANSWER_SECONDS, clock: Clock = time.monotonic
) -> AsyncIterator[discord.DiscordGallery]:
    async with NeighbourClient("Discord", "", seconds=answer_seconds) as client:
        yield discord.DiscordGallery(client, webhook_url, clock)


@asynccontextmanager
async def opened_bucket(
    location: s3_storage.BucketLocation, answer_seconds: float = s3_storage.ANSWER_SECONDS
) -> AsyncIterator[s3_storage.S3Bucket]:
    async with NeighbourClient("the storage", "", seconds=answer_seconds) as client:
        yield s3_storage.S3Bucket(client, location)

"""How the neighbours are wired that points and ghosts need: the real ones, or those of a laptop."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen
from litestar.types import ControllerRouterHandler
from pydantic import SecretStr

from showtime_adapters import discord
from showtime_adapters.http_client import NeighbourClient, Telemetry, connections
from showtime_adapters.ledger import CHANGE_SECONDS, CHANGES_AT_ONCE, HttpLedger
from showtime_adapters.local.folder import LocalBucket, LocalFolder, LocalGallery
from showtime_adapters.service_tokens import ServiceTokens
from showtime_app.config import Settings
from showtime_app.setting_types import EMBEDDED
from showtime_app.web.routes import local
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.ports import Bucket, Gallery, Painter, PainterModel, PublicStorage, ReadableLedger, Webhook

TelemetryOf = Callable[[str], Telemetry]
"""Gives what is told of requests to the neighbour of this name."""
_Connection = TypeVar("_Connection", bound=AbstractAsyncContextManager[Any])


@frozen
class DevPlace:
    """Where `showtime dev` keeps its data, and the URL at which it serves it."""

    data_dir: Path
    url: str
    """Where it is reached, without a slash at the end."""


@define
class Neighbours:
    """The external services that are configured; None for what is off."""

    ledger: ReadableLedger | None = None
    painter: Painter | None = None
    bucket: Bucket | None = None
    gallery: Gallery | None = None
    model: PainterModel | None = None
    public_storage: PublicStorage | None = None
    webhook: Webhook | None = None
    """The last three for the tries before a night: not what stands in for them on a laptop."""
    tokens: ServiceTokens | None = None
    routes: list[ControllerRouterHandler] = field(factory=list)
    """What is served in their place."""
    _connections: list[AbstractAsyncContextManager[Any]] = field(factory=list)

    @property
    def features(self) -> frozenset[Feature]:
        """Tell what can be done with them: a ghost has to be paid, painted and stored."""
        if self.ledger is None:
            return frozenset()
        has_ghosts = self.painter is not None and self.bucket is not None
        return frozenset({Feature.POINTS, Feature.GHOSTS} if has_ghosts else {Feature.POINTS})

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Let them be spoken with."""
        async with AsyncExitStack() as stack:
            for connection in self._connections:
                await stack.enter_async_context(connection)
            yield

    def connect(self, neighbour: _Connection) -> _Connection:
        """Speak with a neighbour while this is opened."""
        self._connections.append(neighbour)
        return neighbour


def wire_neighbours(
    settings: Settings,
    embedded_ledger: ReadableLedger,
    fence: Callable[[], None],
    telemetry: TelemetryOf,
    dev_place: DevPlace | None = None,
) -> Neighbours:
    """Wire those that the settings name; on a laptop, stand-ins for the others.

    `fence` is asked before anything is sent to a ledger that would do it twice.
    """
    wired = Neighbours()

    def client(name: str, url: str, label: str, **how: Any) -> NeighbourClient:  # noqa: ANN401 - its options
        return wired.connect(NeighbourClient(name, url, telemetry(label), **how))

    if secret := _plain(settings.auth_shared_secret):
        wired.tokens = ServiceTokens(client("the auth service", settings.auth_url, "auth"), secret)
    if settings.ledger_url == EMBEDDED or (dev_place and "ledger_url" not in settings.model_fields_set):
        wired.ledger = embedded_ledger
    elif wired.tokens:
        patient = {"transport": connections(CHANGES_AT_ONCE), "seconds": CHANGE_SECONDS}
        looks = client("the ledger", settings.ledger_url, "ledger")
        changes = client("the ledger", settings.ledger_url, "ledger", **patient)
        wired.ledger = HttpLedger(looks, changes, wired.tokens, fence)
    if key := _plain(settings.openai_api_key):
        # Imported here, since it takes a second and much memory, and not everybody has ghosts.
        from showtime_adapters.openai_images import OpenAIPainter  # noqa: PLC0415

        model, url = settings.openai_image_model, settings.openai_base_url
        painter = wired.connect(OpenAIPainter(key, model, url, telemetry("openai")))
        wired.painter, wired.model = painter, painter
    if location := _bucket_location(settings):
        from showtime_adapters import s3_storage  # noqa: PLC0415 - as above

        storage = client("the storage", "", "storage", seconds=s3_storage.ANSWER_SECONDS)
        bucket = s3_storage.S3Bucket(storage, s3_storage.BucketLocation(*location))
        wired.bucket, wired.public_storage = bucket, bucket
    if webhook := _plain(settings.discord_ghosts_webhook_url):
        posts = client("Discord", "", "discord", seconds=discord.ANSWER_SECONDS)
        gallery = discord.DiscordGallery(posts, webhook)
        wired.gallery, wired.webhook = gallery, gallery
    if dev_place:
        _stand_in(wired, dev_place)
    return wired


def _bucket_location(settings: Settings) -> tuple[str, ...] | None:
    """Give the fields of `BucketLocation`; None where there is no bucket."""
    names = settings.spaces_bucket_name, settings.spaces_region_name, settings.spaces_endpoint_url
    keys = _plain(settings.spaces_access_key_id), _plain(settings.spaces_secret_key)
    found = tuple(part for part in (*names, *keys) if part is not None)
    return (*found, settings.spaces_acl) if len(found) == len(names + keys) else None


def _stand_in(wired: Neighbours, dev_place: DevPlace) -> None:
    """Take a stand-in for whoever is missing; what it makes is served under `/local`."""
    # Imported here: Pillow takes much memory, and a server paints nothing itself.
    from showtime_adapters.local.painter import LocalPainter  # noqa: PLC0415

    ghosts, posts = LocalFolder(dev_place.data_dir / "ghosts"), LocalFolder(dev_place.data_dir / "gallery")
    gallery = LocalGallery(posts)
    wired.painter = wired.painter or LocalPainter()
    wired.bucket = wired.bucket or LocalBucket(ghosts, f"{dev_place.url}/local/ghosts")
    wired.gallery = wired.gallery or gallery
    wired.routes.append(local.router(ghosts.read, posts.read, gallery.page))


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

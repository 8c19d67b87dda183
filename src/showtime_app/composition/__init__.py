"""The composition root: the only package that names adapters."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from attrs import evolve
from pydantic import SecretStr

from showtime_adapters import auth
from showtime_adapters.http_client import NeighbourClient, Telemetry
from showtime_adapters.local.tokens import TokenIssuer
from showtime_adapters.postgres.migrations import migrate
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.sessions import PostgresOneTimeCodes
from showtime_adapters.postgres.show.secret_store import PostgresShowSecrets
from showtime_app.composition import postgres, preflight, twitch
from showtime_app.composition.neighbours import DevPlace, wire_neighbours
from showtime_app.composition.ports import Ports
from showtime_app.composition.service import build_service
from showtime_app.config import Settings
from showtime_app.dev_file import DevFile
from showtime_app.metrics import Metrics
from showtime_app.server import Server
from showtime_app.simulate.cast import CHANNEL, viewer
from showtime_app.web.middleware import request_id
from showtime_core.domain.sessions import CodePurpose, OneTimeCode
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret, spell_secret
from showtime_core.domain.viewers import Role, Viewer
from showtime_core.ports import Authenticator
from showtime_core.texts import digest_of
from showtime_core.use_cases.preflight import RunPreflight

migrate_up = migrate.migrate_up
migrate_down = migrate.migrate_down
migration_status = migrate.status
embedded_database = postgres.embedded_database
open_database = postgres.open_database
open_decide_parked = postgres.open_decide_parked
replay = postgres.replay
export_night = postgres.export_night
import_night = postgres.import_night
set_vod_url = postgres.set_vod_url
open_twitch = twitch.open_twitch


def live(settings: Settings) -> Server:
    """Make the service for a channel, from its settings."""
    metrics = Metrics()
    return build_service(settings, _ports(settings, settings.conninfo, metrics), metrics)


def dev(settings: Settings, conninfo: str, dev_file: DevFile, data_dir: Path) -> Server:
    """Make the service for a laptop: every feature is on, and tokens are our own where the database is."""
    from showtime_app.simulate.messages import Address  # noqa: PLC0415 - a laptop alone needs what simulates
    from showtime_app.simulate.panel import SimulationPanel  # noqa: PLC0415 - as above

    changes: dict[str, object] = {
        "instance_role": "all",  # a laptop has one instance
        "twitch_webhook_secret": (SecretStr(dev_file.webhook_secret), *settings.twitch_webhook_secret),
    }
    if "chat_source" not in settings.model_fields_set:  # what is simulated comes by EventSub
        changes["chat_source"] = "eventsub"
    settings, metrics = settings.model_copy(update=changes), Metrics()
    dev_place = DevPlace(data_dir, dev_file.url)
    ports = _ports(settings, conninfo, metrics, dev_file.token_secret, dev_place)
    callback = Address(f"{dev_file.url}/callback", dev_file.webhook_secret)
    return build_service(settings, evolve(ports, simulation=SimulationPanel(callback)), metrics)


@asynccontextmanager
async def open_preflight(
    settings: Settings, conninfo: str, data_dir: Path | None = None
) -> AsyncIterator[RunPreflight]:
    """Try links beside the servers that may run; of a laptop's, where its folder is given."""
    dev_place = DevPlace(data_dir, "") if data_dir else None
    secret = DevFile.read(data_dir).token_secret if data_dir else None
    ports = _ports(settings, conninfo, Metrics(), secret, dev_place)
    async with preflight.opened(settings, ports) as use_case:
        yield use_case


def issue_local_token(secret: str, viewer: Viewer, role: Role) -> str:
    """Issue a bearer token that `showtime dev` accepts."""
    return TokenIssuer(secret).issue(viewer, role)


async def keep_overlay_secret(conninfo: str, token_secret: str) -> str:
    """See that the secret of the laptop's own overlay holds, and give it: it is the same from run to run."""
    secret = spell_secret(SecretKind.OVERLAY, hmac.digest(token_secret.encode(), b"overlay", "sha256").hex())
    async with make_pool(conninfo, autocommit=True) as pool:
        kept = PostgresShowSecrets(pool)
        if await kept.find(digest_of(secret)) is None:
            await kept.add(ShowSecret(uuid4(), SecretKind.OVERLAY, "showtime dev"), digest_of(secret))
    return secret


async def keep_pairing_code(conninfo: str, code: str) -> None:
    """Let this code pair one phone with `showtime dev`, within ten minutes."""
    async with make_pool(conninfo, autocommit=True) as pool:
        await PostgresOneTimeCodes(pool).keep(digest_of(code), OneTimeCode(CodePurpose.PAIRING))


def _ports(
    settings: Settings,
    conninfo: str,
    metrics: Metrics,
    token_secret: str | None = None,
    dev_place: DevPlace | None = None,
) -> Ports:
    """Give what the settings name; without a secret for tokens of our own auth tells who bears a token.

    A laptop is harmless: it makes itself what the settings do not name, and changes nothing at Twitch.
    """

    def telemetry(neighbour: str) -> Telemetry:
        return Telemetry(request_id.current, metrics.neighbour(neighbour))

    storage = postgres.postgres_storage(conninfo, timedelta(days=settings.retention_days))
    app = settings.twitch_app
    neighbours = wire_neighbours(settings, storage.ledger, storage.require_alive, telemetry, dev_place)
    authenticator: Authenticator
    if token_secret:
        authenticator, look_up_keys = TokenIssuer(token_secret), None
    else:
        client = NeighbourClient("auth", settings.auth_url, telemetry("auth"), seconds=auth.ANSWER_SECONDS)
        service = auth.AuthService(neighbours.connect(client))
        authenticator, look_up_keys = service, service.look_up_keys
    return Ports(
        storage=storage,
        neighbours=neighbours,
        authenticator=authenticator,
        identity_provider=twitch.open_sign_in(settings, neighbours, telemetry("twitch")),
        local_host=viewer(settings.twitch_channel_name or CHANNEL) if token_secret else None,
        twitch=partial(open_twitch, settings, app, telemetry("twitch")) if app and not dev_place else None,
        look_up_keys=look_up_keys,
        read_chat=twitch.irc_reader(settings, storage, app),
    )

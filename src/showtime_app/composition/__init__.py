"""The composition root: the only package that names adapters."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from showtime_adapters.local.tokens import TokenIssuer
from showtime_adapters.postgres.history import PostgresHistory
from showtime_adapters.postgres.migrations import migrate
from showtime_adapters.postgres.pool import make_pool
from showtime_app.composition.neighbours import DevPlace
from showtime_app.composition.parked import open_decide_parked
from showtime_app.composition.service import compose
from showtime_app.composition.twitch import open_database, open_twitch
from showtime_app.config import Settings
from showtime_app.dev_file import DevFile
from showtime_app.server import Server
from showtime_core.domain.viewers import Role, Viewer
from showtime_core.errors import Unavailable

__all__ = [
    "dev",
    "embedded_database",
    "issue_local_token",
    "live",
    "migrate_down",
    "migrate_up",
    "migration_status",
    "open_database",
    "open_decide_parked",
    "open_twitch",
    "set_vod_url",
]

migrate_up = migrate.migrate_up
migrate_down = migrate.migrate_down
migration_status = migrate.status


def live(settings: Settings) -> Server:
    """Wire the service for a channel, from its settings."""
    return compose(settings, settings.conninfo, settings.webhook_secrets)


def dev(settings: Settings, conninfo: str, dev_file: DevFile, data_dir: Path) -> Server:
    """Wire the service for a laptop: every feature is on, and tokens are our own where the database is."""
    secrets = (dev_file.webhook_secret, *settings.webhook_secrets)
    if "chat_source" not in settings.model_fields_set:  # what is simulated comes by EventSub
        settings = settings.model_copy(update={"chat_source": "eventsub"})
    dev_place = DevPlace(data_dir, dev_file.url)
    return compose(settings, conninfo, secrets, dev_file.token_secret, dev_place)


@contextmanager
def embedded_database(data_dir: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own in this folder; gives its connection string. Raises Unavailable."""
    if find_spec("fcntl") is None:
        raise Unavailable(
            "there is no embedded PostgreSQL on Windows: run a PostgreSQL of your own, and name it by PGHOST,"
            " PGUSER, PGPASSWORD and PGDATABASE"
        )
    from showtime_adapters.postgres.embedded.database import EmbeddedPostgres  # noqa: PLC0415 - Unix alone has it

    with EmbeddedPostgres.start(data_dir) as server:
        yield server.conninfo


async def set_vod_url(conninfo: str, broadcast_id: int, url: str) -> None:
    """Keep where the recording of a night is; raises NotFound, or Unavailable."""
    async with make_pool(conninfo, max_size=1) as pool:
        await PostgresHistory(pool).set_vod_url(broadcast_id, url)


def issue_local_token(secret: str, viewer: Viewer, role: Role) -> str:
    """Issue a bearer token that `showtime dev` accepts."""
    return TokenIssuer(secret).issue(viewer, role)

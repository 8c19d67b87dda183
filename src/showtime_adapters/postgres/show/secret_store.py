"""Secrets of overlays and hotkeys in PostgreSQL, by their digests."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from attrs import frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.pool import Connection, by_name, connected, fetch_all, fetch_one, fetch_value
from showtime_adapters.postgres.show.statements import NOTIFY
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.errors import NotFound

# Keeps a secret, and begins the queue with the first one of an overlay: with what is told from now on.
_ADD: LiteralString = """
    with begun as (
        update showtime.show set cursor = (select last_feed_id from showtime.channel)
        where %(kind)s = 'overlay' and cursor is null
    )
    insert into showtime.show_secret (id, kind, name, digest, made_at)
    values (%(id)s, %(kind)s, %(name)s, %(digest)s, clock_timestamp())
    returning id, kind, name, made_at
"""
_ALL: LiteralString = "select id, kind, name, made_at from showtime.show_secret order by made_at, id"
_OF_DIGEST: LiteralString = "select id, kind, name, made_at from showtime.show_secret where digest = %s"
_WITHDRAW: LiteralString = "delete from showtime.show_secret where id = %s returning id"


@frozen
class PostgresShowSecrets:
    """Who may show and command what is on the screen; see `showtime_core.ports.ShowSecrets`."""

    pool: AsyncConnectionPool[Connection]

    async def add(self, secret: ShowSecret, digest: bytes) -> ShowSecret:
        """Keep a secret by its digest; the first of an overlay begins the queue."""
        kept = {"id": secret.id, "kind": secret.kind.value, "name": secret.name, "digest": digest}
        async with connected(self.pool) as connection:
            [row] = await fetch_all(connection, _ADD, by_name, kept)
            await connection.execute(NOTIFY)
        return _secret(row)

    async def list_all(self) -> Sequence[ShowSecret]:
        """List those that hold, the oldest first."""
        async with connected(self.pool) as connection:
            return [_secret(row) for row in await fetch_all(connection, _ALL, by_name)]

    async def withdraw(self, secret_id: UUID) -> None:
        """Let a secret hold no longer."""
        async with connected(self.pool) as connection:
            if await fetch_value(connection, _WITHDRAW, [secret_id]) is None:
                raise NotFound("no such secret")

    async def find(self, digest: bytes) -> ShowSecret | None:
        """Find the secret of this digest that holds."""
        async with connected(self.pool) as connection:
            row = await fetch_one(connection, _OF_DIGEST, by_name, [digest])
        return _secret(row) if row else None


def _secret(row: Any) -> ShowSecret:  # noqa: ANN401 - a named tuple
    return ShowSecret(row.id, SecretKind(row.kind), row.name, row.made_at)

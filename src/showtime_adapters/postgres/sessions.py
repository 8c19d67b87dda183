"""Who is signed in, in PostgreSQL: sessions, the moderators, and one-time codes; times by its clock."""

import logging
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from attrs import frozen

from showtime_adapters.postgres.pool import (
    Pool,
    by_name,
    columns,
    connected,
    fetch_all,
    fetch_one,
    fetch_value,
)
from showtime_core.domain.sessions import (
    CODE_TIME,
    EXTEND_EVERY,
    IDLE_TIME,
    LONGEST_SESSION,
    CodePurpose,
    Host,
    HostRole,
    Moderator,
    OneTimeCode,
    Session,
    SignInWay,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotAllowed, NotFound, Unavailable

_log = logging.getLogger(__name__)

# Opens a session in place of another, if there was one.
_OPEN: LiteralString = """
    with replaced as (delete from showtime.session where digest = %(replaced)s)
    insert into showtime.session (
        digest, way, viewer_id, login, display_name, moderator_id, opened_at, expires_at
    ) values (
        %(digest)s, %(way)s, %(id)s, %(login)s, %(display_name)s, %(moderator_id)s, clock_timestamp(),
        clock_timestamp() + %(idle)s
    )
"""

# Finds one that holds, and tells whether its end is to be put off.
_FIND: LiteralString = """
    select way, viewer_id, login, display_name, moderator_id,
           expires_at < least(clock_timestamp() + %(idle)s - %(every)s, opened_at + %(longest)s)
               as is_to_be_extended
    from showtime.session where digest = %(digest)s and expires_at > clock_timestamp()
"""
_EXTEND: LiteralString = """
    update showtime.session set expires_at = least(clock_timestamp() + %(idle)s, opened_at + %(longest)s)
    where digest = %(digest)s and expires_at > clock_timestamp()
"""
_CLOSE: LiteralString = "delete from showtime.session where digest = %s"

_NAME: LiteralString = """
    insert into showtime.moderator (id, login, display_name, named_at)
    values (%(id)s, %(login)s, %(display_name)s, clock_timestamp())
    on conflict (id) do update set login = excluded.login, display_name = excluded.display_name
    returning id, login, display_name, named_at
"""
_MODERATORS: LiteralString = (
    "select id, login, display_name, named_at from showtime.moderator order by named_at, id"
)
_IS_NAMED: LiteralString = "select exists (select from showtime.moderator where id = %s)"
_WITHDRAW: LiteralString = "delete from showtime.moderator where id = %s returning id"

# Keeps a code, and lets those go that nobody can use any more: there are never more than were made of late.
_KEEP: LiteralString = """
    with pruned as (delete from showtime.one_time_code where expires_at <= clock_timestamp())
    insert into showtime.one_time_code (digest, purpose, browser, leads_to, expires_at)
    values (%(digest)s, %(purpose)s, %(browser)s, %(leads_to)s, clock_timestamp() + %(time)s)
"""
_TAKE: LiteralString = """
    delete from showtime.one_time_code where digest = %s and purpose = %s
    returning purpose, browser, leads_to, expires_at > clock_timestamp() as holds
"""
_LIMITS = {"idle": IDLE_TIME, "every": EXTEND_EVERY, "longest": LONGEST_SESSION}


@frozen
class PostgresSessions:
    """The hosts who are signed in; see `showtime_core.ports.Sessions`."""

    pool: Pool

    async def open(self, digest: bytes, session: Session, replaced: bytes | None = None) -> None:
        """Let somebody be signed in."""
        viewer, role = session.host.viewer, session.host.role
        kept = columns(viewer, "id", "login", "display_name") | {
            "digest": digest,
            "way": session.way.value,
            "moderator_id": viewer.id if role is HostRole.MODERATOR else None,
            "replaced": replaced,
            "idle": IDLE_TIME,
        }
        async with connected(self.pool) as connection:
            try:
                await connection.execute(_OPEN, kept)
            except psycopg.errors.ForeignKeyViolation:
                raise NotAllowed("the moderator was withdrawn") from None

    async def find(self, digest: bytes) -> Session | None:
        """Find the session of this digest that holds; that its end cannot be put off now does no harm."""
        wanted = _LIMITS | {"digest": digest}
        row = await fetch_one(self.pool, _FIND, by_name, wanted)
        if row and row.is_to_be_extended:
            try:
                async with connected(self.pool) as connection:
                    await connection.execute(_EXTEND, wanted)
            except Unavailable as reason:
                _log.warning("the end of a session was not put off: %s", reason)
        return _session(row) if row else None

    async def close(self, digest: bytes) -> None:
        """End a session."""
        async with connected(self.pool) as connection:
            await connection.execute(_CLOSE, [digest])


@frozen
class PostgresModerators:
    """The moderators whom the broadcaster has named; see `showtime_core.ports.Moderators`."""

    pool: Pool

    async def add(self, viewer: Viewer) -> Moderator:
        """Name a moderator."""
        [row] = await fetch_all(self.pool, _NAME, by_name, columns(viewer, "id", "login", "display_name"))
        return _moderator(row)

    async def list_all(self) -> Sequence[Moderator]:
        """List them, the longest named first."""
        return [_moderator(row) for row in await fetch_all(self.pool, _MODERATORS, by_name)]

    async def is_named(self, user_id: str) -> bool:
        """Tell whether a user is a moderator."""
        return bool(await fetch_value(self.pool, _IS_NAMED, [user_id]))

    async def withdraw(self, user_id: str) -> None:
        """Let a user be a moderator no longer; the sessions go with the row."""
        if await fetch_value(self.pool, _WITHDRAW, [user_id]) is None:
            raise NotFound("no such moderator")


@frozen
class PostgresOneTimeCodes:
    """What is accepted once; see `showtime_core.ports.OneTimeCodes`."""

    pool: Pool

    async def keep(self, digest: bytes, code: OneTimeCode) -> None:
        """Keep a code by its digest."""
        kept = columns(code, "purpose", "browser", "leads_to") | {"digest": digest, "time": CODE_TIME}
        async with connected(self.pool) as connection:
            await connection.execute(_KEEP, kept)

    async def take(self, digest: bytes, purpose: CodePurpose) -> OneTimeCode | None:
        """Use a code."""
        row = await fetch_one(self.pool, _TAKE, by_name, [digest, purpose.value])
        return OneTimeCode(CodePurpose(row.purpose), row.browser, row.leads_to) if row and row.holds else None


def _session(row: Any) -> Session:  # noqa: ANN401 - a named tuple
    role = HostRole.MODERATOR if row.moderator_id else HostRole.BROADCASTER
    viewer = Viewer(row.viewer_id, row.login, row.display_name)
    return Session(Host(viewer, role), SignInWay(row.way))


def _moderator(row: Any) -> Moderator:  # noqa: ANN401 - a named tuple
    return Moderator(Viewer(row.id, row.login, row.display_name), row.named_at)

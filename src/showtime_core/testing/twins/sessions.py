"""Who is signed in, in memory: sessions, the moderators, and one-time codes."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from attrs import define, evolve, field

from showtime_core.domain.sessions import (
    CODE_TIME,
    EXTEND_EVERY,
    IDLE_TIME,
    LONGEST_SESSION,
    CodePurpose,
    HostRole,
    Moderator,
    OneTimeCode,
    Session,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotAllowed, NotFound


@define
class MemoryModerators:
    """The moderators of a channel; see `showtime_core.ports.Moderators`."""

    clock: Callable[[], datetime] = partial(datetime.now, UTC)
    named: dict[str, Moderator] = field(factory=dict)

    async def add(self, viewer: Viewer) -> Moderator:
        """Name a moderator."""
        known = self.named.get(viewer.id)
        moderator = evolve(known, viewer=viewer) if known else Moderator(viewer, self.clock())
        self.named[viewer.id] = moderator
        return moderator

    async def list_all(self) -> Sequence[Moderator]:
        """List them, the longest named first."""
        return [*self.named.values()]

    async def is_named(self, user_id: str) -> bool:
        """Tell whether a user is a moderator."""
        return user_id in self.named

    async def withdraw(self, user_id: str) -> None:
        """Let a user be a moderator no longer."""
        if self.named.pop(user_id, None) is None:
            raise NotFound("no such moderator")


@define
class _OpenSession:
    session: Session
    opened_at: datetime
    expires_at: datetime


@define
class MemorySessions:
    """The sessions of a channel with these moderators; see `showtime_core.ports.Sessions`."""

    moderators: MemoryModerators
    kept: dict[bytes, _OpenSession] = field(factory=dict)

    async def open(self, digest: bytes, session: Session, replaced: bytes | None = None) -> None:
        """Let somebody be signed in."""
        if not self._is_named(session):
            raise NotAllowed("the moderator was withdrawn")
        if replaced is not None:
            self.kept.pop(replaced, None)
        now = self.moderators.clock()
        self.kept[digest] = _OpenSession(session, now, now + IDLE_TIME)

    async def find(self, digest: bytes) -> Session | None:
        """Find the session of this digest that holds."""
        self.kept = {each: kept for each, kept in self.kept.items() if self._is_named(kept.session)}
        found, now = self.kept.get(digest), self.moderators.clock()
        if found is None or found.expires_at <= now:
            return None
        if found.expires_at < now + IDLE_TIME - EXTEND_EVERY:
            found.expires_at = min(now + IDLE_TIME, found.opened_at + LONGEST_SESSION)
        return found.session

    async def close(self, digest: bytes) -> None:
        """End a session."""
        self.kept.pop(digest, None)

    def _is_named(self, session: Session) -> bool:
        host = session.host
        return host.role is not HostRole.MODERATOR or host.viewer.id in self.moderators.named


@define
class MemoryOneTimeCodes:
    """What is accepted once; see `showtime_core.ports.OneTimeCodes`."""

    clock: Callable[[], datetime] = partial(datetime.now, UTC)
    kept: dict[bytes, tuple[OneTimeCode, datetime]] = field(factory=dict)

    async def keep(self, digest: bytes, code: OneTimeCode) -> None:
        """Keep a code by its digest."""
        self.kept[digest] = code, self.clock() + CODE_TIME

    async def take(self, digest: bytes, purpose: CodePurpose) -> OneTimeCode | None:
        """Use a code."""
        code, expires_at = self.kept.get(digest, (None, self.clock()))
        if code is None or code.purpose is not purpose:
            return None
        del self.kept[digest]
        return code if self.clock() < expires_at else None

"""What every store of sessions, moderators and one-time codes keeps to: to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

from showtime_core.domain.sessions import (
    CodePurpose,
    Host,
    HostRole,
    OneTimeCode,
    Session,
    SignInWay,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotAllowed, NotFound
from showtime_core.ports import Moderators, OneTimeCodes, Sessions

IDLE_TIME, LONGEST_SESSION = timedelta(days=30), timedelta(days=180)
CODE_TIME = timedelta(minutes=10)
_MOMENT = timedelta(minutes=1)
"""More than a busy machine takes for a step."""
HOST = Viewer("953753877", "goldenvcr", "GoldenVCR")
MODERATOR = Viewer("31337", "tapehead", "TapeHead")
OF_THE_HOST = Session(Host(HOST, HostRole.BROADCASTER), SignInWay.TWITCH)
OF_THE_MODERATOR = Session(Host(MODERATOR, HostRole.MODERATOR), SignInWay.TWITCH)


@frozen
class SessionsStage:
    """What is kept, on two instances, and a clock that can be set forward."""

    sessions: Sessions
    elsewhere: Sessions
    moderators: Moderators
    codes: OneTimeCodes
    codes_elsewhere: OneTimeCodes
    wait: Callable[[timedelta], Coroutine[Any, Any, None]]
    """Lets time pass."""


class SessionsContract:
    """The rules of `showtime_core.ports.Sessions`, `Moderators` and `OneTimeCodes`."""

    @pytest.fixture
    async def stage(self) -> SessionsStage:
        """Give a stage; to be overridden."""
        raise NotImplementedError

    async def test_a_session_holds_on_every_instance(self, stage: SessionsStage) -> None:
        """A session is known on each instance, by its digest alone, until it is closed on any."""
        await stage.sessions.open(b"a", OF_THE_HOST)
        assert await stage.elsewhere.find(b"a") == OF_THE_HOST
        assert await stage.sessions.find(b"b") is None
        await stage.elsewhere.close(b"a")
        await stage.elsewhere.close(b"a")
        assert await stage.sessions.find(b"a") is None

    async def test_a_session_that_is_not_used_ends(self, stage: SessionsStage) -> None:
        """Thirty days without use end a session; a use within them lets it hold for thirty more."""
        await stage.sessions.open(b"idle", OF_THE_HOST)
        await stage.sessions.open(b"used", OF_THE_HOST)
        await stage.wait(IDLE_TIME - _MOMENT)
        assert await stage.sessions.find(b"used") == OF_THE_HOST
        await stage.wait(_MOMENT * 2)
        assert await stage.sessions.find(b"idle") is None
        await stage.wait(IDLE_TIME - _MOMENT * 4)
        assert await stage.sessions.find(b"used") == OF_THE_HOST

    async def test_no_session_holds_for_ever(self, stage: SessionsStage) -> None:
        """However often it is used, a session ends after 180 days."""
        await stage.sessions.open(b"a", OF_THE_HOST)
        step = timedelta(days=20)
        for _ in range(LONGEST_SESSION // step - 1):
            await stage.wait(step)
            assert await stage.sessions.find(b"a") == OF_THE_HOST
        await stage.wait(step - _MOMENT)
        assert await stage.sessions.find(b"a") == OF_THE_HOST
        await stage.wait(_MOMENT * 2)
        assert await stage.sessions.find(b"a") is None

    async def test_a_session_takes_the_place_of_another(self, stage: SessionsStage) -> None:
        """The session that a new one replaces holds no longer, and any other does."""
        await stage.sessions.open(b"a", OF_THE_HOST)
        await stage.sessions.open(b"other", OF_THE_HOST)
        await stage.elsewhere.open(b"b", OF_THE_HOST, replaced=b"a")
        found = [await stage.sessions.find(digest) for digest in (b"a", b"b", b"other")]
        assert found == [None, OF_THE_HOST, OF_THE_HOST]

    async def test_a_moderator_who_is_withdrawn_is_signed_out(self, stage: SessionsStage) -> None:
        """Sessions of a moderator end when the moderator is withdrawn, and do not hold again afterwards."""
        with pytest.raises(NotAllowed):
            await stage.sessions.open(b"a", OF_THE_MODERATOR)
        await stage.moderators.add(MODERATOR)
        await stage.sessions.open(b"a", OF_THE_MODERATOR)
        await stage.sessions.open(b"host", OF_THE_HOST)
        assert await stage.elsewhere.find(b"a") == OF_THE_MODERATOR
        await stage.moderators.withdraw(MODERATOR.id)
        assert await stage.elsewhere.find(b"a") is None
        await stage.moderators.add(MODERATOR)
        assert await stage.elsewhere.find(b"a") is None
        assert await stage.sessions.find(b"host") == OF_THE_HOST

    async def test_moderators_are_known_by_their_ids(self, stage: SessionsStage) -> None:
        """A moderator is named once, under whatever login, and is found by the id."""
        first = await stage.moderators.add(MODERATOR)
        assert first.viewer == MODERATOR
        renamed = Viewer(MODERATOR.id, "rewinder", "")
        again = await stage.moderators.add(renamed)
        assert (again.viewer, again.named_at) == (renamed, first.named_at)
        assert await stage.moderators.list_all() == [again]
        assert await stage.moderators.is_named(MODERATOR.id)
        assert not await stage.moderators.is_named(MODERATOR.login)
        await stage.moderators.withdraw(MODERATOR.id)
        with pytest.raises(NotFound, match="no such moderator"):
            await stage.moderators.withdraw(MODERATOR.id)
        assert await stage.moderators.list_all() == []

    async def test_a_code_is_taken_once(self, stage: SessionsStage) -> None:
        """A code is given to one taker, on whichever instance, for its own purpose alone."""
        code = OneTimeCode(CodePurpose.SIGN_IN, b"browser", "/console")
        await stage.codes.keep(b"a", code)
        assert await stage.codes_elsewhere.take(b"a", CodePurpose.PAIRING) is None
        takers = [codes.take(b"a", CodePurpose.SIGN_IN) for codes in (stage.codes, stage.codes_elsewhere) * 3]
        taken = await asyncio.gather(*takers)
        assert [each for each in taken if each] == [code]
        assert await stage.codes.take(b"b", CodePurpose.SIGN_IN) is None

    async def test_a_code_is_taken_soon(self, stage: SessionsStage) -> None:
        """A code is accepted for ten minutes, and no longer."""
        code = OneTimeCode(CodePurpose.PAIRING)
        await stage.codes.keep(b"in time", code)
        await stage.codes.keep(b"too late", code)
        await stage.wait(CODE_TIME - _MOMENT)
        assert await stage.codes.take(b"in time", CodePurpose.PAIRING) == code
        await stage.wait(_MOMENT * 2)
        assert await stage.codes.take(b"too late", CodePurpose.PAIRING) is None

"""What memory keeps of who is signed in, it keeps by the rules of the port."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import define

from showtime_core.testing.contracts.sessions import SessionsContract, SessionsStage
from showtime_core.testing.contracts.tokens import HOST, IdentityProviderContract, IdentityProviderStage
from showtime_core.testing.twins.identity import MemoryIdentityProvider
from showtime_core.testing.twins.sessions import MemoryModerators, MemoryOneTimeCodes, MemorySessions


@define
class Clock:
    now: datetime = datetime(2026, 10, 30, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    async def wait(self, time: timedelta) -> None:
        self.now += time


class TestMemorySessions(SessionsContract):
    """The contract of sessions, in memory."""

    @pytest.fixture
    async def stage(self) -> SessionsStage:
        clock = Clock()
        moderators, codes = MemoryModerators(clock), MemoryOneTimeCodes(clock)
        sessions = MemorySessions(moderators)
        return SessionsStage(sessions, sessions, moderators, codes, codes, clock.wait)


class TestMemoryIdentityProvider(IdentityProviderContract):
    """The contract of where one signs in, in memory."""

    @pytest.fixture
    def stage(self) -> IdentityProviderStage:
        provider = MemoryIdentityProvider({HOST.login: HOST}, {})

        def consent(_):
            provider.codes["code"] = HOST
            return "code"

        return IdentityProviderStage(provider, consent, lambda: setattr(provider, "is_away", True))

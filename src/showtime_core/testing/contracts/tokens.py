"""What tells who somebody is keeps to these rules: suites to be mixed into classes of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import frozen

from showtime_core.domain.viewers import Identity, Role, Viewer
from showtime_core.errors import NotAuthenticated, NotFound, Refused, Unavailable
from showtime_core.ports import Authenticator, IdentityProvider

HOST = Viewer("953753877", "goldenvcr", "GoldenVCR")
VIEWER = Viewer("31337", "tapehead", "TapeHead")
ODD_TOKENS = ["", " ", "no token", "Bearer x", "a.b.c", "é", "\0", "x\r\ny: z", "x" * 5000, "e30.e30.e30"]


@frozen
class AuthenticatorStage:
    """Who knows tokens, and tokens of `HOST` and of `VIEWER`."""

    authenticator: Authenticator
    of_the_host: str
    of_the_viewer: str
    forged: str
    """Is like one, and was never issued."""


class AuthenticatorContract:
    """The rules of `showtime_core.ports.Authenticator`."""

    async def test_a_token_tells_who_bears_it(self, stage: AuthenticatorStage) -> None:
        """A token tells its bearer and the bearer's role, as often as it is shown."""
        for _ in range(2):
            told = await stage.authenticator.identify(stage.of_the_host)
            assert told == Identity(HOST, Role.BROADCASTER)
            assert await stage.authenticator.identify(stage.of_the_viewer) == Identity(VIEWER, Role.VIEWER)

    @pytest.mark.parametrize("odd", ODD_TOKENS, ids=range(len(ODD_TOKENS)))
    async def test_what_is_no_token_is_nobody_s(self, stage: AuthenticatorStage, odd: str) -> None:
        """Whatever is no token is NotAuthenticated, whatever signs are in it."""
        with pytest.raises(NotAuthenticated):
            await stage.authenticator.identify(odd)

    async def test_no_part_of_a_token_is_enough(self, stage: AuthenticatorStage) -> None:
        """A forged token, one that lacks an end, and one with more behind it are NotAuthenticated."""
        for wrong in (stage.forged, stage.of_the_host[:-4], stage.of_the_host + "AAAA"):
            with pytest.raises(NotAuthenticated):
                await stage.authenticator.identify(wrong)


@frozen
class RemoteAuthenticatorStage(AuthenticatorStage):
    """The same where somebody is asked."""

    go_away: Callable[[], None]
    """Lets nobody be answered."""


class RemoteAuthenticatorContract(AuthenticatorContract):
    """The same for one that asks somebody else."""

    async def test_while_nobody_can_tell_nobody_is_let_in_or_sent_away(
        self, stage: RemoteAuthenticatorStage
    ) -> None:
        """Where it takes somebody who is away to tell, it is Unavailable, and not NotAuthenticated."""
        stage.go_away()
        for token in (stage.of_the_host, stage.forged):
            with pytest.raises(Unavailable):
                await stage.authenticator.identify(token)


@frozen
class IdentityProviderStage:
    """Where somebody signs in, and what happens there."""

    provider: IdentityProvider
    consent: Callable[[str], str]
    """Lets `HOST` sign in at a URL; gives the code with which the browser comes back."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""


class IdentityProviderContract:
    """The rules of `showtime_core.ports.IdentityProvider`."""

    @pytest.mark.parametrize("state", ["0123456789abcdef", "a&b=c #é+%"])
    async def test_the_state_comes_with_the_url(self, stage: IdentityProviderStage, state: str) -> None:
        """The URL at which somebody signs in is absolute and has the state, whatever signs are in it."""
        url = urlsplit(stage.provider.authorization_url(state))
        assert url.scheme
        assert url.netloc
        assert parse_qs(url.query)["state"] == [state]

    async def test_a_code_tells_who_has_signed_in_once(self, stage: IdentityProviderStage) -> None:
        """A code tells who has signed in, with all names; used again it is Refused."""
        code = stage.consent(stage.provider.authorization_url("state"))
        told = await stage.provider.identify(code)
        assert (told.id, told.login, told.display_name.lower()) == (HOST.id, HOST.login, HOST.login)
        with pytest.raises(Refused):
            await stage.provider.identify(code)

    @pytest.mark.parametrize("code", ["", "forged", "é", "x" * 2000])
    async def test_a_code_that_nobody_gave_is_refused(self, stage: IdentityProviderStage, code: str) -> None:
        """A code that was never given is Refused."""
        with pytest.raises(Refused):
            await stage.provider.identify(code)

    async def test_a_user_is_found_by_login(self, stage: IdentityProviderStage) -> None:
        """A user is found by login in whatever case it is written; there is none of another: NotFound."""
        for login in (HOST.login, HOST.display_name):
            found = await stage.provider.find_user(login)
            assert (found.id, found.login) == (HOST.id, HOST.login)
        for nobody in ("nobody_here", "", "no body", "x" * 26, "é", "\0"):
            with pytest.raises(NotFound):
                await stage.provider.find_user(nobody)

    async def test_while_it_is_away_nobody_is_refused(self, stage: IdentityProviderStage) -> None:
        """While it is away it is Unavailable: no code counts as wrong, and nobody as unknown."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.provider.identify("code")
        with pytest.raises(Unavailable):
            await stage.provider.find_user(VIEWER.login)

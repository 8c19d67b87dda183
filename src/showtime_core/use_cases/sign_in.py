"""Signing in: with Twitch, or at `showtime dev` by a click or by a code that pairs a phone.

Whoever calls draws the tokens, states and codes: each is random, of 60 bits at least, and known to one
browser alone. They are kept by their digests.
"""

import hmac

from attrs import frozen

from showtime_core.domain.sessions import (
    CodePurpose,
    Host,
    HostRole,
    Moderator,
    OneTimeCode,
    Session,
    SignInWay,
    check_own_path,
    host_role,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotAllowed, NotAuthenticated, NotFound, Refused
from showtime_core.ports import IdentityProvider, Moderators, OneTimeCodes, Sessions
from showtime_core.texts import digest_of

SESSION_ENDED = "the session is not known, or has ended: sign in again"
"""Told to whoever brings a token that opens nothing."""
STATE_NOT_KNOWN = (
    "this answer of Twitch belongs to no sign-in of this browser, was used, or is older than ten minutes:"
    " sign in again"
)
"""Told to a browser that brings a state which is not its own, or not good any more."""
DECLINED = "the sign-in was declined at Twitch"
"""Told to whoever comes back from Twitch without a code."""
CODE_NOT_KNOWN = (
    "the code is not known, was used, or is older than ten minutes:"
    " start `showtime dev --lan` again, and scan the new one"
)
"""Told to whoever brings a pairing code that is not accepted."""
ONLY_IN_DEV = "only `showtime dev` lets somebody in without Twitch"
"""Told where one signs in with Twitch, or not at all."""


@frozen
class TwitchReply:
    """What a browser brings back from Twitch."""

    state: str
    browser: str
    """What this browser was given when the sign-in began; empty: it has nothing."""
    code: str = ""
    error: str = ""
    """Twitch's word for what went wrong, in place of the code."""


@frozen
class NewToken:
    """The token that a browser gets by signing in, and the one that it had, which it replaces."""

    token: str
    replaced: str | None = None


@frozen
class SignIn:
    """Lets hosts sign in, and tells who they are; each method raises Unavailable."""

    sessions: Sessions
    moderators: Moderators
    codes: OneTimeCodes
    channel: str = ""
    """The broadcaster's login at Twitch."""
    provider: IdentityProvider | None = None
    """Twitch; None: nobody signs in there."""
    local_host: Viewer | None = None
    """As whom one is let in without Twitch, on a laptop; None: nobody is."""
    why_not: str = "sign-in with Twitch is not set up"
    """Told where there is no provider, for people."""

    @property
    def way(self) -> SignInWay | None:
        """How one signs in here; None: not at all."""
        if self.local_host:
            return SignInWay.LOCAL
        return SignInWay.TWITCH if self.provider else None

    async def begin(self, state: str, browser: str, leads_to: str) -> str:
        """Begin a sign-in, and give the URL at Twitch.

        Raises Refused for a path that may lead elsewhere, NotFound where Twitch is not set up.
        """
        provider, path = self._provider(), check_own_path(leads_to)
        code = OneTimeCode(CodePurpose.SIGN_IN, digest_of(browser), path)
        await self.codes.keep(digest_of(state), code)
        return provider.authorization_url(state)

    async def finish(self, reply: TwitchReply, token: NewToken) -> str:
        """Sign in whom Twitch has sent back, and give the path at which the browser is to end up.

        Raises Refused for what is not the answer to a sign-in of this browser, or for a code that Twitch does
        not accept; NotAllowed for whoever declines, or is neither the broadcaster nor a moderator; NotFound
        where Twitch is not set up.
        """
        provider = self._provider()
        begun = await self.codes.take(digest_of(reply.state), CodePurpose.SIGN_IN)
        if begun is None or not hmac.compare_digest(begun.browser or b"", digest_of(reply.browser)):
            raise Refused(STATE_NOT_KNOWN)
        if reply.error or not reply.code:
            raise NotAllowed(DECLINED)
        viewer = await provider.identify(reply.code)
        role = host_role(viewer, self.channel, is_named=await self.moderators.is_named(viewer.id))
        if role is None:
            raise NotAllowed(
                f"{viewer.name} is neither the broadcaster nor a moderator of this show: sign in to Twitch as"
                " another user, or ask the broadcaster to name you"
            )
        await self._open(Session(Host(viewer, role), SignInWay.TWITCH), token)
        return begun.leads_to

    async def let_in(self, token: NewToken) -> None:
        """Let somebody in as the broadcaster, on a laptop; raises NotFound anywhere else."""
        if self.local_host is None:
            raise NotFound(ONLY_IN_DEV)
        await self._open(Session(Host(self.local_host, HostRole.BROADCASTER), SignInWay.LOCAL), token)

    async def pair(self, code: str, token: NewToken) -> None:
        """Let in who brings a pairing code, as `let_in` does; raises NotAuthenticated for any other."""
        if self.local_host is None:
            raise NotFound(ONLY_IN_DEV)
        if await self.codes.take(digest_of(code), CodePurpose.PAIRING) is None:
            raise NotAuthenticated(CODE_NOT_KNOWN)
        await self.let_in(token)

    async def identify(self, token: str) -> Host:
        """Tell whose session it is; raises NotAuthenticated if it does not hold here."""
        session = await self.sessions.find(digest_of(token))
        if session is None or not self._holds_here(session):
            raise NotAuthenticated(SESSION_ENDED)
        return session.host

    async def sign_out(self, token: str) -> None:
        """End a session; nothing happens if it does not hold."""
        await self.sessions.close(digest_of(token))

    async def name_moderator(self, login: str) -> Moderator:
        """Name a moderator, who is known by the id from then on.

        Raises NotFound if Twitch has no user of this login, or is not set up.
        """
        return await self.moderators.add(await self._provider().find_user(login))

    def _provider(self) -> IdentityProvider:
        if self.provider is None:
            raise NotFound(self.why_not)
        return self.provider

    def _holds_here(self, session: Session) -> bool:
        """Tell whether a session was opened in a way that is accepted here, and for this channel."""
        if session.way is SignInWay.LOCAL:
            return self.local_host is not None
        is_of_the_channel = host_role(session.host.viewer, self.channel, is_named=False) is not None
        return self.provider is not None and (session.host.role is HostRole.MODERATOR or is_of_the_channel)

    async def _open(self, session: Session, token: NewToken) -> None:
        replaced = digest_of(token.replaced) if token.replaced else None
        await self.sessions.open(digest_of(token.token), session, replaced)

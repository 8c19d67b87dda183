"""Signing in with Twitch: the authorisation code flow with the client secret, for no scope at all.

Twitch supports no PKCE. Its token serves to learn whose it is, and is dropped: it permits nothing, and it
expires by itself. It is not revoked, so that Twitch cannot take that for the end of the consent that the
subscriptions of the broadcaster need.
"""

import asyncio
import re
from http import HTTPStatus
from typing import Any

from attrs import frozen

from showtime_adapters.twitch.helix import HelixChannels
from showtime_adapters.twitch.http import unexpected
from showtime_adapters.twitch.oauth import OAuth, read_token
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotAllowed, NotFound, ShowtimeError, Unavailable
from showtime_core.texts import clean

ANSWER_SECONDS = 20.0
"""How long Twitch may take in all: somebody waits for it."""
_NAME_SECONDS = 3.0
_MAX_NAME = 200
"""Far beyond what Twitch allows."""
_LOGIN = re.compile(r"[A-Za-z0-9_]{1,25}")
_ID = re.compile(r"[0-9]{1,20}")


@frozen
class TwitchSignIn:
    """Tells who somebody is who signs in with Twitch; see `showtime_core.ports.IdentityProvider`."""

    oauth: OAuth
    channels: HelixChannels
    redirect_uri: str
    """Where the browser comes back to, to the letter as it is registered at Twitch."""

    def authorization_url(self, state: str) -> str:
        """Give the URL at which somebody signs in."""
        # Asked each time, so that whoever is signed in as somebody else can say so.
        return self.oauth.authorization_url(state, self.redirect_uri, force_verify="true")

    async def identify(self, code: str) -> Viewer:
        """Tell whom a code stands for; raises NotAllowed for a token that is not our application's."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                granted = await self.oauth.exchange(code, self.redirect_uri)
                answer = await self.oauth.validate(read_token(granted, "who signs in"))
                if answer.status != HTTPStatus.OK:
                    raise unexpected(answer, "who signs in", "to tell who signs in")
                user_id, login = self._read(answer.body)
        except TimeoutError:
            raise Unavailable("Twitch does not answer in time: sign in again") from None
        return Viewer(user_id, login, await self._display_name(user_id, login))

    async def find_user(self, login: str) -> Viewer:
        """Find a user."""
        if not _LOGIN.fullmatch(login):
            raise NotFound("a login at Twitch has 1 to 25 letters, digits and underscores")
        try:
            user_id = await self.channels.user_id(login)
        except NotFound:
            raise NotFound(f"Twitch knows no user {login}") from None
        return Viewer(user_id, login.lower(), await self._display_name(user_id, login))

    def _read(self, said: Any) -> tuple[str, str]:  # noqa: ANN401 - whatever is in the JSON
        match said:
            case {"client_id": str(client_id), "user_id": str(user_id), "login": str(login)}:
                if client_id != self.oauth.credentials.client_id:
                    raise NotAllowed("the token of this sign-in was issued to another application")
                if _ID.fullmatch(user_id) and _LOGIN.fullmatch(login):
                    return user_id, login
        raise Unavailable("Twitch cannot be understood: who signs in")

    async def _display_name(self, user_id: str, login: str) -> str:
        """Tell the name as people see it; the login stands for it where Twitch does not tell in time."""
        try:
            async with asyncio.timeout(_NAME_SECONDS):
                return clean(await self.channels.display_name(user_id))[:_MAX_NAME]
        except (ShowtimeError, TimeoutError):
            return login

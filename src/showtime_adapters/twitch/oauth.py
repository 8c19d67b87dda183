"""The broadcaster's consent: by the authorisation code flow, or by a code that is typed in on any device.

Twitch remembers what was consented to for our application; the tokens that come with it are not needed, and
are not kept.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx
from attrs import frozen

from showtime_adapters.twitch.http import Credentials, RequestSender, TwitchAnswer, refused, unexpected
from showtime_core.domain.subscriptions import DeviceCode
from showtime_core.errors import NotAllowed, Refused, Unavailable

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_STILL_WAITING = ("authorization_pending", "slow_down")


@frozen
class OAuth:
    """What Twitch's OAuth is asked; whatever asks raises Unavailable if Twitch gives no answer."""

    auth_url: str
    credentials: Credentials
    sender: RequestSender

    def authorization_url(self, state: str, redirect_uri: str, scope: str = "", **more: str) -> str:
        """Tell where somebody is asked; the answer comes to `redirect_uri`, with the same state."""
        query = {
            "response_type": "code",
            "client_id": self.credentials.client_id,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "state": state,
            **more,
        }
        return str(httpx.URL(f"{self.auth_url}/authorize", params=query))

    async def exchange(self, code: str, redirect_uri: str) -> TwitchAnswer:
        """Exchange the code that a browser brought for a token; raises Refused if Twitch does not."""
        form = {
            "client_secret": self.credentials.client_secret,
            "code": code,
            "grant_type": "authorization_code",
            "redirect_uri": redirect_uri,
        }
        answer = await self.post("/token", form)
        if answer.status != HTTPStatus.OK:
            raise refused(answer, "the code that the browser brought")
        return answer

    async def validate(self, token: str) -> TwitchAnswer:
        """Ask whose token this is."""
        headers = {"authorization": f"OAuth {token}"}
        return await self.sender.ask("GET", f"{self.auth_url}/validate", headers=headers)

    async def post(self, path: str, form: Mapping[str, Any]) -> TwitchAnswer:
        """Send a form in the name of our application."""
        data = {"client_id": self.credentials.client_id, **form}
        return await self.sender.ask("POST", f"{self.auth_url}{path}", data=data)


def read_token(granted: TwitchAnswer, what: str) -> str:
    """Read the token of an answer; raises Unavailable if it has none."""
    token = granted.body.get("access_token") if isinstance(granted.body, dict) else None
    if not isinstance(token, str):
        raise unexpected(granted, what)
    return token


@frozen
class TwitchConsent:
    """Asks a broadcaster for consent; see `showtime_core.ports.Consent`."""

    auth_url: str
    credentials: Credentials
    sender: RequestSender
    login: str
    """Who is asked: nobody else's consent will do."""
    scopes: Sequence[str]
    """What for."""
    optional: frozenset[str] = frozenset()
    """Those of them that a consent may lack."""

    def authorization_url(self, state: str, redirect_uri: str) -> str:
        """Tell where the broadcaster is asked; the answer comes to `redirect_uri`, with the same state."""
        # Verified each time, so that whoever is signed in as somebody else can say so.
        scope = " ".join(self.scopes)
        return self._oauth.authorization_url(state, redirect_uri, scope, force_verify="true")

    async def confirm(self, code: str, redirect_uri: str) -> None:
        """See who has consented, and to what. Raises Refused if that will not do, Unavailable."""
        await self._check(await self._oauth.exchange(code, redirect_uri))

    async def start_device_flow(self) -> DeviceCode:
        """Begin to ask by a code. Raises Refused if Twitch does not do that for our application."""
        answer = await self._oauth.post("/device", {"scopes": " ".join(self.scopes)})
        match answer.status, answer.body:
            case HTTPStatus.OK, {
                "device_code": str(code),
                "user_code": str(user_code),
                "verification_uri": str(address),
                "expires_in": int(seconds),
                "interval": int(every_seconds),
            }:
                return DeviceCode(code, user_code, address, seconds, max(every_seconds, 1))
        raise unexpected(answer, "its device code", "a device code")

    async def await_device(self, device: DeviceCode, pause: Callable[[float], Awaitable[None]]) -> None:
        """Wait until the code was typed in. Raises Refused if it was not, or if what came will not do."""
        form = {"scopes": " ".join(self.scopes), "device_code": device.code, "grant_type": _DEVICE_GRANT}
        for _ in range(int(device.expires_seconds / device.poll_seconds)):
            await pause(device.poll_seconds)
            try:
                answer = await self._oauth.post("/token", form)
            except Unavailable:  # whoever types the code in has not noticed
                continue
            if answer.status == HTTPStatus.OK:
                return await self._check(answer)
            said = answer.body.get("message") if isinstance(answer.body, dict) else None
            if said not in _STILL_WAITING:
                raise refused(answer, "the device code")
        raise Refused("the device code was not typed in while it was good")

    async def _check(self, granted: TwitchAnswer) -> None:
        login, scopes = await self._validate(read_token(granted, "what was consented to"))
        if login != self.login.lower():
            raise NotAllowed(
                f"it was {login} who has consented, and the channel is {self.login}: sign in to Twitch as"
                f" {self.login}"
            )
        if missing := sorted(set(self.scopes) - self.optional - set(scopes)):
            raise NotAllowed(f"the consent of {login} lacks {', '.join(missing)}")

    async def _validate(self, token: str) -> tuple[str, Sequence[str]]:
        answer = await self._oauth.validate(token)
        match answer.status, answer.body:
            case HTTPStatus.OK, {"login": str(login), "scopes": [*scopes]}:
                return login, [str(scope) for scope in scopes]
        raise unexpected(answer, "who has consented", "to tell who has consented")

    @property
    def _oauth(self) -> OAuth:
        return OAuth(self.auth_url, self.credentials, self.sender)

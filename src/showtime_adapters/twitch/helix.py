"""Twitch's API, as far as we need it: users, streams, and EventSub subscriptions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
from attrs import field, frozen

from showtime_adapters.twitch.app_token import AppToken
from showtime_adapters.twitch.fields import read_time
from showtime_adapters.twitch.http import RequestSender, TwitchAnswer, refused, unexpected
from showtime_core.domain.broadcasts.stream_check import ListedStream, StreamListing
from showtime_core.domain.subscriptions import EventSubSubscription, WantedSubscription
from showtime_core.errors import NotAllowed, NotFound, Refused, Unavailable
from showtime_core.texts import clean

_SUBSCRIPTIONS = "/eventsub/subscriptions"
_WHY_NOT: Mapping[int, str] = {
    HTTPStatus.GONE: "Twitch has withdrawn version {0.version} of {0.type}: a newer showtime is needed",
    HTTPStatus.TOO_MANY_REQUESTS: "Twitch allows three subscriptions of one type and condition, whoever they"
    " call: others of our client id have them",
}
"""Why a subscription cannot be created, where Twitch's words alone would not tell what to do."""
_MOST_PAGES = 200
"""Of a hundred each: more than Twitch lets anybody have."""


@frozen
class HelixClient:
    """Asks Twitch's API with the token of our application; raises Unavailable while Twitch is away."""

    api_url: str
    token: AppToken
    sender: RequestSender

    async def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, document: object = None
    ) -> TwitchAnswer:
        """Send a request, and again if the token is not accepted, with another. Raises Refused for that."""
        sent = ""

        async def request() -> httpx.Request:
            nonlocal sent
            sent = await self.token.get()
            headers = {"authorization": f"Bearer {sent}", "client-id": self.token.credentials.client_id}
            return self.sender.client.build_request(
                method, f"{self.api_url}{path}", params=query, json=document, headers=headers
            )

        answer = await self.sender.send(request)
        if answer.status == HTTPStatus.UNAUTHORIZED and await self.token.reject(sent):
            answer = await self.sender.send(request)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise refused(answer, "the token of our application")
        return answer


@frozen
class HelixChannels:
    """What Twitch says of channels; see `showtime_core.ports.Channels`."""

    helix: HelixClient
    _ids: dict[str, str] = field(factory=dict)
    """Login → id, which is the same for life."""

    async def user_id(self, login: str) -> str:
        """Tell the id of a user."""
        login = login.lower()  # people write the display name
        if known := self._ids.get(login):
            return known
        match (answer := await self.helix.request("GET", "/users", {"login": login})).status, answer.body:
            case HTTPStatus.OK, {"data": [{"id": str(user_id)}, *_]}:
                self._ids[login] = user_id
                return user_id
            case (HTTPStatus.OK, {"data": []}) | (HTTPStatus.BAD_REQUEST, _):
                raise NotFound(f"Twitch knows no user {login!r}: check TWITCH_CHANNEL_NAME")
        raise unexpected(answer, "its users", "to tell who the channel is")

    async def display_name(self, user_id: str) -> str:
        """Tell the name of a user as people see it; raises Refused if there is none."""
        answer = await self.helix.request("GET", "/users", {"id": user_id})
        match answer.status, answer.body:
            case HTTPStatus.OK, {"data": [{"display_name": str(name), "login": str(login)}, *_]}:
                return name or login
            case HTTPStatus.OK, {"data": []}:
                raise Refused(f"Twitch knows no user {user_id}")
        raise unexpected(answer, "its users", "to tell who a user is")

    async def stream_listing(self, broadcaster_id: str) -> StreamListing:
        """Tell whether a channel is live."""
        answer = await self.helix.request("GET", "/streams", {"user_id": broadcaster_id})
        at = _date(answer)
        match answer.status, answer.body:
            case HTTPStatus.OK, {"data": [{"type": "live", "id": str(id_), "started_at": str(started)}, *_]}:
                try:
                    return StreamListing(ListedStream(id_, read_time(started)), at)
                except ValueError:
                    raise unexpected(answer, "when the stream began") from None
            case HTTPStatus.OK, {"data": list()}:
                return StreamListing(None, at)
        raise unexpected(answer, "its streams", "to tell whether the channel is live")


@frozen
class HelixClock:
    """The clock of Twitch, as an answer tells it; see `showtime_core.ports.TwitchClock`."""

    api_url: str
    sender: RequestSender

    async def read(self) -> datetime:
        """Tell the time; asked without a token, so that a refusal tells it as well."""
        answer = await self.sender.ask("GET", f"{self.api_url}/users")
        try:
            return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            raise Unavailable("Twitch's answer has no Date") from None


@frozen
class HelixAutoMod:
    """The AutoMod of one channel; see `showtime_core.ports.AutoMod`."""

    helix: HelixClient
    channels: HelixChannels
    login: str

    async def permits(self, words: str) -> bool:
        """Tell whether it would let words pass in chat (Check AutoMod Status)."""
        query = {"broadcaster_id": await self.channels.user_id(self.login)}
        document = {"data": [{"msg_id": "1", "msg_text": words}]}
        answer = await self.helix.request("POST", "/moderation/enforcements/status", query, document)
        match answer.status, answer.body:
            case HTTPStatus.OK, {"data": [{"is_permitted": bool(is_permitted)}, *_]}:
                return is_permitted
        raise unexpected(answer, "what AutoMod says", "to ask AutoMod")


@frozen
class HelixSubscriptions:
    """Subscriptions that are made to call our URL; see `showtime_core.ports.EventSubSubscriptions`."""

    helix: HelixClient
    our_url: str
    secret: str = field(repr=False)
    """What those that are made are signed with."""

    async def list_all(self) -> Sequence[EventSubSubscription]:
        """List all there are, page by page."""
        found: dict[str, EventSubSubscription] = {}
        query: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            answer = await self.helix.request("GET", _SUBSCRIPTIONS, query)
            page, cursor = _page(answer)
            found |= {each.id: each for each in page}  # a list that changes meanwhile may repeat one
            if not cursor or cursor == query.get("after"):
                return tuple(found.values())
            query = {"after": cursor}
        raise Unavailable("Twitch's list of subscriptions does not end")

    async def find(self, subscription_id: str) -> EventSubSubscription | None:
        """Look for one."""
        answer = await self.helix.request("GET", _SUBSCRIPTIONS, {"subscription_id": subscription_id})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        page, _ = _page(answer)
        return next((each for each in page if each.id == subscription_id), None)

    async def create(self, wanted: WantedSubscription) -> EventSubSubscription:
        """Create one, or find the one that is there already."""
        answer = await self._ask_for(wanted)
        if answer.status == HTTPStatus.CONFLICT:
            return await self._adopted(wanted, answer)
        return _created(wanted, answer)

    async def create_anew(self, wanted: WantedSubscription) -> EventSubSubscription:
        """Create one in place of the one that is there already."""
        answer = await self._ask_for(wanted)
        if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS):  # broken ones count as well
            for each in await self._ours(wanted, answer):
                await self.delete(each.id)
            answer = await self._ask_for(wanted)
        return _created(wanted, answer)

    async def _ask_for(self, wanted: WantedSubscription) -> TwitchAnswer:
        """Ask Twitch to create one."""
        transport = {"method": "webhook", "callback": self.our_url, "secret": self.secret}
        document = {
            "type": wanted.type,
            "version": wanted.version,
            "condition": dict(wanted.condition),
            "transport": transport,
        }
        return await self.helix.request("POST", _SUBSCRIPTIONS, document=document)

    async def delete(self, subscription_id: str) -> None:
        """Delete one."""
        answer = await self.helix.request("DELETE", _SUBSCRIPTIONS, {"id": subscription_id})
        if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise refused(answer, "to delete a subscription")

    async def _adopted(self, wanted: WantedSubscription, answer: TwitchAnswer) -> EventSubSubscription:
        """Find the one that Twitch says is there; it must be what is wanted, and call our URL."""
        if ours := await self._ours(wanted, answer):
            return ours[0]
        raise Refused(f"Twitch says that {wanted.type} exists already, but it does not call our URL")

    async def _ours(self, wanted: WantedSubscription, answer: TwitchAnswer) -> Sequence[EventSubSubscription]:
        """Find what is in the way and calls our URL: the one that Twitch names, or all."""
        named = answer.body.get("id") if isinstance(answer.body, dict) else None
        found = await self.find(named) if isinstance(named, str) else None
        candidates = [found] if found else await self.list_all()
        return [each for each in candidates if each.callback == self.our_url and each.fulfils(wanted)]


def _created(wanted: WantedSubscription, answer: TwitchAnswer) -> EventSubSubscription:
    """Read what Twitch has created; raises NotAllowed, Refused or Unavailable."""
    if answer.status == HTTPStatus.FORBIDDEN:
        raise NotAllowed(f"the broadcaster's consent is missing: {answer.reason}")
    if why := _WHY_NOT.get(answer.status):
        raise Refused(f"{why.format(wanted)} ({answer.reason})")
    page, _ = _page(answer, f"the subscription to {wanted.type}")
    if not page:
        raise unexpected(answer, "what it has created")
    return page[0]


def _page(
    answer: TwitchAnswer, asked: str = "to tell which subscriptions there are"
) -> tuple[list[EventSubSubscription], str | None]:
    if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
        raise refused(answer, asked)
    match answer.body:
        case {"data": [*listed]}:
            pagination = answer.body.get("pagination")
            cursor = pagination.get("cursor") if isinstance(pagination, dict) else None
            return [_subscription(each, answer) for each in listed], cursor or None
    raise unexpected(answer, "its subscriptions")


def _subscription(document: object, answer: TwitchAnswer) -> EventSubSubscription:
    match document:
        case {
            "id": str(id_),
            "type": str(kind),
            "version": str(version),
            "status": str(status),
            "condition": dict(condition),
            "transport": dict(transport),
        }:
            # A field of the condition that is empty was left out when it was made.
            given = frozenset((name, str(value)) for name, value in condition.items() if value)
            is_webhook = transport.get("method") == "webhook"
            callback = str(transport.get("callback")) if is_webhook else None
            return EventSubSubscription(id_, kind, version, given, clean(status), callback)
    raise unexpected(answer, "one of its subscriptions")


def _date(answer: TwitchAnswer) -> datetime:
    """Tell the time by Twitch's clock; by ours where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)

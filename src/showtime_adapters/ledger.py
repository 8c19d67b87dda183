"""The ledger service, over HTTP: it keeps the fun points, and knows no key by which a change is made once.

What was lost is therefore told apart from what was not done, and `statement` tells what can be believed of
its answers: it lists nothing when its database fails.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

import httpx
from attrs import define
from msgspec import Meta, MsgspecError, Struct, field
from msgspec.json import decode
from msgspec.structs import astuple

from showtime_adapters.aiohttp_transport import BODY_STARTED
from showtime_adapters.http_client import NeighbourClient
from showtime_core.domain.points_and_ghosts import effects
from showtime_core.domain.points_and_ghosts.ledger import (
    ALERT_TYPE,
    Balance,
    FlowState,
    Statement,
    Transaction,
    TransactionPage,
    truncate_message,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Ambiguous, NotEnoughPoints, NotPending, Refused, Unavailable
from showtime_core.texts import quote

CHANGE_SECONDS = 600.0
"""How long the answer to a change is waited for.

Who gives up a request that the ledger has received does not know what becomes of it, and cannot find out
while the ledger is frozen. Its own answer tells, or the end of its connection; this is for a ledger that
gives neither.
"""
CHANGES_AT_ONCE = 64
"""How many changes may wait for their answers at once; those who look have connections of their own."""
_MARGIN = timedelta(seconds=2)
"""The ledger tells its time in whole seconds, and takes it after what it has just recorded."""
_MAX_PAGES = 50
"""How many pages of a hundred transactions are read at most."""
_Send = Callable[..., Awaitable[httpx.Response]]
"""Sends a request: `send` or `ask` of a client."""
_Shape = TypeVar("_Shape", bound=Struct)


class Tokens(Protocol):
    """Gives service tokens."""

    async def token(self, viewer: Viewer) -> str:
        """Give a token that speaks for a viewer; raises Unavailable or Refused."""

    def forget(self, viewer: Viewer, token: str) -> None:
        """Keep a token no longer."""


class _Flow(Struct):
    """What the ledger answers to a change."""

    id: UUID = field(name="flowId")


class _Points(Struct, rename="camel"):
    total_points: int
    available_points: int


class _Item(Struct):
    """A transaction, with the fields of `Transaction` in their order."""

    id: UUID
    type: str
    state: FlowState
    points: int = field(name="deltaPoints")
    description: str
    at: Annotated[datetime, Meta(tz=True)] = field(name="timestamp")


class _Page(Struct):
    items: list[_Item]
    next: str | None = field(name="nextCursor", default=None)
    """Empty as well as absent where there is no other page."""


@define(slots=False, eq=False)
class HttpLedger:
    """Changes and tells the points of viewers."""

    _looks: NeighbourClient
    _changes: NeighbourClient
    """The client of changes, of which so many may be waited for."""
    _tokens: Tokens
    _fence: Callable[[], None] = lambda: None
    """Is asked at the last moment before a request is complete that the ledger cannot tell from one before;
    where it raises Unavailable, there was none."""

    # --- changes ------------------------------------------------------------------------------------

    async def credit(self, credit: effects.Credit, key: str) -> UUID:  # noqa: ARG002 - this ledger knows no keys
        """Credit points; returns the transaction's id."""
        kind, body = _inflow(credit)
        return _flow_id(await self._change(credit.viewer, "POST", f"/inflow/{kind}", Refused, body))

    async def reserve(self, viewer: Viewer, points: int, ghost_id: UUID, key: str) -> UUID:  # noqa: ARG002
        """Reserve points for a ghost; returns the transaction's id. Raises NotEnoughPoints."""
        body = {
            "type": "alert-redemption",
            "numPointsToDebit": points,
            "alertType": ALERT_TYPE,
            "alertMetadata": {"imageRequestId": str(ghost_id)},
        }
        return _flow_id(await self._change(viewer, "POST", "/outflow", NotEnoughPoints, body))

    async def accept(self, viewer: Viewer, flow_id: UUID) -> None:
        """Spend what was reserved. Raises NotPending where that is decided already."""
        await self._finalise(viewer, "PATCH", flow_id)

    async def reject(self, viewer: Viewer, flow_id: UUID) -> None:
        """Give back what was reserved. Raises NotPending where that is decided already."""
        await self._finalise(viewer, "DELETE", flow_id)

    async def _finalise(self, viewer: Viewer, method: str, flow_id: UUID) -> None:
        answer = await self._change(viewer, method, f"/outflow/{flow_id}", NotPending)
        if answer.status_code != HTTPStatus.NO_CONTENT:
            raise Ambiguous(f"the ledger answers {answer.status_code} to {method} /outflow")

    async def _change(
        self,
        viewer: Viewer,
        method: str,
        path: str,
        conflict: type[Refused],
        body: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """Have the ledger change something, and give its answer that this is done."""
        fenced: dict[str, object] = {"json": body, "extensions": {"trace": self._trace}} if body else {}
        answer = await self._send(self._changes.send, viewer, method, path, **fenced)
        if answer.is_success:
            return answer
        said = f"the ledger answers {answer.status_code} to {method} {path}"
        if answer.status_code == HTTPStatus.CONFLICT:
            raise conflict(_words(answer))
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unavailable(said)
        if answer.is_client_error:
            raise Refused(f"{said}: {_words(answer)}")
        raise Ambiguous(said)

    async def _trace(self, step: str, _: object) -> None:
        """Hear of each step of a request; without its body it is none yet."""
        if step == BODY_STARTED:
            self._fence()

    # --- looking ------------------------------------------------------------------------------------

    async def balance(self, viewer: Viewer) -> Balance:
        """Tell what the viewer has."""
        points = _read(await self._get(viewer, "/balance"), _Points)
        return Balance(points.total_points, points.available_points)

    async def find(self, viewer: Viewer, flow_id: UUID) -> Transaction | None:
        """Find one transaction; None if there is none, or if the ledger's database fails."""
        page, _ = await self._list(viewer, 1, flow_id)
        return next((found for found in page.transactions if found.id == flow_id), None)

    async def statement(self, viewer: Viewer, period: timedelta) -> Statement:
        """List the transactions of the last while, by the ledger's own clock."""
        started = time.monotonic()
        page, at = await self._list(viewer, 100)
        # `period` was measured before the page was asked for: the time that it took to come is a part of it.
        since = at - period - timedelta(seconds=time.monotonic() - started) - _MARGIN
        seen, is_complete = {found.id: found for found in page.transactions}, False
        for _ in range(_MAX_PAGES):
            if any(found.at < since for found in seen.values()):
                is_complete = True
                break
            if page.next is None:
                is_complete = Balance.of(seen.values()) == await self.balance(viewer)
                break
            page, _ = await self._list(viewer, 100, page.next)
            known, seen = len(seen), seen | {found.id: found for found in page.transactions}
            if len(seen) == known:  # nothing where something must be: its database fails
                break
        listed = tuple(found for found in seen.values() if found.at >= since)
        return Statement(listed, is_complete, asked_at=since + period)

    async def _list(
        self, viewer: Viewer, most: int, cursor: UUID | None = None
    ) -> tuple[TransactionPage, datetime]:
        """List a page of transactions; gives also when that was, by the ledger's clock."""
        params = {"max": str(most)} | ({"from": str(cursor)} if cursor else {})
        answer = await self._get(viewer, "/history", params=params)
        page = _read(answer, _Page)
        try:
            at, following = parsedate_to_datetime(answer.headers["date"]), page.next and UUID(page.next)
        except (KeyError, ValueError) as reason:
            raise Unavailable("the ledger does not tell the time, or the next page") from reason
        return TransactionPage(
            tuple(Transaction(*astuple(item)) for item in page.items), following or None
        ), at

    async def _get(self, viewer: Viewer, path: str, **content: object) -> httpx.Response:
        answer = await self._send(self._looks.ask, viewer, "GET", path, **content)
        if not answer.is_success:
            raise Unavailable(f"the ledger answers {answer.status_code} to GET {path}")
        return answer

    async def _send(
        self, send: _Send, viewer: Viewer, method: str, path: str, **content: object
    ) -> httpx.Response:
        """Send a request for a viewer; a token that is not accepted is renewed, once."""
        for _ in range(2):
            token = await self._tokens.token(viewer)
            headers = {"authorization": f"Bearer {token}"}
            answer = await send(method, path, headers, **content)
            if answer.status_code == HTTPStatus.UNAUTHORIZED or answer.is_server_error:
                # A token that has expired, or whose key auth has changed, is answered 500.
                self._tokens.forget(viewer, token)
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                return answer
        raise Unavailable("the ledger does not accept our service token")


def _inflow(credit: effects.Credit) -> tuple[str, Mapping[str, object]]:
    """Say a credit as the ledger reads it: the kind, and the body."""
    match credit:
        case effects.CreditCheer(_, points, message):
            return "cheer", {"numPointsToCredit": points, "message": truncate_message(message)}
        case effects.CreditSubscription(_, base, times, is_initial, is_gift, message):
            said = {"isInitial": is_initial, "isGift": is_gift, "message": truncate_message(message)}
            return "subscription", {"basePointsToCredit": base, "creditMultiplier": times, **said}
        case effects.CreditGiftSubs(_, base, times, count):
            gifts = {"numSubscriptions": count}
            return "gift-sub", {"basePointsToCredit": base, "creditMultiplier": times, **gifts}


def _flow_id(answer: httpx.Response) -> UUID:
    try:
        return _read(answer, _Flow).id
    except Unavailable as reason:
        raise Ambiguous(str(reason)) from reason


def _read(answer: httpx.Response, shape: type[_Shape]) -> _Shape:
    """Read JSON of this shape, whatever its content type says; raises Unavailable."""
    try:
        return decode(answer.content, type=shape)
    except (MsgspecError, ValueError, RecursionError) as reason:
        told = f"the answer of the ledger to {answer.request.method} {answer.request.url.path} cannot be read"
        raise Unavailable(told) from reason


def _words(answer: httpx.Response) -> str:
    """Give the ledger's own words, which are one line of text."""
    return quote(answer.text)

"""The ledger service, over HTTP: it keeps the fun points, and knows no key by which a change is made once.

What was lost is therefore told apart from what was not done, and `statement` tells what can be believed of
its answers: it lists nothing when its database fails.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

import httpx
from attrs import frozen

from showtime_adapters.aiohttp_transport import BODY_STARTED
from showtime_adapters.http_client import NeighbourClient
from showtime_core.domain.points_and_ghosts.effects import (
    Credit,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
)
from showtime_core.domain.points_and_ghosts.ledger import (
    ALERT_TYPE,
    Balance,
    FlowState,
    Statement,
    Transaction,
    truncate_message,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Ambiguous, NotEnoughPoints, NotPending, Refused, ShowtimeError, Unavailable
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


class Tokens(Protocol):
    """Gives service tokens."""

    async def token(self, viewer: Viewer) -> str:
        """Give a token that speaks for a viewer; raises Unavailable or Refused."""

    def forget(self, viewer: Viewer, token: str) -> None:
        """Keep a token no longer."""


@frozen
class _TransactionPage:
    """One page of a viewer's transactions."""

    transactions: tuple[Transaction, ...]
    next: str | None
    """The transaction that the next page begins with."""
    at: datetime
    """When it was listed, by the ledger's clock."""


class HttpLedger:
    """Changes and tells the points of viewers."""

    def __init__(
        self,
        looks: NeighbourClient,
        changes: NeighbourClient,
        tokens: Tokens,
        fence: Callable[[], None] = lambda: None,
    ) -> None:
        """Reach the ledger by a client for looks and one for changes, of which so many may be waited for.

        `fence` is asked at the last moment before a request is complete that the ledger cannot tell from one
        before it; where it raises Unavailable, there was none.
        """
        self._looks = looks
        self._changes = changes
        self._tokens = tokens
        self._fence = fence

    # --- changes ------------------------------------------------------------------------------------

    async def credit(self, credit: Credit, key: str) -> UUID:  # noqa: ARG002 - this ledger knows no keys
        """Credit points; returns the transaction's id."""
        path, body = _inflow(credit)
        return _flow_id(await self._change(credit.viewer, "POST", path, Refused, body))

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
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """Have the ledger change something, and give its answer that this is done."""
        fenced = {"json": body, "extensions": {"trace": self._trace}} if body else {}
        answer = await self._send(self._changes, viewer, method, path, **fenced)
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
        match _parse(await self._get(viewer, "/balance")):
            case {"totalPoints": int(total), "availablePoints": int(available)}:
                return Balance(total, available)
        raise _illegible("/balance")

    async def find(self, viewer: Viewer, flow_id: UUID) -> Transaction | None:
        """Find one transaction; None if there is none, or if the ledger's database fails."""
        page = await self._list(viewer, 1, str(flow_id))
        return next((found for found in page.transactions if found.id == flow_id), None)

    async def statement(self, viewer: Viewer, period: timedelta) -> Statement:
        """List the transactions of the last while, by the ledger's own clock."""
        started = time.monotonic()
        page = await self._list(viewer, 100)
        # `period` was measured before the page was asked for: the time that it took to come is a part of it.
        since = page.at - period - timedelta(seconds=time.monotonic() - started) - _MARGIN
        seen = {found.id: found for found in page.transactions}
        for _ in range(_MAX_PAGES):
            if any(found.at < since for found in seen.values()):
                return _statement(seen, since, is_complete=True)
            if page.next is None:
                fits = Balance.of(seen.values()) == await self.balance(viewer)
                return _statement(seen, since, is_complete=fits)
            page = await self._list(viewer, 100, page.next)
            known, seen = len(seen), seen | {found.id: found for found in page.transactions}
            if len(seen) == known:  # nothing where something must be: its database fails
                break
        return _statement(seen, since, is_complete=False)

    async def _list(self, viewer: Viewer, most: int, cursor: str | None = None) -> _TransactionPage:
        params: dict[str, Any] = {"max": most} | ({"from": cursor} if cursor else {})
        answer = await self._get(viewer, "/history", params=params)
        try:
            match _parse(answer):
                case {"items": list(items), **others}:
                    after = others.get("nextCursor")
                    at = parsedate_to_datetime(answer.headers["date"])
                    found = tuple(_transaction(item) for item in items)
                    return _TransactionPage(found, str(UUID(str(after))) if after else None, at)
        except (AttributeError, KeyError, TypeError, ValueError) as reason:
            raise _illegible("/history") from reason
        raise _illegible("/history")

    async def _get(self, viewer: Viewer, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401
        try:
            answer = await self._send(self._looks, viewer, "GET", path, **content)
        except Ambiguous as reason:  # looking changes nothing
            raise Unavailable(str(reason)) from reason
        if not answer.is_success:
            raise Unavailable(f"the ledger answers {answer.status_code} to GET {path}")
        return answer

    async def _send(
        self,
        client: NeighbourClient,
        viewer: Viewer,
        method: str,
        path: str,
        **content: Any,  # noqa: ANN401 - as httpx takes it
    ) -> httpx.Response:
        """Send a request for a viewer; a token that is not accepted is renewed, once."""
        for _ in range(2):
            token = await self._tokens.token(viewer)
            headers = {"authorization": f"Bearer {token}"}
            answer = await client.send(method, path, headers, **content)
            if answer.status_code == HTTPStatus.UNAUTHORIZED or answer.is_server_error:
                # A token that has expired, or whose key auth has changed, is answered 500.
                self._tokens.forget(viewer, token)
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                return answer
        raise Unavailable("the ledger does not accept our service token")


def _inflow(credit: Credit) -> tuple[str, dict[str, Any]]:
    """Say a credit as the ledger reads it: the path, and the body."""
    match credit:
        case CreditCheer():
            return "/inflow/cheer", {
                "numPointsToCredit": credit.points,
                "message": truncate_message(credit.message),
            }
        case CreditSubscription():
            return "/inflow/subscription", {
                "basePointsToCredit": credit.base_points,
                "isInitial": credit.is_initial,
                "isGift": credit.is_gift,
                "message": truncate_message(credit.message),
                "creditMultiplier": credit.multiplier,
            }
        case CreditGiftSubs():
            return "/inflow/gift-sub", {
                "basePointsToCredit": credit.base_points,
                "numSubscriptions": credit.num_subscriptions,
                "creditMultiplier": credit.multiplier,
            }


def _flow_id(answer: httpx.Response) -> UUID:
    try:
        return UUID(_parse(answer)["flowId"])
    except (AttributeError, KeyError, TypeError, ValueError, Unavailable) as reason:
        raise Ambiguous("the answer of the ledger cannot be read") from reason


def _transaction(item: object) -> Transaction:
    match item:
        case {
            "id": str(id_),
            "timestamp": str(at),
            "type": str(type_),
            "state": str(state),
            "deltaPoints": int(points),
            "description": str(description),
        }:
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                raise ValueError(at)
            return Transaction(UUID(id_), type_, FlowState(state), points, description, moment)
    raise ValueError(item)


def _statement(seen: Mapping[UUID, Transaction], since: datetime, *, is_complete: bool) -> Statement:
    return Statement(tuple(found for found in seen.values() if found.at >= since), is_complete)


def _parse(answer: httpx.Response) -> Any:  # noqa: ANN401 - whatever is in the JSON
    """Read JSON, whatever its content type says; raises Unavailable."""
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as reason:
        raise Unavailable("the answer of the ledger cannot be read") from reason


def _illegible(path: str) -> ShowtimeError:
    return Unavailable(f"the answer of the ledger to GET {path} cannot be read")


def _words(answer: httpx.Response) -> str:
    """Give the ledger's own words, which are one line of text."""
    return quote(answer.text)

"""The ledger as it speaks over HTTP, without our code: it cannot deduplicate, and has all its other traps."""

import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import jwt
from attrs import define, evolve, field, frozen

from support.auth_service import USERS, Auth
from support.neighbour import Neighbour, Reply, Request

_MESSAGE_BYTES = 128
_INT32 = range(-(2**31), 2**31)
_NO_SUCH = Reply(404, "no such transaction\n")


class _DatabaseError(Exception):
    """The ledger's own database fails."""


class _Refusal(Exception):  # noqa: N818 - an answer, not an error
    """Somebody is refused; the argument is the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(status, text + "\n")


@frozen
class Flow:
    """A transaction, as the ledger keeps it."""

    type: str
    delta: int
    description: str
    created_at: datetime
    state: str
    finalized_at: datetime | None = None
    metadata: Any = None
    id: str = field(factory=lambda: str(uuid4()))

    def document(self) -> dict[str, Any]:
        at = self.finalized_at or self.created_at
        return {
            "id": self.id,
            "timestamp": at.isoformat().replace("+00:00", "000Z"),
            "type": self.type,
            "state": self.state,
            "deltaPoints": self.delta,
            "description": self.description,
        }


@define
class LedgerService(Neighbour):
    """A running ledger: it verifies tokens with the keys of this auth."""

    auth: Auth = field(factory=Auth)
    ahead: timedelta = timedelta()
    """By how much its clock is ahead of ours."""
    database_fails: bool = False
    """Whether its database fails: then it lists no transactions, and says nothing of it."""
    flows: defaultdict[str, list[Flow]] = field(factory=lambda: defaultdict(list))
    """By viewer, oldest first."""
    _lock: threading.RLock = field(factory=threading.RLock)

    def held(self) -> dict[str, Any]:
        """Say of every viewer what there is: the balance and the transactions."""
        with self._lock:
            return {
                viewer: self._balance(viewer)
                | {"flows": [flow.document() | {"metadata": flow.metadata} for flow in flows]}
                for viewer, flows in self.flows.items()
            }

    def handle(self, request: Request) -> Reply:
        try:
            reply = self._route(request)()
        except _Refusal as refusal:
            reply = refusal.reply
        except _DatabaseError:
            reply = Reply(500, "failed to record: the database does not accept it\n")
        return evolve(reply, headers={"date": format_datetime(self._now(), usegmt=True)})

    def _route(self, request: Request) -> Callable[[], Reply]:
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["inflow", "cheer" | "subscription" | "gift-sub" as kind]:
                return partial(self._credit, request, kind)
            case "POST", ["outflow"]:
                return partial(self._reserve, request)
            case "PATCH", ["outflow", flow_id]:
                return partial(self._finalise, request, flow_id, "accepted")
            case "DELETE", ["outflow", flow_id]:
                return partial(self._finalise, request, flow_id, "rejected")
            case "GET", ["balance"]:
                return partial(self._tell_balance, request)
            case "GET", ["history"]:
                return partial(self._list, request)
        raise _Refusal(404, "404 page not found")

    # --- who asks -----------------------------------------------------------------------------------

    def _viewer(self, request: Request, *, is_inflow: bool = False) -> str:
        if not (token := request.token):
            raise _Refusal(400, "Twitch user access token or internal JWT must be supplied")
        if token in USERS and not is_inflow:
            return str(USERS[token]["user"]["id"])
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            raise _Refusal(401, "access denied") from None
        try:
            jwt.decode(token, self.auth.key.private.public_key(), ["RS256"], options={"verify_iat": False})
        except jwt.PyJWTError:
            raise _Refusal(500, "failed to parse JWT") from None
        return str(claims["twitch_user_id"])

    # --- transactions -------------------------------------------------------------------------------

    def _credit(self, request: Request, kind: str) -> Reply:
        viewer, wanted = self._viewer(request, is_inflow=True), _payload(request)
        match kind:
            case "cheer":
                delta = _positive(wanted, "numPointsToCredit")
                said = _cut(_text(wanted, "message"))
                description = "Thank you for cheering" + (f" with the message '{said}'!" if said else "!")
            case "subscription":
                delta = round(_positive(wanted, "basePointsToCredit") * _multiplier(wanted))
                description = _thanks(wanted)
            case _:
                several = _positive(wanted, "numSubscriptions")
                delta = _positive(wanted, "basePointsToCredit") * several * math.trunc(_multiplier(wanted))
                description = f"Thank you for gifting {several} subscriptions!"
        return self._insert(viewer, Flow(kind, delta, description, now := self._now(), "accepted", now))

    def _reserve(self, request: Request) -> Reply:
        viewer, wanted = self._viewer(request), _payload(request)
        points = _positive(wanted, "numPointsToDebit")
        if wanted.get("type") != "alert-redemption":
            raise _Refusal(400, "invalid payload: 'type' is not supported")
        if not wanted.get("alertType"):
            raise _DatabaseError
        if self._balance(viewer)["availablePoints"] < points:
            raise _Refusal(409, "not enough points")
        time.sleep(0.005)  # what comes now may be spent twice
        description = f"Redeemed alert of type '{wanted['alertType']}'"
        metadata = wanted.get("alertMetadata")
        flow = Flow("alert-redemption", -points, description, self._now(), "pending", metadata=metadata)
        return self._insert(viewer, flow)

    def _insert(self, viewer: str, flow: Flow) -> Reply:
        spoilt = "\0" in flow.description or "\ufffd" in flow.description
        if self.database_fails or flow.delta not in _INT32 or spoilt:
            raise _DatabaseError
        with self._lock:
            self.flows[viewer].append(flow)
        return Reply(201, json.dumps({"flowId": flow.id}))

    def _finalise(self, request: Request, flow_id: str, state: str) -> Reply:
        viewer = self._viewer(request)
        if self.database_fails:
            raise _DatabaseError
        with self._lock:
            flows = self.flows[viewer]
            for index, flow in enumerate(flows):
                if flow.id == flow_id and flow.type == "alert-redemption":
                    if flow.state != "pending":
                        return Reply(409, "transaction is not pending\n")
                    flows[index] = evolve(flow, state=state, finalized_at=self._now())
                    return Reply(204)
        return _NO_SUCH

    # --- looking ------------------------------------------------------------------------------------

    def _tell_balance(self, request: Request) -> Reply:
        viewer = self._viewer(request)
        if self.database_fails:
            raise _DatabaseError
        return Reply(200, json.dumps(self._balance(viewer)))

    def _balance(self, viewer: str) -> dict[str, int]:
        with self._lock:
            flows = list(self.flows[viewer])
        total = sum(flow.delta for flow in flows if flow.state == "accepted")
        pending = sum(flow.delta for flow in flows if flow.state == "pending")
        return {"totalPoints": total, "availablePoints": total + pending}

    def _list(self, request: Request) -> Reply:
        viewer = self._viewer(request)
        items = [] if self.database_fails else list(self._from(viewer, request.query.get("from", "")))
        wanted = request.query.get("max", "50")
        most = max(1, min(100, int(wanted))) if wanted.isdigit() else 50
        page: dict[str, Any] = {"items": [flow.document() for flow in items[:most]]}
        if len(items) > most:
            page["nextCursor"] = items[most].id
        return Reply(200, json.dumps(page))

    def _from(self, viewer: str, cursor: str) -> Iterator[Flow]:
        """List a viewer's transactions from this one on, newest first; from the first where it is no id."""
        seen = not _is_uuid(cursor)
        with self._lock:
            flows = self.flows[viewer][::-1]
        for flow in flows:
            seen = seen or flow.id == cursor
            if seen:
                yield flow

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def _payload(request: Request) -> dict[str, Any]:
    try:
        wanted = json.loads(request.body)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise _Refusal(400, "invalid payload: not an object")
    return wanted


def _positive(wanted: dict[str, Any], name: str) -> int:
    value = wanted.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0 or value not in _INT32:
        raise _Refusal(400, f"invalid payload: '{name}' must be a positive integer")
    return value


def _multiplier(wanted: dict[str, Any]) -> float:
    value = wanted.get("creditMultiplier")
    if not isinstance(value, int | float) or value <= 0:
        raise _Refusal(400, "invalid payload: 'creditMultiplier' must be positive")
    return value


def _text(wanted: dict[str, Any], name: str) -> str:
    value = wanted.get(name)
    if not isinstance(value, str):
        raise _Refusal(400, f"invalid payload: '{name}' must be a string")
    return value


def _cut(message: str) -> str:
    """Cut a message as the ledger does: by bytes, which leaves half a character of some."""
    return message.encode("utf-8", "replace")[:_MESSAGE_BYTES].decode("utf-8", "replace")


def _thanks(wanted: dict[str, Any]) -> str:
    for name in ("isInitial", "isGift"):
        if not isinstance(wanted.get(name), bool):
            raise _Refusal(400, f"invalid payload: '{name}' must be a boolean")
    said, times = _cut(_text(wanted, "message")), _multiplier(wanted)
    thanks = (
        "Thank you for becoming a subscriber"
        if wanted["isInitial"]
        else "Thank you for renewing your subscription"
    )
    if wanted["isGift"]:
        thanks = "You received a gift sub"
    thanks += f" (at a tier with {times:g}x credit)" if times > 1 else ""
    return thanks + (f" with the message '{said}'" if said else "") + "!"


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""Another service of the channel, as it speaks with auth and the ledger; it knows nothing of us."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from support.auth_service import SHARED_SECRET
from support.neighbours import Neighbours


def service_token(neighbours: Neighbours, viewer: dict[str, Any]) -> str:
    """Ask auth for a token that speaks for a viewer of an event."""
    user = {
        "id": viewer["user_id"],
        "login": viewer["user_login"],
        "displayName": viewer["user_name"],
    }
    body = json.dumps({"service": "dispatch", "user": user})
    request_id, timestamp = str(uuid4()), datetime.now(UTC).isoformat()
    signed = f"{request_id}{timestamp}{body}".encode()
    headers = {
        "x-hmac-request-id": request_id,
        "x-hmac-request-timestamp": timestamp,
        "x-hmac-signature": "sha256=" + hmac.new(SHARED_SECRET.encode(), signed, hashlib.sha256).hexdigest(),
    }
    url = f"{neighbours.urls['auth']}/service-token"
    return httpx.post(url, headers=headers, content=body, timeout=30).raise_for_status().text


def credit_cheer(neighbours: Neighbours, viewer: dict[str, Any], points: int, message: str) -> None:
    """Credit a viewer of an event with a cheer, whoever else does so."""
    headers = {"authorization": f"Bearer {service_token(neighbours, viewer)}"}
    body = {"numPointsToCredit": points, "message": message}
    url = f"{neighbours.urls['ledger']}/inflow/cheer"
    httpx.post(url, headers=headers, json=body, timeout=30).raise_for_status()

"""What Schemathesis must know of us that no description says: loaded by its command line."""

import hashlib
import hmac
import os
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import schemathesis

NO_TOKEN = "Twitch user access token or internal JWT must be supplied in Authorization header"

OF_OVERLAYS = {"/show/next", "/show/{showing}/alive", "/show/{showing}/done"}
_PARKED = cycle(os.environ["PARKED_IDS"].split())


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - found by its name
    """Unless it shall be wrong: sign, bear secrets, name what there is, and wait for no ghost."""
    if not (case.meta and case.meta.generation.mode.is_positive):
        return
    if case.path in OF_OVERLAYS:
        case.headers["Authorization"] = f"Bearer {os.environ['OVERLAY_SECRET']}"
    if case.path == "/history/images/{request_id}/status":
        case.path_parameters["request_id"] = os.environ["GHOST_ID"]
    if case.path == "/admin/parked/{decision}":
        case.body = {"id": next(_PARKED)}
    if case.path == "/image-gen":
        case.headers["Prefer"] = "respond-async"
    if case.path == "/callback":
        case.headers["Twitch-Eventsub-Message-Timestamp"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        kwargs["auth"] = sign


def sign(request: Any) -> Any:
    """Sign a request, once its body is written."""
    names = ("Twitch-Eventsub-Message-Id", "Twitch-Eventsub-Message-Timestamp")
    parts = [request.headers[name] for name in names] + [request.body or b""]
    signed = b"".join(part.encode("latin-1") if isinstance(part, str) else part for part in parts)
    digest = hmac.new(os.environ["WEBHOOK_SECRET"].encode(), signed, hashlib.sha256).hexdigest()
    request.headers["Twitch-Eventsub-Message-Signature"] = f"sha256={digest}"
    return request


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:  # noqa: ARG001 - found by its name
    """Show the checks 401 where our contract has 400: of who brings no token they expect nothing else."""
    is_head = case.method.upper() == "HEAD"  # and brings the length of the words alone
    length = response.headers.get("content-length", ["0"])[0]
    told = int(length) == len(NO_TOKEN) if is_head else response.text == NO_TOKEN
    if response.status_code == 400 and told:
        response.status_code = 401

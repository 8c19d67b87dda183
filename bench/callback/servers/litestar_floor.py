"""(b) The floor: a Litestar handler that checks the signature, parses the body, and keeps nothing."""

import hashlib
import hmac
import json
from typing import Any

from litestar import Litestar, Request, Response, post

from callback.messages import SECRET
from callback.servers.process import serve


@post("/callback", status_code=204)
async def callback(request: Request[Any, Any, Any]) -> Response[None]:
    """Take one message."""
    headers, body = request.headers, await request.body()
    signed = headers["twitch-eventsub-message-id"] + headers["twitch-eventsub-message-timestamp"]
    digest = hmac.digest(SECRET.encode(), signed.encode() + body, hashlib.sha256).hex()
    if not hmac.compare_digest("sha256=" + digest, headers["twitch-eventsub-message-signature"]):
        return Response(None, status_code=400)
    return Response(None, status_code=204 if json.loads(body) else 400)


if __name__ == "__main__":
    serve(Litestar([callback], openapi_config=None, logging_config=None))

"""(a) The frame: uvicorn alone, with httptools and uvloop, reads a body and answers 204."""

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from callback.servers.process import serve


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer anything."""
    if scope["type"] == ScopeType.HTTP:
        await receive()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


if __name__ == "__main__":
    serve(answer)

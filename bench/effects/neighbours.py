"""auth and the ledger, as lean as can be, in a process of their own: they must not be the limit.

    python bench/effects/neighbours.py MILLISECONDS

prints where they are, as one line of JSON; for each line that it reads it prints how many credits were made.
It ends with its standard input. What is asked is not checked: the tests do that, with strict stand-ins.
"""

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from typing import cast
from uuid import uuid4

import uvloop

_LIFETIME_SECONDS = 900


Credits = Counter[bytes]
"""How many were made for each token, that is, for each viewer."""


class Neighbour(asyncio.Protocol):
    """One connection: requests come one after the other, each whole within a few reads."""

    def __init__(self, made: Credits, seconds: float) -> None:
        """Count credits there; take so many seconds for each."""
        self._made, self._seconds, self._data = made, seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer on this connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer a request as soon as it is complete."""
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found or len(body) < int(_field(head, b"content-length")):
            return
        self._data = b""
        if head.startswith(b"POST /inflow/"):
            self._made[_field(head, b"authorization")] += 1
            answer = _answer(201, json.dumps({"flowId": str(uuid4())}).encode())
        else:
            answer = _answer(200, _token())
        if self._seconds and head.startswith(b"POST /inflow/"):
            asyncio.get_running_loop().call_later(self._seconds, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        self._transport.write(answer)


def _field(head: bytes, name: bytes) -> bytes:
    """Give a field of the head, which is found by its name in whatever case."""
    at = head.lower().index(b"\r\n" + name + b":") + len(name) + 3
    return head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None].strip()


def _answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def _token() -> bytes:
    """Make a token for a viewer, which nobody verifies here."""
    now = int(time.time())
    parts = {"alg": "RS256"}, {"iat": now, "exp": now + _LIFETIME_SECONDS, "jti": str(uuid4())}
    words = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*words, b"c2lnbmVk"])


async def main() -> None:
    """Run them, the ledger taking so long for each credit."""
    made, seconds = Credits(), int(sys.argv[1]) / 1e3
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Neighbour(made, seconds), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    _say({"auth": url, "ledger": url})
    while await loop.run_in_executor(None, sys.stdin.readline):
        _say(made.total())


def _say(something: object) -> None:
    sys.stdout.write(json.dumps(something) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())

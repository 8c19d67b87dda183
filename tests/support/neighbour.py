"""A neighbour as it speaks over HTTP, without our code: what all stand-ins share, and every way to fail."""

import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

from support.server import free_port

PLAIN = "text/plain; charset=utf-8"
_TELLING = {"location": "/elsewhere", "retry-after": "2"}
"""What some answers of failure have to say."""


@frozen
class Request:
    """What somebody has sent."""

    method: str
    target: str
    """Path and query, as they came."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def token(self) -> str:
        """The bearer token; empty if there is none."""
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        return "" if token == "Bearer" else token


@frozen
class Reply:
    """What the neighbour answers when all is well."""

    status: int
    body: bytes | str = b""
    content_type: str = PLAIN
    headers: Mapping[str, str] = {}


@define
class Neighbour:
    """A running service, and how it does."""

    port: int = field(factory=free_port)
    failure: str | Sequence[str] | None = None
    """How it fails; of several, one each time, by chance.

    `500` answers so, having done nothing; `500 after`, having done what it was asked for.
    `hang` does nothing and never answers; `cut` does nothing and ends the connection.
    `die` does it, and ends the connection; `late` does it, and answers too late for most.
    `freeze` receives it and answers nobody, for as long as this lasts; afterwards it answers at once who
    looks, and `late_seconds` later, or when it is told anything again, does what else it has received,
    whether or not anybody still waits for it.
    `slow` waits, and does it when most have given up; `drip` does it, and answers a byte now and then.
    Anything else does it, and is answered as if it were the answer.
    """
    share: float = 1.0
    """Which share of the requests it fails."""
    only: str = ""
    """A pattern that is searched in `METHOD /path?query`, and in the body: the others do not fail."""
    scripted: Reply | None = None
    """What it answers, whatever it is asked for, doing nothing."""
    late_seconds: float = 60.0
    """How long `late` and `slow` wait."""
    requests: Counter[str] = field(factory=Counter)
    """Path → how often it was asked for."""
    received: list[Request] = field(factory=list)
    request_ids: list[str | None] = field(factory=list)
    connections: set[socket.socket] = field(factory=set)
    most_connections: int = 0
    _server: ThreadingHTTPServer | None = None
    over: threading.Event = field(factory=threading.Event)
    """Set when the present trouble is over: who hangs hangs no longer."""
    _chance: random.Random = field(factory=lambda: random.Random(1986))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def handle(self, request: Request) -> Reply:
        """Do what is asked for, and answer."""
        raise NotImplementedError

    def held(self) -> Any:
        """Say in JSON what it holds."""
        return dict(self.requests)

    def trouble(
        self,
        failure: str | Sequence[str] | None = None,
        share: float = 1.0,
        only: str = "",
        late: float = 60.0,
    ) -> None:
        """Fail so from now on (None: not at all); `refuse` lets nobody in."""
        self.failure, self.share, self.only, self.late_seconds = failure, share, only, late
        self.scripted = None
        before, self.over = self.over, threading.Event()
        before.set()
        if failure == "refuse":
            self.stop()
        elif not self._server:
            self.start()

    def failing(self, request: Request) -> str | None:
        """Tell how this request is to fail."""
        sent = f"{request.method} {request.target}\n{request.body.decode(errors='replace')}"
        if self.failure is None or not re.search(self.only, sent):
            return None
        if self.share < 1 and self._chance.random() >= self.share:
            return None
        return self.failure if isinstance(self.failure, str) else self._chance.choice(self.failure)

    def thawed(self, request: Request, over: threading.Event) -> None:
        """Wait until the ice is gone, and longer where more than a look was asked for."""
        pause = self.late_seconds
        over.wait()
        if request.method != "GET":
            self.over.wait(pause)

    def start(self) -> Self:
        neighbour = self

        class Handler(_Handler):
            service = neighbour

        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Go away: what is open is cut, and who comes is refused."""
        self.over.set()
        if self._server:
            self._server.shutdown()
            for connection in list(self.connections):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were cut: that is what they are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Neighbour

    def setup(self) -> None:
        super().setup()
        self.service.connections.add(self.connection)
        self.service.most_connections = max(self.service.most_connections, len(self.service.connections))

    def finish(self) -> None:
        self.service.connections.discard(self.connection)
        super().finish()

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:  # noqa: C901 - one table
        service, request = self.service, self._read()
        over = service.over  # of the trouble that this request is in, whatever comes next
        service.requests[request.path] += 1
        service.received.append(request)
        service.request_ids.append(request.headers.get("x-request-id"))
        match service.failing(request):
            case None:
                self._answer(service.scripted or service.handle(request))
            case "hang":
                over.wait(60)
                self.close_connection = True
            case "cut":
                self.close_connection = True
            case "die":
                service.handle(request)
                self.close_connection = True
            case "late":
                reply = service.handle(request)
                over.wait(service.late_seconds)
                self._answer(reply)
            case "freeze":
                service.thawed(request, over)
                self._answer(service.handle(request))
            case "slow":
                over.wait(service.late_seconds)
                self._answer(service.handle(request))
            case "drip":
                service.handle(request)
                self._drip(over)
            case status if re.fullmatch(r"[3-5]\d\d", status):
                self._answer(Reply(int(status), "it is not well\n", headers=_TELLING))
            case status if re.fullmatch(r"[3-5]\d\d after", status):
                service.handle(request)
                self._answer(Reply(int(status[:3]), "it is not well\n"))
            case rubbish:
                service.handle(request)
                self._answer(Reply(200, rubbish))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names are http.server's

    def _read(self) -> Request:
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, self.path, headers, body)

    def _answer(self, reply: Reply) -> None:
        data = reply.body.encode() if isinstance(reply.body, str) else reply.body
        headers = {
            "date": self.date_time_string(),
            "x-request-id": self.headers["x-request-id"] or "one-of-ours",
        }
        if reply.status != 204:
            headers |= {"content-type": reply.content_type, "content-length": str(len(data))}
        self.send_response_only(reply.status)
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        with suppress(OSError):  # who has given up does not hear it
            self.end_headers()
            self.wfile.write(data)

    def _drip(self, over: threading.Event) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            for _ in range(60):
                self.wfile.write(b" ")
                over.wait(0.5)

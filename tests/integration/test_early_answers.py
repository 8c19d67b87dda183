"""Who is answered before the whole request was sent reads the answer, and may not go on for ever."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_app.web import lingering
from showtime_app.web.routes import callback
from support.databases import fresh_database
from support.in_process import running_here

BODY = b"x" * 4 * 1024 * 1024
"""More than the socket buffers of both sides keep."""


def request(line: str, *fields: str, body: bytes = BODY) -> bytes:
    """Write a request whose body is this long."""
    head = "\r\n".join([line, "Host: a", *fields, f"Content-Length: {len(body)}"])
    return f"{head}\r\n\r\n".encode() + body


def chunked(line: str) -> bytes:
    """Write a request whose body does not say how long it is."""
    head = f"{line}\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


ANSWERED_EARLY = {
    "too large a message": (request("POST /callback HTTP/1.1"), 413),
    "too large a message, by an older client": (request("POST /callback HTTP/1.0"), 413),
    "too large a message, in chunks": (chunked("POST /callback HTTP/1.1"), 413),
    "too large a message, behind an upgrade": (
        request("POST /callback HTTP/1.1", "Connection: upgrade", "Upgrade: websocket"),
        413,
    ),
    "no such method": (request("PUT /callback HTTP/1.1", "Connection: close"), 405),
    "no token": (request("POST /image-gen HTTP/1.1", "Connection: close"), 400),
    "no such route": (request("POST /nowhere HTTP/1.0"), 404),
    "too large a body": (request("POST /admin/tape/5 HTTP/1.1", "Connection: close"), 400),
    "too large a head": (b"GET / HTTP/1.1\r\nX: " + BODY, 431),
    "too large a head, by an older client": (b"GET / HTTP/1.0\r\nX: " + BODY, 431),
    "no HTTP": (b"\x16\x03\x01" + BODY, 400),
    "a chunk that is none": (b"POST /callback HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY, 400),
    "a tunnel": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + BODY, 501),
}


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres) -> Iterator[tuple[str, int]]:
    """Serve a channel to all tests here."""
    with fresh_database(postgres_server.conninfo) as conninfo, running_here(conninfo) as server:
        parts = urlsplit(server.url)
        yield parts.hostname or "", parts.port or 0


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    """Connect; whatever takes a minute fails."""
    with socket.create_connection(address, timeout=60) as client:
        yield client


def read_all(client: socket.socket) -> bytes:
    """Read what is said until the server has said all; raises ConnectionError if it is taken away."""
    said = b""
    while part := client.recv(65536):
        said += part
    return said


def ends(client: socket.socket, part: bytes) -> bool:
    """Send this again and again; tells whether the server ends it within a minute."""
    until = time.monotonic() + 60
    with suppress(ConnectionError):
        while time.monotonic() < until:
            client.sendall(part)
            time.sleep(0.02)
        return False
    return True


@pytest.mark.parametrize(("sent", "status"), ANSWERED_EARLY.values(), ids=ANSWERED_EARLY)
def test_who_sends_all_before_reading_reads_the_answer(address, monkeypatch, sent, status):
    """A client that reads when all is sent gets the whole answer, whatever the reason is."""
    monkeypatch.setattr(lingering, "REST_SECONDS", 60.0)
    with connected(address) as client:
        client.sendall(sent)
        said = read_all(client)
    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert said.count(b"HTTP/1.1 ") == 1


def test_who_is_late_with_a_body_reads_the_answer(address, monkeypatch):
    """A client whose message took too long, and that then sends all of it, gets the whole of the answer."""
    monkeypatch.setattr(callback, "SECONDS_IN_ALL", 0.2)
    monkeypatch.setattr(lingering, "REST_SECONDS", 60.0)
    sent = request("POST /callback HTTP/1.1", body=BODY[: callback.MAX_BODY_BYTES])
    with connected(address) as client:
        client.sendall(sent[:200])
        first = client.recv(1)  # it is answered
        client.sendall(sent[200:])
        client.sendall(BODY)
        assert (first + read_all(client)).startswith(b"HTTP/1.1 503 ")


def test_nobody_sends_for_ever_after_the_answer(address, monkeypatch):
    """The connection of a client that is answered, and goes on sending, ends when it has sent too much."""
    monkeypatch.setattr(lingering, "REST_SECONDS", 600.0)
    monkeypatch.setattr(lingering, "MAX_REST_BYTES", 1024 * 1024)
    with connected(address) as client:
        client.sendall(b"POST /callback HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 413 ")
        assert ends(client, BODY)


def test_nobody_stays_for_ever_after_the_answer(address, monkeypatch):
    """The connection of a client that is answered, and does not close it, ends when the time is up."""
    monkeypatch.setattr(lingering, "REST_SECONDS", 0.5)
    with connected(address) as client:
        client.sendall(b"POST /callback HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 413 ")
        assert ends(client, b"x")

"""What the servers have in common: a port, a first word and a last one."""

import asyncio
import signal
import socket
import sys

import uvicorn
from litestar.types import ASGIApp


def port() -> int:
    """Tell where to listen, on 127.0.0.1."""
    return int(sys.argv[1])


def say(word: str) -> None:
    """Tell the benchmark how it stands."""
    print(word, flush=True)


def serve(app: ASGIApp) -> None:
    """Serve an ASGI application, under the options that showtime gives to uvicorn."""
    _Server(uvicorn.Config(app, port=port(), log_config=None, access_log=False, server_header=False)).run()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say("ready")


async def until_told_to_stop() -> None:
    """Wait for SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    say("ready")
    await stop.wait()

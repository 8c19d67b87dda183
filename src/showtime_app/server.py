"""The web application and the server around it."""

import asyncio
import gc
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from types import FrameType

import uvicorn
from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException
from litestar.plugins import PluginProtocol
from litestar.types import ASGIApp, ControllerRouterHandler

from showtime_app.web.middleware.edge_limits import MAX_BODY_BYTES
from showtime_app.web.openapi.descriptions import OPERATIONS, Object
from showtime_app.web.problems import on_exception, on_http_exception, on_showtime_error
from showtime_app.web.protocol import KEEP_ALIVE_SECONDS, HttpProtocol
from showtime_app.web.routes import schema
from showtime_core.errors import ShowtimeError

GRACEFUL_SECONDS = 4
"""How long requests under way may take once the server stops: streams are ended at once."""


class _App(Litestar):
    """Litestar without its plugin for pydantic: no route needs it, and it loads all of pydantic's v1."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return plugins


def create_app(
    handlers: Sequence[ControllerRouterHandler],
    running: Callable[[], AbstractAsyncContextManager[None]],
    shapes: Mapping[str, Object] | None = None,
    cors_origins: Sequence[str] = (),
) -> Litestar:
    """Make the web application, and the description of it; `running` is what must run beside it.

    `shapes` are the schemas of what the streams say; without them nothing is described.
    """
    described = (
        schema.routes(handlers, {"/callback": OPERATIONS["/callback"]}, shapes) if shapes is not None else []
    )

    return _App(
        route_handlers=[*handlers, *described],
        lifespan=[lambda _: running()],
        exception_handlers={
            ShowtimeError: on_showtime_error,
            HTTPException: on_http_exception,
            Exception: on_exception,
        },
        cors_config=CORSConfig(allow_origins=list(cors_origins), allow_methods=["GET"])
        if cors_origins
        else None,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=MAX_BODY_BYTES,
    )


class Server(uvicorn.Server):
    """A server whose open streams end when it is told to stop; uvicorn alone would wait for them."""

    def __init__(self, app: ASGIApp, on_stop: Sequence[Callable[[], None]], off: Sequence[str]) -> None:
        """Serve this application; `on_stop` are called in the event loop as soon as a signal says stop.

        `off` names what the channel does without.
        """
        self.off = off
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACEFUL_SECONDS,
                lifespan="on",
                # psycopg cannot wait on the loop that Windows has by default.
                http=HttpProtocol,
                ws="none",
                loop="asyncio:SelectorEventLoop" if sys.platform == "win32" else "auto",
            )
        )
        self.on_stop = on_stop
        self._on_ready: Callable[[], None] = lambda: None

    def serve_on(
        self, listener: socket.socket, on_ready: Callable[[], None], others: Sequence[socket.socket] = ()
    ) -> None:
        """Serve until a signal says stop; `on_ready` is called once requests are answered.

        Raises SystemExit if what must run beside the application cannot start.
        """
        self._on_ready = on_ready
        self.run(sockets=[listener, *others])
        if not self.started:
            raise SystemExit(1)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            _calm_collector()
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take note of signals to stop; having stopped in due form, do not die of them as well."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: end the streams, let the rest finish."""
        super().handle_exit(sig, frame)
        for stop in self.on_stop:
            asyncio.get_running_loop().call_soon_threadsafe(stop)


def _calm_collector() -> None:
    """Keep the garbage collector from walking over all that was imported while messages are answered.

    A full collection takes tens of milliseconds, and by default comes about once a second under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; raises OSError if the address is taken.

    A client that takes nothing for half a minute loses its connection: otherwise what was sent to a dead
    overlay would be kept for it for a quarter of an hour.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
    listener.setblocking(False)
    return listener

"""The service in a thread of this process, and its commands in this one, where a process would prove no more.

Where a test neither ends nor freezes it, nor reads its log, the service runs here: composed from settings
as `showtime serve` composes it, on a real socket, on an event loop of its own. What it logs is in pytest's
report of a failure.
"""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import chdir, contextmanager
from itertools import count
from pathlib import Path
from unittest.mock import patch

from attrs import frozen
from click.testing import CliRunner

from showtime_app import composition, logs, server
from showtime_app.cli.main import main
from showtime_app.config import Settings
from support.server import Served, answers, environment

_STOP_SECONDS = 60.0
_ENVIRONMENT = threading.RLock()
"""Held while the environment of this process is another: it has only one."""
_ENDED = count(1)
"""Services that have run here."""


@contextmanager
def running_here(
    conninfo: str,
    settings: Mapping[str, str] = {},
    *,
    port: int = 0,
    ready: bool = True,
    build: Callable[[Settings], server.Server] = composition.live,
) -> Iterator[Served]:
    """Run the service on this port (0: a free one) for a while, and see that it stops when it is told to."""
    thresholds = gc.get_threshold()
    with server.listen("127.0.0.1", port) as listener:
        service = build(_settings_of(environment(conninfo, **settings)))
        started: Future[asyncio.AbstractEventLoop] = Future()
        serving = _in_a_thread(
            lambda: service.serve_on(listener, lambda: started.set_result(asyncio.get_running_loop()))
        )
        try:
            wait([started, serving], return_when=FIRST_COMPLETED)
            if serving.done():
                serving.result()
            served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}")
            path = "/readyz" if ready else "/healthz"
            assert answers(served, path, lambda: not serving.done()), f"it does not answer {path}"
            yield served
        finally:
            if started.done() and not serving.done():
                started.result().call_soon_threadsafe(service.handle_exit, signal.SIGTERM, None)
            serving.result(_STOP_SECONDS)
            gc.set_threshold(*thresholds)
            _collect_now_and_then()


def _collect_now_and_then() -> None:
    """Free what services were made of, once for every ten of them that have ended.

    A service keeps the garbage collector away from all that is there when it starts (`gc.freeze`). To look at
    that again takes half a second where all tests are loaded.
    """
    if next(_ENDED) % 10 == 0:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def _in_a_thread(work: Callable[[], None]) -> Future[None]:
    """Do something in a thread that keeps nobody from leaving, should it never end."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as reason:  # whoever waits for it is told
            done.set_exception(reason)

    threading.Thread(target=run, daemon=True).start()
    return done


def _settings_of(names: Mapping[str, str]) -> Settings:
    """Read settings from an environment, and from nothing else."""
    with _ENVIRONMENT, patch.dict(os.environ, names, clear=True):
        return Settings(_env_file=None)


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """Give back how this process logs, which a command changes: by whom, and from which level on."""
    root = logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in logs.OURS)]
    handlers, levels = root.handlers[:], [logger.level for logger in loggers]
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@frozen
class Ran:
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def run_here(*arguments: object, names: Mapping[str, str], folder: Path) -> Ran:
    """Run `showtime ARGUMENTS` to its end, with this environment and no other, in this folder.

    Raises whatever the command fails to handle.
    """
    with _ENVIRONMENT, patch.dict(os.environ, names, clear=True), chdir(folder), _logging_as_before():
        ran = CliRunner().invoke(main, [*map(str, arguments)], prog_name="showtime", catch_exceptions=False)
    return Ran(ran.exit_code, ran.stdout, ran.stderr)

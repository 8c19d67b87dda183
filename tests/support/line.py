"""A line to a service that can be held: then both ends are there, and hear nothing of each other."""

import socket
import threading
from contextlib import suppress
from typing import Self

from attrs import define, field


@define
class Line:
    """Forwards connections to a service, at `port`; use as a context manager."""

    to: tuple[str, int] | str
    """Host and port, or a Unix socket."""
    _listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _flows: threading.Event = field(factory=threading.Event)
    _ends: list[socket.socket] = field(factory=list)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def hold(self) -> None:
        """Let nothing through any more, not even that an end is gone."""
        self._flows.clear()

    def release(self) -> None:
        """Let through what was held, and all that follows."""
        self._flows.set()

    def __enter__(self) -> Self:
        self.release()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it is over
            while True:
                near, _ = self._listener.accept()
                far = self._connect()
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.to, tuple):
            return socket.create_connection(self.to)
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(self.to)
        except OSError:
            far.close()
            raise
        return far

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                target.sendall(data)
        self._flows.wait()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

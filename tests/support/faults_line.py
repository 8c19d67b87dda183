"""A line to the database that is cut, slow, or breaks off in the middle of what is sent."""

import socket
import threading
import time
from contextlib import suppress

from attrs import define, field

from support.line import Line


@define
class UnsteadyLine(Line):
    """Forwards connections, as long as nothing is wrong with it."""

    delay_seconds: float = 0.0
    """How long everything takes on its way."""
    _break_off: threading.Event = field(factory=threading.Event)
    _open: set[socket.socket] = field(factory=set)

    def cut(self) -> int:
        """Cut all connections; tells how many there were."""
        ends = list(self._open)
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return len(ends)

    def break_off(self) -> None:
        """Let half of what is sent next through, in either direction, and cut that connection."""
        self._break_off.set()

    def get_well(self) -> None:
        """Let everything through, at once and whole."""
        self.delay_seconds = 0.0
        self._break_off.clear()
        self.release()

    @property
    def has_broken_off(self) -> bool:
        """Whether what was to break off has done so."""
        return not self._break_off.is_set()

    def _connect(self) -> socket.socket:
        """Connect to the service; where nobody listens, who has come is sent away at once."""
        try:
            return super()._connect()
        except OSError:
            far, gone = socket.socketpair()
            gone.close()
            return far

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        self._open.add(source)
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                time.sleep(self.delay_seconds)
                if len(data) > 1 and self._break_off.is_set():
                    self._break_off.clear()
                    target.sendall(data[: len(data) // 2])
                    break
                target.sendall(data)
        self._open.discard(source)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()

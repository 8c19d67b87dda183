"""One turn: a receiver is started, put under load, and stopped; and what that cost."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psutil
from attrs import frozen

from callback.load import Load, put_load
from callback.messages import Messages
from callback.receivers import Receiver, running

Watch = Callable[[int], AbstractContextManager[None]]
"""What looks on while a process, named by its number, is under load."""


@frozen
class Turn:
    """What one turn gave."""

    receiver: str
    load: Load
    taken: int | None
    """Messages that the receiver says it took; ours: new rows in the journal. None: it does not say."""
    cpu_seconds: float
    """Of the receiver."""
    database_cpu_seconds: float
    machine_cpu_seconds: float
    """Of everything on this machine."""

    @property
    def flaws(self) -> list[str]:
        """Tell what makes this turn worthless."""
        flaws = []
        if self.load.bad_status or self.load.socket_errors:
            flaws.append(f"{self.load.bad_status} answers of 400 and above, {self.load.socket_errors} errors")
        if self.taken is not None and self.load.wraps:
            flaws.append("messages were sent twice: raise --per-second")
        if self.taken is not None and not 0 <= self.taken - self.load.requests <= self.load.connections:
            flaws.append(f"{self.load.requests} answered, but {self.taken} taken")
        return flaws

    @property
    def cores_busy(self) -> float:
        """Tell how many cores worked for this turn."""
        return (self.cpu_seconds + self.database_cpu_seconds + self.load.cpu_seconds) / self.load.seconds

    @property
    def cores_of_others(self) -> float:
        """Tell how many cores worked for somebody else meanwhile: the noise in these numbers."""
        return max(0.0, self.machine_cpu_seconds / self.load.seconds - self.cores_busy)

    def cost(self, cpu_seconds: float) -> float:
        """Microseconds of a processor for each request."""
        return cpu_seconds / self.load.requests * 1e6 if self.load.requests else 0.0


@frozen
class Course:
    """Where and how long turns are taken."""

    folder: Path
    seconds: int
    connections: int
    database_pid: int

    def take_turn(self, receiver: Receiver, messages: Messages, watch: Watch | None = None) -> Turn:
        """Measure one receiver once."""
        port = free_port()
        log = self.folder / f"{receiver.name}.log"
        with running(receiver, port, log) as pid:
            before = cpu_seconds(pid), cpu_seconds(self.database_pid), _machine_cpu_seconds()
            with watch(pid) if watch else nullcontext():
                load = put_load(port, messages, self.seconds, self.connections)
            after = cpu_seconds(pid), cpu_seconds(self.database_pid), _machine_cpu_seconds()
        used = (late - early for early, late in zip(before, after, strict=True))
        return Turn(receiver.name, load, receiver.taken(log.read_text(errors="replace")), *used)


def cpu_seconds(pid: int) -> float:
    """Tell what a process and its children have used up to now, those included that have ended."""
    total = 0.0
    process = psutil.Process(pid)
    for one in [process, *process.children(recursive=True)]:
        try:
            used = one.cpu_times()
        except psutil.NoSuchProcess:  # its parent has its time from now on
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def _machine_cpu_seconds() -> float:
    used = psutil.cpu_times()
    return float(used.user + used.system + getattr(used, "nice", 0.0) + getattr(used, "softirq", 0.0))


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])

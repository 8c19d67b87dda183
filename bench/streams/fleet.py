"""The clients of the streams, run in a process of their own and asked what they were told."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen


@frozen
class Told:
    """What all clients were told since they were asked last."""

    open: int
    """How many streams are open."""
    delays: list[float]
    """Of each alert at each client: the seconds since it was sent to the receiver, in order."""
    clients: dict[float, int]
    """By when an alert was sent: how many clients were told of it."""

    def delay_ms(self, share: float) -> float:
        """Tell within how long such a share of them came."""
        return (
            self.delays[min(len(self.delays) - 1, int(len(self.delays) * share))] * 1e3
            if self.delays
            else 0.0
        )


@frozen
class Fleet:
    """A process with clients."""

    process: subprocess.Popen[str]

    def ask(self, what: str) -> Any:  # noqa: ANN401 - whatever is in the JSON
        """Have all clients opened or closed, and wait until they are."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def told(self) -> Told:
        """Tell what they were told."""
        said = self.ask("stats")
        return Told(said["open"], said["delays"], dict(said["told"]))


@contextmanager
def fleet(port: int, count: int) -> Iterator[Fleet]:
    """Run so many clients; none is open yet."""
    program = str(Path(__file__).with_name("clients.py"))
    with subprocess.Popen(
        [sys.executable, program, str(port), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        try:
            yield Fleet(process)
        finally:
            process.stdin.close()
            process.terminate()

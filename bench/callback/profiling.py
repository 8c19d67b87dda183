"""Where the time of a request goes: our process, sampled from outside by py-spy while it is under load."""

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

_RATE = 200
_PY_SPY = str(Path(sys.executable).with_name("py-spy"))
_FRAME = re.compile(r"^(?P<function>.*) \((?P<file>.*?)(:\d+)?\)$")


class NotSampledError(Exception):
    """py-spy gave nothing."""


@frozen
class Profile:
    """Shares of the samples in which our process was at work: own, and with all that was called."""

    samples: int
    rooms: dict[str, float]
    """Own time, by package."""
    own: dict[str, float]
    total: dict[str, float]


class Sampler:
    """Looks on while a process is under load; use `watch`, then `read`."""

    def __init__(self, path: Path, *, is_native: bool = False) -> None:
        """Keep the samples in this file: each line a stack, with how often it was seen."""
        self._path = path
        self._more = ["--native"] if is_native else []

    @contextmanager
    def watch(self, pid: int) -> Iterator[None]:
        """Sample this process; it is stopped for each sample, since a stack that moves is read wrongly."""
        options = ["--rate", str(_RATE), "--format", "raw", "--function", *self._more]
        command = [_PY_SPY, "record", "--pid", str(pid), *options, "--output", str(self._path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[0].decode(errors="replace")
        if not self._path.exists():
            raise NotSampledError(
                f"py-spy gave nothing; it may need root, or kernel.yama.ptrace_scope=0:\n{said}"
            )

    def read(self) -> Profile:
        """Add up what was seen."""
        rooms, own, total = Counter[str](), Counter[str](), Counter[str]()
        for line in self._path.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            frames = stack.split(";")
            rooms[_room(frames[-1])] += int(count)
            own[frames[-1]] += int(count)
            total.update(dict.fromkeys(frames, int(count)))
        samples = rooms.total()
        if not samples:
            raise NotSampledError("py-spy never saw the process at work")
        return Profile(samples, *(_shares(counter, samples) for counter in (rooms, own, total)))


def _shares(counter: Counter[str], samples: int) -> dict[str, float]:
    return {name: count / samples for name, count in counter.most_common()}


def _room(frame: str) -> str:
    """Name the package of a frame; of ours, the room inside it."""
    found = _FRAME.match(frame)
    parts = Path(found["file"] if found else frame).parts or ("?",)
    if parts[0].startswith("showtime_"):
        return "/".join(parts[:2]).removesuffix(".py")
    return parts[0].removesuffix(".py")

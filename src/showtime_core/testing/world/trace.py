"""What happened in a night, line by line, and which rare states it has reached."""

import hashlib
from collections import Counter
from collections.abc import Callable

from attrs import Factory, define, field


@define
class Trace:
    """Notes what happens; equal nights have equal digests."""

    now: Callable[[], float]
    lines: list[str] = Factory(list)
    reached: Counter[str] = field(factory=Counter)

    def note(self, who: str, what: str) -> None:
        """Note that somebody does something now."""
        self.lines.append(f"{self.now():11.4f}  {who:<12} {what}")

    def sometimes(self, state: str) -> None:
        """Note that a state is reached which a set of nights must reach."""
        self.reached[state] += 1

    def digest(self) -> str:
        """Give the digest of all lines: SHA-256, as hexadecimal digits."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

"""The chat log in memory: for unit tests, and for whoever embeds the core."""

from collections.abc import Sequence

from attrs import mutable

from showtime_core.domain.chat import Backlog, ChatLine, Heard, follow_all


@mutable
class MemoryChatLog:
    """What is shown of chat, in memory: all of it."""

    lines: tuple[ChatLine, ...] = ()
    keys: frozenset[str] = frozenset()
    _backlog: Backlog = ()

    async def write(self, heard: Sequence[Heard]) -> None:
        """Write what follows from what had not been heard before."""
        page = follow_all(self._backlog, self.keys, heard)
        self.lines += page.lines
        self.keys |= {*page.keys}
        self._backlog = page.backlog

"""The chat log in memory: for unit tests, and for whoever embeds the core."""

from collections.abc import Sequence

from attrs import mutable

from showtime_core.domain.chat import Backlog, ChatLine, ChatReport, plan_chat_changes


@mutable
class MemoryChatLog:
    """What is shown of chat, in memory: all of it."""

    lines: tuple[ChatLine, ...] = ()
    dedup_keys: frozenset[str] = frozenset()
    _backlog: Backlog = ()

    async def write(self, reports: Sequence[ChatReport]) -> None:
        """Write what follows from what had not been heard before."""
        changes = plan_chat_changes(self._backlog, self.dedup_keys, reports)
        self.lines += changes.lines
        self.dedup_keys |= {*changes.dedup_keys}
        self._backlog = changes.backlog

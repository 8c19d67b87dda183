"""Use case: whether a ghost waits for the host before it is painted."""

from attrs import frozen

from showtime_core.errors import Refused, Unavailable
from showtime_core.ports import AutoMod


@frozen
class ReviewGhost:
    """Use case: the words of a ghost go through the channel's AutoMod, and the host sees what it stops."""

    automod: AutoMod | None
    """None: it cannot be asked."""
    is_always: bool
    """Whether every ghost waits, whatever AutoMod says."""

    async def why_to_wait(self, subject: str) -> str | None:
        """Say why a ghost of this waits for the host; None: it may be painted."""
        return await self._doubt(subject) or ("every ghost waits for the host" if self.is_always else None)

    async def _doubt(self, subject: str) -> str | None:
        if not self.automod:
            return "AutoMod cannot be asked: showtime has no application at Twitch"
        try:
            return None if await self.automod.permits(subject) else "AutoMod does not let it pass"
        except (Refused, Unavailable) as reason:
            return f"AutoMod cannot be asked: {reason}"

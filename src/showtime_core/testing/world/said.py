"""What Twitch says of the steps of a night, as events."""

from datetime import datetime, timedelta

from attrs import field, mutable

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Malformed
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.entries import CAST
from showtime_core.testing.world.night import Step

_SUBJECTS = ("Bela Lugosi", "a fax machine", "a seal")
_FIRST_STREAM = 41375541868
TIERS = ("1000", "2000", "3000")


@mutable
class WhatIsSaid:
    """Makes events, and knows when each stream has begun: whoever tells of it again says the same."""

    begun: dict[int, datetime] = field(factory=dict)
    told: int = 0
    """How many there were."""

    def event(self, step: Step, at: datetime) -> ev.Event | Malformed | None:
        """Say what a step is, at a time by Twitch's clock; None: Twitch says nothing of it."""
        self.told += 1
        return self._of_stream(step, at) or self._of_viewer(step, at)

    def _of_stream(self, step: Step, at: datetime) -> ev.Event | None:
        stream = str(_FIRST_STREAM + step.who)
        match step.what:
            case "stream begins":
                began = self.begun.setdefault(step.who, at - timedelta(seconds=step.amount))
                return ev.StreamOnline(stream, "live", began, at)
            case "stream ends":
                return ev.StreamOffline(at, stream)
            case "stream ends unnamed":
                return ev.StreamOffline(at)
            case _:
                return None

    def _of_viewer(self, step: Step, at: datetime) -> ev.Event | Malformed | None:  # noqa: C901, PLR0911 - one for each kind
        viewer, amount = CAST[step.who % len(CAST)], int(step.amount)
        tier = TIERS[amount % len(TIERS)]
        match step.what:
            case "cheer for a ghost":
                return ev.Cheer(viewer, amount, f"ghost of {_SUBJECTS[step.who % len(_SUBJECTS)]}")
            case "cheer":
                return ev.Cheer(viewer, amount, "hello")
            case "anonymous cheer":
                return ev.Cheer(None, amount, "boo")
            case "follow":
                return ev.Follow(viewer, at)
            case "raid":
                return ev.Raid(viewer, amount)
            case "gift":
                return ev.GiftedSubscriptions(viewer, tier, 2 + amount % 5)
            case "month begins":
                return ev.SubscriptionStart(viewer, tier, amount % 2 == 1, at)
            case "month":
                return ev.Resubscription(viewer, tier, 3, "be kind", at)
            case "something unreadable":
                return Malformed("it cannot be read")
            case "chat":
                return self._line(viewer, amount)
            case _:
                return None

    def _line(self, viewer: Viewer, amount: int) -> ev.Event:
        return ev.ChatMessageSent(f"line-{self.told}", viewer, "", f"{amount} bits of tape")

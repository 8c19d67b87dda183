"""Use case: the show on the screen. Overlays take alerts and acknowledge them, and the host commands."""

from functools import partial
from uuid import UUID

from attrs import evolve, frozen

from showtime_core.domain.events import AlertTested, ShowCommanded
from showtime_core.domain.own_entries import alert_test_entry, show_command_entry
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.acknowledging import Renewal, acknowledge, renew
from showtime_core.domain.show.kind_rules import KindRule
from showtime_core.domain.show.queue import Show
from showtime_core.domain.show.taking import NextAnswer, take_next
from showtime_core.ports import ShowStore, UnitOfWork
from showtime_core.use_cases.receive import plan_command


@frozen
class RunShow:
    """Use case: what is on the screen. Each request of an overlay reports the frames that it has painted."""

    store: ShowStore
    units: UnitOfWork
    policy: Policy

    async def take_next(self, overlay: str, frames: int) -> NextAnswer:
        """Give an overlay what it is to play, or say why it gets nothing."""
        return await self.store.change(partial(take_next, overlay=overlay, frames=frames))

    async def renew(self, showing: UUID, overlay: str, frames: int) -> Renewal:
        """Let an overlay keep what it plays; raises NotFound, or ShowingOver with the reason."""
        change = partial(renew, showing_id=showing, overlay=overlay, frames=frames)
        return await self.store.change(change, showing)

    async def acknowledge(self, showing: UUID, overlay: str, frames: int) -> None:
        """Record that a showing was painted and played; raises NotFound, or ShowingOver with the reason."""
        change = partial(acknowledge, showing_id=showing, overlay=overlay, frames=frames)
        await self.store.change(lambda show: (change(show), None), showing)

    async def command(self, command: ShowCommanded) -> None:
        """Follow a command of the host; raises Refused or NotFound, leaving no trace."""
        await self.units.record([show_command_entry(command)], self.policy, plan_command)

    async def test_alert(self, test: AlertTested) -> None:
        """Try out an alert: it pays nobody, and is told nowhere but in the queue.

        Raises Refused for a kind that is not known, or where there is no queue, leaving no trace.
        """
        await self.units.record([alert_test_entry(test)], self.policy, plan_command)

    async def report_streamed(self, instance: UUID) -> None:
        """Note that alerts are read without the queue at an instance; nothing without a queue."""

        def change(show: Show) -> tuple[Show, None]:
            if show.cursor is None:
                return show, None
            return evolve(show, streamed_at=show.now, streamed_by=instance), None

        await self.store.change(change)

    async def set_rule(self, kind: str, rule: KindRule) -> None:
        """Change the rule of a kind of alerts."""

        def change(show: Show) -> tuple[Show, None]:
            return evolve(show, rules={**show.rules, kind: rule}), None

        await self.store.change(change)

"""Use case: look after the channel at Twitch, and repair what can be repaired without anybody's help."""

import logging

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.broadcasts.stream_check import compare
from showtime_core.domain.events import StreamFound, StreamMissed
from showtime_core.domain.health import Health, TwitchHealth, is_check_due
from showtime_core.domain.journal import AdmittedBatch, JournalChanges
from showtime_core.domain.own_entries import repair_entry
from showtime_core.domain.reactions import Policy
from showtime_core.domain.subscriptions import SubscriptionFinding, reconcile, wanted_subscriptions
from showtime_core.errors import Refused, Unavailable
from showtime_core.ports import Channels, EventSubSubscriptions, HealthStore, UnitOfWork
from showtime_core.use_cases.keep_subscriptions import Sleep, ensure_subscriptions, inspect_subscriptions
from showtime_core.use_cases.receive import plan_changes

_log = logging.getLogger(__name__)


@frozen
class CheckChannel:
    """Use case: check the channel at Twitch, repair what can be repaired, and keep the findings."""

    login: str
    our_url: str
    channels: Channels
    subscriptions: EventSubSubscriptions
    units: UnitOfWork
    health: HealthStore
    policy: Policy
    pause: Sleep
    may_repair: bool
    """Whether it repairs subscriptions, or looks at them only."""
    with_chat: bool = False
    """Whether chat is read through EventSub."""

    async def check(self, state: ChannelState, *, is_forced: bool) -> None:
        """Look, repair, and keep what was found, if it is time to or `is_forced`.

        Raises Unavailable if the database is away; if Twitch is away, that is kept as what was found.
        """
        health = await self.health.read()
        if not (is_forced or is_check_due(health, state.revocations)):
            return
        try:
            found = await self._check(state, health)
        except (Refused, Unavailable) as reason:
            before = health.twitch or TwitchHealth(health.now)
            found = evolve(before, checked_at=health.now, failure=str(reason))
        await self.health.save_twitch(found)
        _log_findings(found, None if is_forced else health.twitch)

    async def _check(self, state: ChannelState, health: Health) -> TwitchHealth:
        broadcaster_id = await self.channels.user_id(self.login)
        missing, failure = health.twitch.missing if health.twitch else None, None
        try:  # first, since it does not wait
            compared = compare(state, await self.channels.stream_listing(broadcaster_id), missing)
            if compared.event:
                await record_repair(compared.event, self.units, self.policy)
            missing = compared.missing
        except (Refused, Unavailable) as reason:  # which is no reason to repair nothing
            failure = str(reason)
        return TwitchHealth(health.now, await self._check_subscriptions(broadcaster_id), failure, missing)

    async def _check_subscriptions(self, broadcaster_id: str) -> tuple[SubscriptionFinding, ...]:
        wanted, ours = wanted_subscriptions(broadcaster_id, with_chat=self.with_chat), self.subscriptions
        if self.may_repair:
            return await ensure_subscriptions(wanted, ours, self.our_url, self.pause, may_delete=True)
        return inspect_subscriptions(reconcile(wanted, await ours.list_all(), self.our_url))


async def record_repair(event: StreamFound | StreamMissed, units: UnitOfWork, policy: Policy) -> None:
    """React to what Twitch's API has shown, unless a message has told it in the meantime."""
    try:
        changes = await units.record([repair_entry(event)], policy, _plan_if_changed)
    except Refused:  # it is known by now
        return
    [verdict] = changes.verdicts
    about = {"message_id": verdict.entry_id}
    _log.warning("a message of Twitch was lost, and is made up for: %s", verdict.remark, extra=about)


def _plan_if_changed(batch: AdmittedBatch, policy: Policy) -> JournalChanges:
    """Plan what follows from a repair; raises Refused where it changes nothing, leaving no trace."""
    changes = plan_changes(batch, policy)
    if changes.state == batch.state:
        raise Refused("it is no news")
    return changes


def _log_findings(found: TwitchHealth, before: TwitchHealth | None) -> None:
    """Log each subscription that is not enabled, with its remedy, unless it was logged before."""
    if found.failure and not (before and before.failure == found.failure):
        _log.warning("Twitch cannot be asked how its subscriptions stand: %s", found.failure)
    for each in found.findings:
        is_told = before and each in before.findings
        if not is_told and not each.is_healthy and (each.problem or not each.is_optional):
            _log.warning("the subscription to %s is %s: %s", each.type, each.status, each.problem or "-")

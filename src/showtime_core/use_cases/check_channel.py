"""Use case: look after the channel at Twitch, and repair what can be repaired without anybody's help."""

import json
import logging
from datetime import datetime
from typing import assert_never

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.broadcasts.stream_check import Doubt, compare
from showtime_core.domain.events import StreamFound, StreamMissed
from showtime_core.domain.health import Health, TwitchHealth, is_due
from showtime_core.domain.journal import Admission, Entry, Page, Source
from showtime_core.domain.reactions import Policy
from showtime_core.domain.subscriptions import Finding, reconcile, wanted_of
from showtime_core.errors import Refused, Unavailable
from showtime_core.ports import Channels, HealthRecord, Subscriptions, UnitOfWork
from showtime_core.use_cases.keep_subscriptions import Pause, keep, look
from showtime_core.use_cases.receive import follow

_log = logging.getLogger(__name__)


@frozen
class Watch:
    """All that it takes to look after a channel."""

    login: str
    our_url: str
    channels: Channels
    subscriptions: Subscriptions
    units: UnitOfWork
    record: HealthRecord
    policy: Policy
    pause: Pause
    repairs: bool
    """Whether it repairs subscriptions, or looks at them only."""
    with_chat: bool = False
    """Whether chat is read through EventSub."""

    async def check(self, state: ChannelState, *, is_forced: bool) -> None:
        """Look, repair, and keep what was found, if it is time to or `is_forced`. Raises Unavailable if the
        database is away; of Twitch, whatever it says is kept.
        """  # noqa: D205 - one sentence
        health = await self.record.read()
        if not (is_forced or is_due(health, state.revocations)):
            return
        try:
            found = await self._check(state, health)
        except (Refused, Unavailable) as reason:
            before = health.twitch or TwitchHealth(health.now)
            found = evolve(before, checked_at=health.now, failure=str(reason))
        await self.record.keep_twitch(found)
        _tell(found)

    async def _check(self, state: ChannelState, health: Health) -> TwitchHealth:
        broadcaster_id = await self.channels.user_id(self.login)
        doubt, failure = health.twitch.doubt if health.twitch else None, None
        try:
            doubt = await self._compare(state, broadcaster_id, doubt)  # first, since it does not wait
        except (Refused, Unavailable) as reason:  # which is no reason to repair nothing
            failure = str(reason)
        return TwitchHealth(health.now, await self._look_after(broadcaster_id), failure, doubt)

    async def _look_after(self, broadcaster_id: str) -> tuple[Finding, ...]:
        wanted = wanted_of(broadcaster_id, with_chat=self.with_chat)
        if self.repairs:
            return await keep(wanted, self.subscriptions, self.our_url, self.pause, may_delete=True)
        return look(reconcile(wanted, await self.subscriptions.existing(), self.our_url))

    async def _compare(self, state: ChannelState, broadcaster_id: str, doubt: Doubt | None) -> Doubt | None:
        listing = await self.channels.listing(broadcaster_id)
        compared = compare(state, listing, doubt)
        if compared.event:
            await record_repair(compared.event, self.units, self.policy)
        return compared.doubt


async def record_repair(event: StreamFound | StreamMissed, units: UnitOfWork, policy: Policy) -> None:
    """React to what Twitch's API has shown, unless a message has told it in the meantime."""
    try:
        page = await units.record([repair_entry(event)], policy, _follow_news)
    except Refused:  # it is known by now
        return
    [verdict] = page.verdicts
    about = {"message_id": verdict.entry_id}
    _log.warning("a message of Twitch was lost, and is made up for: %s", verdict.remark, extra=about)


def _follow_news(admission: Admission, policy: Policy) -> Page:
    """Work out what follows; what changes nothing is refused, and leaves no trace."""
    page = follow(admission, policy)
    if page.state == admission.state:
        raise Refused("it is no news")
    return page


def repair_entry(event: StreamFound | StreamMissed) -> Entry:
    """Write what was found as an entry of the journal."""
    match event:
        case StreamFound(stream_id, started_at, seen_at):
            kind, said = "stream.found", {"streamId": stream_id, "startedAt": started_at.isoformat()}
        case StreamMissed(since, seen_at, stream_id):
            kind, said = "stream.missed", {"since": since.isoformat()}
            said |= {"streamId": stream_id} if stream_id else {}
        case _:
            assert_never(event)
    said["seenAt"] = seen_at.isoformat()
    entry_id = f"repair:{kind}:{seen_at.isoformat()}"
    return Entry(entry_id, Source.REPAIR, kind, seen_at, event, json.dumps(said).encode())


def read_repair(entry: Entry) -> StreamFound | StreamMissed:
    """Read such an entry again, from its body."""
    said = json.loads(entry.body)
    times = {name: datetime.fromisoformat(said[name]) for name in said if name != "streamId"}
    if entry.type == "stream.missed":
        return StreamMissed(times["since"], times["seenAt"], said.get("streamId"))
    return StreamFound(said["streamId"], times["startedAt"], times["seenAt"])


def _tell(found: TwitchHealth) -> None:
    """Tell the operator what is not well, and what to do."""
    if found.failure:
        _log.warning("Twitch cannot be asked how its subscriptions stand: %s", found.failure)
    for each in found.findings:
        if not each.is_well and (each.problem or not each.is_optional):
            _log.warning("the subscription to %s is %s: %s", each.type, each.status, each.problem or "-")

"""What follows from what happens: the table of contents of the system."""

from datetime import datetime
from typing import assert_never

from attrs import evolve, frozen

from showtime_core.domain import alerts, events
from showtime_core.domain.alert_tests import AlertTest, alert_test
from showtime_core.domain.alerts import Alert
from showtime_core.domain.broadcasts.broadcast import (
    ChannelState,
    Revocation,
    apply_fact,
    begin_ad_break,
    open_screening,
    put_tape_on,
    take_tape_off,
    update_hype_train,
)
from showtime_core.domain.broadcasts.stream_check import changes_state
from showtime_core.domain.broadcasts.timeline import fact_of
from showtime_core.domain.events import Event
from showtime_core.domain.points_and_ghosts.effects import (
    Credit,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    Feature,
)
from showtime_core.domain.points_and_ghosts.ghost_limits import Denial, GhostLimits, requested_subject
from showtime_core.domain.points_and_ghosts.ghosts import GhostRequest, without_request
from showtime_core.domain.points_and_ghosts.points import (
    POINTS_PER_BIT,
    POINTS_PER_GIFT,
    POINTS_PER_SUBSCRIPTION,
    TIMES_OF_TIER1,
)
from showtime_core.domain.show.commands import AdsBegan, ShowChange
from showtime_core.domain.viewers import ANONYMOUS_NAME, Viewer
from showtime_core.errors import LimitReached


@frozen
class Policy:
    """The settings that a reaction depends on; recorded with it, so that it can be replayed."""

    alert_gift_recipients: bool = False
    """Whether every recipient of a gift has an alert beside the giver's: fifty alerts bury the show."""
    features: frozenset[Feature] = frozenset(Feature)
    """What is on."""
    ghost_limits: GhostLimits = GhostLimits()
    """How many ghosts there may be."""


@frozen
class ViewerUpdate:
    """A viewer to remember, with the first time of each kind; a time that is known never changes."""

    viewer: Viewer
    followed_at: datetime | None = None
    subscribed_at: datetime | None = None


@frozen
class Reaction:
    """What follows from one event."""

    state: ChannelState
    viewer_updates: tuple[ViewerUpdate, ...] = ()
    alerts: tuple[Alert | AlertTest, ...] = ()
    credit: Credit | None = None
    ghost_request: GhostRequest | None = None
    """A ghost that is asked for: paid by the credit beside it, or else by what the viewer has."""
    denial: Denial | None = None
    """Why the ghost is not made: its effect is recorded as skipped."""
    remark: str | None = None
    """What the operator should know: an unknown tier, an offline while nothing was live."""
    show_change: ShowChange | None = None
    """A change to the queue of the show, other than a new alert."""


def react(  # noqa: C901, PLR0911, PLR0912 - one table
    event: Event, state: ChannelState, now: datetime, policy: Policy, denial: Denial | None = None
) -> Reaction:
    """Tell what follows from an event.

    `now` is when it happened, for events that hold no time: see `AdmittedBatch.time_of`. Raises Refused for
    what cannot be done in this state.
    """
    match event:
        case events.StreamOnline():
            return _stream_online(event, state)
        case events.StreamOffline():
            return _stream_offline(event, state)
        case events.Follow(viewer, followed_at):
            known = ViewerUpdate(viewer, followed_at=followed_at)
            return Reaction(state, (known,), (alerts.FollowAlert(viewer.name),))
        case events.Raid(raider, viewers):
            return Reaction(state, alerts=(alerts.RaidAlert(raider.name, viewers),))
        case events.Cheer():
            return _cheer(event, state, denial)
        case events.SubscriptionStart():
            return _subscription(event, state, policy)
        case events.Resubscription():
            return _resubscription(event, state)
        case events.GiftedSubscriptions():
            return _gift(event, state)
        case events.ChannelUpdate(title, category):
            return Reaction(evolve(state, title=title, category=category))
        case events.HypeTrainUpdate(_, phase, level):
            shown = () if phase is events.HypeTrainPhase.PROGRESS else (alerts.HypeTrainAlert(level),)
            return Reaction(update_hype_train(state, event), alerts=shown)
        case events.AdBreak():
            return Reaction(begin_ad_break(state, event), show_change=AdsBegan(event.ends_at))
        case events.WatchStreak(_, viewer):
            return Reaction(state, alerts=(alerts.WatchStreakAlert(viewer.name, event.streak, event.text),))
        case events.SubscriptionRevoked():
            return _revoked(event, state)
        case events.StreamFound():
            return _stream_found(event, state)
        case events.StreamMissed():
            remark = "the stream was not listed for long: the message of its end was lost"
            return Reaction(apply_fact(state, fact_of(event)), remark=remark)
        case events.SubscriptionEnd() | events.Redemption() | events.EntryDismissed():
            return Reaction(state)
        case events.ChatMessageSent() | events.ChatMessageDeleted():
            return Reaction(state)  # it belongs to the chat log, as the next two do: see `record_chat`
        case events.ChatUserSilenced() | events.ChatCleared():
            return Reaction(state)
        case events.TapeStarted(screening_id, tape_id):
            return Reaction(put_tape_on(state, screening_id, tape_id, now))
        case events.TapeStopped():
            return Reaction(take_tape_off(state, now))
        case events.ShowCommanded():
            return Reaction(state, show_change=event)
        case events.AlertTested(_, kind):
            return Reaction(state, alerts=(alert_test(kind),), show_change=event)
        case events.GhostRequested(viewer, subject):
            if denial:
                raise LimitReached(denial.reason, denial.limit, denial.retry_after)
            return Reaction(state, ghost_request=_ghost_request(viewer, subject, state))
        case events.GhostPaid(viewer, subject, url):
            return Reaction(state, alerts=(alerts.GhostAlert(viewer.name, subject, (url,)),))
        case events.EntryRetried(_, retried):
            return react(retried, state, now, policy, denial)
        case _:
            assert_never(event)


def _stream_online(event: events.StreamOnline, state: ChannelState) -> Reaction:
    if event.kind != "live":
        return Reaction(state, remark=f"a stream of kind {event.kind} is no broadcast")
    return Reaction(apply_fact(state, fact_of(event)))


def _stream_offline(event: events.StreamOffline, state: ChannelState) -> Reaction:
    after = apply_fact(state, fact_of(event))
    return Reaction(after, remark=_why_nothing_ends(event, state))


def _why_nothing_ends(event: events.StreamOffline, state: ChannelState) -> str | None:
    """Say why the end of a stream ends no broadcast; None: it may end the one that is live."""
    live = state.timeline.live
    if not live:
        return "the stream ended, but no broadcast was live"
    if live.may_be_on(event.stream_id):
        return None
    is_known = any(event.stream_id in night.streams for night in state.timeline.nights)
    which = "an earlier stream" if is_known else "a stream whose beginning is not known"
    return f"{event.stream_id} ended, {which}: the broadcast goes on with {live.streams[-1]}"


def _revoked(event: events.SubscriptionRevoked, state: ChannelState) -> Reaction:
    others = (other for other in state.revocations if other.type != event.type)
    revocation = Revocation(event.type, event.reason, event.sent_at)
    return Reaction(evolve(state, revocations=(*others, revocation)))


def _stream_found(event: events.StreamFound, state: ChannelState) -> Reaction:
    if not changes_state(state, event):
        return Reaction(state, remark="the stream was listed as live, as is known")
    after = apply_fact(state, fact_of(event))
    return Reaction(after, remark="the stream was listed as live: the message of its beginning was lost")


def _cheer(event: events.Cheer, state: ChannelState, denial: Denial | None) -> Reaction:
    """The viewer keeps the points whatever becomes of the ghost; the alert promises no ghost in vain."""
    is_power_up = isinstance(event, events.PowerUp) or None
    alert = alerts.CheerAlert(_name(event.viewer), event.bits, event.message, power_up=is_power_up)
    if not event.viewer:
        return Reaction(state, alerts=(alert,))
    credit = CreditCheer(event.viewer, event.bits * POINTS_PER_BIT, event.message)
    subject = requested_subject(event)
    if not subject:
        return Reaction(state, alerts=(alert,), credit=credit)
    request = _ghost_request(event.viewer, subject, state)
    reaction = Reaction(state, alerts=(alert,), credit=credit, ghost_request=request)
    if not denial:
        return reaction
    alert = evolve(alert, message=without_request(event.message))
    return evolve(reaction, alerts=(alert,), denial=denial, remark=f"no ghost: {denial.reason}")


def _ghost_request(viewer: Viewer, subject: str, state: ChannelState) -> GhostRequest:
    on = open_screening(state)
    return GhostRequest(viewer, subject, on.id if on else None)


def _subscription(event: events.SubscriptionStart, state: ChannelState, policy: Policy) -> Reaction:
    """The giver's alert stands for all recipients of a gift; each is remembered and credited all the same."""
    alert = alerts.SubscribeAlert(event.viewer.name, event.is_gift, num_cumulative_months=1, message="")
    known = ViewerUpdate(event.viewer, subscribed_at=event.sent_at)
    shown = policy.alert_gift_recipients or not event.is_gift
    reaction = Reaction(state, (known,), (alert,) if shown else ())
    return _with_credit(
        reaction, event.tier, _month(event.viewer, "", is_initial=True, is_gift=event.is_gift)
    )


def _resubscription(event: events.Resubscription, state: ChannelState) -> Reaction:
    name, months, message = event.viewer.name, event.cumulative_months, event.message
    alert = alerts.SubscribeAlert(name, is_gift=False, num_cumulative_months=months, message=message)
    reaction = Reaction(state, (ViewerUpdate(event.viewer),), (alert,))
    return _with_credit(reaction, event.tier, _month(event.viewer, message, is_initial=False, is_gift=False))


def _month(viewer: Viewer, message: str, *, is_initial: bool, is_gift: bool) -> CreditSubscription:
    return CreditSubscription(viewer, POINTS_PER_SUBSCRIPTION, 1, is_initial, is_gift, message)


def _with_credit(
    reaction: Reaction, tier: str, credit: CreditSubscription | CreditGiftSubs | None
) -> Reaction:
    """Credit what tier 1 earns times the factor of the tier; an unknown tier earns nothing, with a remark."""
    times = TIMES_OF_TIER1.get(tier)
    if times is None:
        return evolve(reaction, remark=f"tier {tier!r} is not known: nothing was credited")
    return evolve(reaction, credit=credit and evolve(credit, multiplier=times))


def _gift(event: events.GiftedSubscriptions, state: ChannelState) -> Reaction:
    shown = Reaction(state, alerts=(alerts.GiftSubAlert(_name(event.viewer), event.total),))
    credit = CreditGiftSubs(event.viewer, POINTS_PER_GIFT, 1, event.total) if event.viewer else None
    return _with_credit(shown, event.tier, credit)


def _name(viewer: Viewer | None) -> str:
    return viewer.name if viewer else ANONYMOUS_NAME

"""Whether the show is ready, in words for people: by the last check at Twitch, and by the reader of the chat.

The instance that checks keeps the result where every instance reads it, so that all give the same answer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState, Revocation
from showtime_core.domain.broadcasts.stream_check import MissingStream
from showtime_core.domain.chat import ChatHealth, ChatSource
from showtime_core.domain.subscriptions import CHAT_TYPES, MISSING, OPTIONAL, PENDING, SubscriptionFinding

CHECK_EVERY = timedelta(minutes=10)
"""How often the channel is looked after at Twitch while all is well."""
CHECK_MISSING_EVERY = timedelta(minutes=5)
"""A broadcast whose stream is missed must be missed three times within ten minutes."""
CHECK_TROUBLE_EVERY = timedelta(seconds=20)
"""While the last check was bad: with a look every 5 s, `/status` tells of the next within 30 s."""
STALE_AFTER = timedelta(minutes=30)
"""From what age on the last check says nothing any more: two have not been made since."""
CHAT_STALE_AFTER = timedelta(minutes=3)
"""The reader of the chat reports at least once a minute."""


@frozen
class TwitchHealth:
    """What the last check at Twitch came to."""

    checked_at: datetime
    findings: tuple[SubscriptionFinding, ...] = ()
    """Each subscription that is wanted; as they were found last, if Twitch could not be asked."""
    failure: str | None = None
    """Why Twitch could not be asked; None: it was."""
    missing: MissingStream | None = None

    @property
    def is_trouble(self) -> bool:
        """Whether something is wrong that may soon be over; a lack of what is optional mostly is not."""
        return bool(self.failure) or any(
            each.status == PENDING or not each.is_optional or (each.is_for_chat and not each.lacks_consent)
            for each in self.findings
            if not each.is_healthy
        )


@frozen
class Health:
    """All that is known of the health of the show."""

    now: datetime
    twitch: TwitchHealth | None = None
    """None: nobody has checked."""
    chat: ChatHealth | None = None
    """What its reader last reported; None: there never was one."""
    painted: int = 0
    """How many ghosts were painted in the last 24 hours, or are to be."""


@frozen
class PendingWork:
    """What waits, the same for all instances: for the operator, or to be performed."""

    parked_messages: int
    """Messages that wait for the operator."""
    parked_effects: int
    """Effects that wait for the operator."""
    waiting_effects: int
    """Effects that are to be performed."""
    oldest_effect_seconds: float
    """How long the oldest of them has waited; 0: there is none."""


@frozen
class Readiness:
    """Whether the show is ready, in one sentence for people."""

    is_ready: bool
    message: str


def open_revocations(state: ChannelState, checked: TwitchHealth | None) -> tuple[Revocation, ...]:
    """List the revocations that still count: all but those that a later check found repaired."""
    if not checked or checked.failure:
        return state.revocations
    well = {finding.type for finding in checked.findings if finding.is_healthy}
    return tuple(
        ended for ended in state.revocations if ended.sent_at > checked.checked_at or ended.type not in well
    )


def is_check_due(health: Health, revocations: Iterable[Revocation]) -> bool:
    """Tell whether to check at Twitch again: every 10 minutes, in trouble every 20 s until it is over.

    After a revocation at once.
    """
    checked = health.twitch
    if not checked or any(ended.sent_at > checked.checked_at for ended in revocations):
        return True
    age = health.now - checked.checked_at
    if checked.is_trouble:
        return age >= CHECK_TROUBLE_EVERY
    return age >= (CHECK_MISSING_EVERY if checked.missing else CHECK_EVERY)


def assess(  # noqa: PLR0913 - all that is told
    health: Health,
    state: ChannelState,
    off: Iterable[str],
    *,
    is_checked: bool,
    chat: ChatSource,
    most_painted: int | None = None,
) -> Readiness:
    """Assess readiness: Twitch first, then chat. `is_checked`: this channel is checked at Twitch."""
    checked = health.twitch if is_checked else None
    if trouble := twitch_trouble(health, state, is_checked=is_checked):
        return Readiness(is_ready=False, message=trouble)
    if degraded := chat_trouble(health, state, chat, is_checked=is_checked):
        is_ready, reason = degraded
        return Readiness(is_ready, f"chat functionality is degraded. (Error: {reason})")
    optional = [each for each in checked.findings if not each.is_healthy] if checked else []
    said = ["showtime is fully operational."]
    said += [f"Off: {', '.join(sorted(off))}."] if off else []
    said += [f"Without: {_types(optional)}."] if optional else []
    if most_painted and health.painted >= most_painted:  # which is what was wanted, and no fault
        said.append(f"No more ghosts for now: {most_painted} in 24 hours.")
    return Readiness(is_ready=True, message=" ".join(said))


def twitch_trouble(health: Health, state: ChannelState, *, is_checked: bool) -> str | None:
    """Say what is wrong at Twitch, chat left out; None: nothing is, as far as is known."""
    return (
        _check_trouble(health, is_checked=is_checked)
        or _revocation_trouble(_uncured(health, state, is_checked=is_checked))
        or _subscription_trouble(health.twitch if is_checked else None)
    )


def _uncured(health: Health, state: ChannelState, *, is_checked: bool) -> Sequence[Revocation]:
    """List the revocations that count.

    Each does until somebody has checked: how its subscription stands is told then.
    """
    if is_checked and (checked := health.twitch):
        return [each for each in state.revocations if each.sent_at > checked.checked_at]
    return open_revocations(state, health.twitch)


def _check_trouble(health: Health, *, is_checked: bool) -> str | None:
    checked = health.twitch
    if not is_checked:
        return None
    if not checked:
        return "The subscriptions at Twitch have not been checked yet."
    if checked.failure:
        return f"The subscriptions at Twitch cannot be checked. (Error: {checked.failure})"
    if health.now - checked.checked_at > STALE_AFTER:
        return f"The subscriptions at Twitch were last checked at {checked.checked_at:%Y-%m-%dT%H:%M:%SZ}."
    return None


def _revocation_trouble(ended: Sequence[Revocation]) -> str | None:
    if all(each.type in OPTIONAL for each in ended):
        return None
    named = f"subscription{'s' if len(ended) > 1 else ''} to {_types(ended)}"
    return f"Twitch has revoked the {named}." + _error(", ".join(sorted({each.reason for each in ended})))


def _subscription_trouble(checked: TwitchHealth | None) -> str | None:
    if not checked:
        return None
    unwell = [each for each in checked.findings if not (each.is_healthy or each.is_optional)]
    missing = [each for each in unwell if each.status == MISSING]
    disabled = [each for each in unwell if each.status not in (MISSING, PENDING)]
    if missing:
        reason = next((each.problem for each in missing if each.problem), None)
        return f"Twitch subscriptions are missing: {_types(missing)}." + _error(reason)
    if disabled:
        why = ", ".join(sorted({each.status for each in disabled}))
        return f"Twitch subscriptions are disabled: {_types(disabled)}." + _error(why)
    if unwell:
        return f"Twitch is about to verify subscriptions: {_types(unwell)}."
    return None


def chat_trouble(
    health: Health, state: ChannelState, chat: ChatSource, *, is_checked: bool
) -> tuple[bool, str] | None:
    """Tell whether the show is ready all the same, and what is wrong with chat; None: nothing is."""
    checked = health.twitch if is_checked else None
    ended = _uncured(health, state, is_checked=is_checked)
    reason: str | None = None
    if chat == "irc" and not health.chat:
        reason = "it has not been read yet"
    elif chat == "irc" and health.chat:
        is_stale = health.now - health.chat.checked_at > CHAT_STALE_AFTER
        since = f"nothing was heard of it since {health.chat.checked_at:%Y-%m-%dT%H:%M:%SZ}"
        reason = since if is_stale else health.chat.failure
    elif chat == "eventsub":
        revoked = [each for each in ended if each.type in CHAT_TYPES]
        reason = ", ".join(f"{each.type} was revoked: {each.reason}" for each in revoked)
        silent = (
            [each for each in checked.findings if each.is_for_chat and not each.is_healthy] if checked else []
        )
        if silent and not reason:
            unsaid = ", ".join(f"{each.type} is {each.status}" for each in silent)
            # To do without consent is no fault: it was not asked for when the channel was first set up.
            is_ready = all(each.lacks_consent for each in silent)
            return is_ready, next((each.problem for each in silent if each.problem), unsaid)
    return (False, reason) if reason else None


def _types(told: Iterable[SubscriptionFinding | Revocation]) -> str:
    return ", ".join(each.type for each in told)


def _error(reason: str | None) -> str:
    return f" (Error: {reason})" if reason else ""

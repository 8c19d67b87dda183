"""How the show stands, told to people: from what was found at Twitch, and from what became of the chat.

Whoever checks keeps the result where every instance reads it, so that all give the same answer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState, Revocation
from showtime_core.domain.broadcasts.stream_check import Doubt
from showtime_core.domain.chat import ChatHealth, ChatSource
from showtime_core.domain.subscriptions import CHAT, MISSING, OPTIONAL, PENDING, Finding

CHECK_EVERY = timedelta(minutes=10)
CHECK_DOUBTS_EVERY = timedelta(minutes=5)
"""A broadcast whose stream is missed must be missed three times within ten minutes."""
CHECK_TROUBLE_EVERY = timedelta(minutes=1)
"""While Twitch is away, or about to verify."""
OLD_AFTER = timedelta(minutes=30)
CHAT_OLD_AFTER = timedelta(minutes=3)
"""Whoever reads the chat says at least every minute how that stands."""


@frozen
class TwitchHealth:
    """What the last check at Twitch came to."""

    checked_at: datetime
    findings: tuple[Finding, ...] = ()
    """Each subscription that is wanted; as they were found last, if Twitch could not be asked."""
    failure: str | None = None
    """Why Twitch could not be asked; None: it was."""
    doubt: Doubt | None = None


@frozen
class Health:
    """All that is known of how the show stands."""

    now: datetime
    twitch: TwitchHealth | None = None
    """None: nobody has checked."""
    chat: ChatHealth | None = None
    """How its reader fares; None: there never was one."""
    painted: int = 0
    """How many ghosts were painted in the last 24 hours, or are to be."""


@frozen
class Standing:
    """How it stands, told to people."""

    is_ready: bool
    message: str


def unrepaired(state: ChannelState, checked: TwitchHealth | None) -> tuple[Revocation, ...]:
    """Tell which revocations still count: all but those that a check has found to be repaired since."""
    if not checked or checked.failure:
        return state.revocations
    well = {finding.type for finding in checked.findings if finding.is_well}
    return tuple(
        ended for ended in state.revocations if ended.sent_at > checked.checked_at or ended.type not in well
    )


def is_due(health: Health, revocations: Iterable[Revocation]) -> bool:
    """Tell whether it is time for another check at Twitch."""
    checked = health.twitch
    if not checked or any(ended.sent_at > checked.checked_at for ended in revocations):
        return True
    age = health.now - checked.checked_at
    if checked.failure or any(finding.status == PENDING for finding in checked.findings):
        return age >= CHECK_TROUBLE_EVERY
    return age >= (CHECK_DOUBTS_EVERY if checked.doubt else CHECK_EVERY)


def judge(  # noqa: PLR0913 - all that is told
    health: Health,
    state: ChannelState,
    off: Iterable[str],
    *,
    is_checked: bool,
    chat: ChatSource,
    most_painted: int | None = None,
) -> Standing:
    """Tell how it stands: Twitch first, then the chat; `is_checked`: somebody ought to check Twitch.

    `most_painted`: how many ghosts may be painted in 24 hours; None: there is no limit.
    """
    checked = health.twitch if is_checked else None
    ended = _news(state, checked) if checked else unrepaired(state, health.twitch)
    trouble = _of_check(health, is_checked=is_checked) or _of_revocations(ended) or _of_subscriptions(checked)
    if trouble:
        return Standing(is_ready=False, message=trouble)
    degraded = None
    if chat == "irc":
        degraded = _of_reader(health)
    elif chat == "eventsub":
        degraded = _of_chat(checked, ended)
    if degraded:
        return evolve(degraded, message=f"chat functionality is degraded. (Error: {degraded.message})")
    return Standing(
        is_ready=True,
        message="showtime is fully operational." + _reserve(checked, off) + _of_ghosts(health, most_painted),
    )


def _of_check(health: Health, *, is_checked: bool) -> str | None:
    checked = health.twitch
    if not is_checked:
        return None
    if not checked:
        return "The subscriptions at Twitch have not been checked yet."
    if checked.failure:
        return f"The subscriptions at Twitch cannot be checked. (Error: {checked.failure})"
    if health.now - checked.checked_at > OLD_AFTER:
        return f"The subscriptions at Twitch were last checked at {checked.checked_at:%Y-%m-%dT%H:%M:%SZ}."
    return None


def _news(state: ChannelState, checked: TwitchHealth) -> Sequence[Revocation]:
    """A revocation counts until somebody has checked: how the subscription stands since is told below."""
    return [ended for ended in state.revocations if ended.sent_at > checked.checked_at]


def _of_revocations(ended: Sequence[Revocation]) -> str | None:
    required = [each for each in ended if each.type not in OPTIONAL]
    if not required:
        return None
    return f"Twitch has revoked the subscription to {required[-1].type}." + _error(required[-1].reason)


def _of_subscriptions(checked: TwitchHealth | None) -> str | None:
    if not checked:
        return None
    unwell = [each for each in checked.findings if not (each.is_well or each.is_optional)]
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


def _of_reader(health: Health) -> Standing | None:
    reason: str | None = "it has not been read yet"
    if health.chat and health.now - health.chat.checked_at > CHAT_OLD_AFTER:
        reason = f"nothing was heard of it since {health.chat.checked_at:%Y-%m-%dT%H:%M:%SZ}"
    elif health.chat:
        reason = health.chat.failure
    return Standing(is_ready=False, message=reason) if reason else None


def _of_chat(checked: TwitchHealth | None, ended: Sequence[Revocation]) -> Standing | None:
    for each in ended:
        if each.type.startswith(CHAT):
            return Standing(is_ready=False, message=f"{each.type} was revoked: {each.reason}")
    silent = [each for each in checked.findings if each.is_of_chat and not each.is_well] if checked else []
    if not silent:
        return None
    unsaid = f"{silent[0].type} is {silent[0].status}"
    # To do without consent is no fault: it was not asked for when the channel was first set up.
    return Standing(
        is_ready=all(each.lacks_consent for each in silent),
        message=next((each.problem for each in silent if each.problem), unsaid),
    )


def _reserve(checked: TwitchHealth | None, off: Iterable[str]) -> str:
    """Tell what the show goes on without."""
    optional = [each for each in checked.findings if not each.is_well] if checked else []
    said = [f" Off: {', '.join(sorted(off))}."] if off else []
    said += [f" Without: {_types(optional)}."] if optional else []
    return "".join(said)


def _of_ghosts(health: Health, most: int | None) -> str:
    """Tell that no more are made for now: that is what was wanted, and no fault."""
    return f" No more ghosts for now: {most} in 24 hours." if most and health.painted >= most else ""


def _types(findings: Iterable[Finding]) -> str:
    return ", ".join(finding.type for finding in findings)


def _error(reason: str | None) -> str:
    return f" (Error: {reason})" if reason else ""

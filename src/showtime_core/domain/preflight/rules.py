"""What follows from what a try has found: pure rules, one for each link that has any."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from showtime_core.domain.chat import ChatSource
from showtime_core.domain.health import CHAT_STALE_AFTER, Health
from showtime_core.domain.preflight.links import Finding, LinkState, failed, off
from showtime_core.domain.show.leading import LEADER_GONE_AFTER
from showtime_core.domain.show.queue import Show
from showtime_core.domain.subscriptions import (
    AUTOMOD_SCOPE,
    ENABLED,
    PENDING,
    EventSubSubscription,
    SubscriptionFinding,
    WantedSubscription,
    optional_scopes,
    reconcile,
    required_scopes,
)

THROW_AWAY_TYPE = "user.update"
"""The type of the subscription that makes Twitch call us: it needs no authorisation for our own user, and the
show wants it for nothing (EventSub reference, User Update, version 1)."""
REVOKED_CONSENT = "authorization_revoked"
"""The status of a subscription whose user has taken the consent back (EventSub reference)."""
SHORT_TOKEN = timedelta(minutes=1)
"""A token that lasts no longer is renewed before it is used."""
CLOCK_IS_RIGHT = timedelta(seconds=2)
"""The `Date` of an answer has whole seconds, and the answer takes a while."""
CLOCK_IS_WRONG = timedelta(seconds=30)
"""From here on the times of tapes and of what Twitch tells do not fit together any more."""
LITTLE_SPACE = 2 * 1024**3
"""Bytes: from below this on the operator should see to it."""
NO_SPACE = 256 * 1024**2
"""Bytes: PostgreSQL keeps a log of this size, and stops when it cannot."""


def throw_away(broadcaster_id: str) -> WantedSubscription:
    """Give the subscription that is made to be challenged, and deleted."""
    return WantedSubscription(THROW_AWAY_TYPE, "1", frozenset({("user_id", broadcaster_id)}))


def judge_challenge(found: EventSubSubscription | None) -> Finding:
    """Tell what came of the throw-away subscription; None: it is gone."""
    if found is None:
        return failed("the throw-away subscription is gone: somebody else has deleted it", "try again")
    if found.status == ENABLED:
        return Finding(LinkState.OK, "Twitch challenged us")
    if found.status == PENDING:
        return failed("Twitch has not verified our URL")
    return failed(f"Twitch cannot verify our URL: {found.status}")


def judge_consent(
    wanted: Sequence[WantedSubscription],
    existing: Iterable[EventSubSubscription],
    our_url: str,
    refused: Iterable[SubscriptionFinding],
    *,
    automod: bool | None = None,
) -> Finding:
    """Tell which scopes the broadcaster has consented to, as far as Twitch tells.

    Twitch tells nobody else's application what a user consents to. But a subscription is enabled only while
    the consent holds that its type needs, and without it is refused or revoked. `refused` are the findings of
    the latest check; `automod` tells whether AutoMod may be asked, None: nobody wants to.
    """
    ours = [each for each in existing if each.callback == our_url]
    enabled = [each for each, found in reconcile(wanted, ours, our_url).keep if found.status == ENABLED]
    revoked = {each.type for each in ours if each.status == REVOKED_CONSENT}
    revoked |= {each.type for each in refused if each.lacks_consent}
    scopes, proven = set(required_scopes(wanted)), set(required_scopes(enabled))
    suspects = set(required_scopes(each for each in wanted if each.type in revoked and each not in enabled))
    lacking = suspects - proven
    if automod is not None:
        scopes.add(AUTOMOD_SCOPE)
        (proven if automod else lacking).add(AUTOMOD_SCOPE)
    return _tell_scopes(scopes, proven & scopes, lacking, optional_scopes(wanted))


def _tell_scopes(scopes: set[str], proven: set[str], lacking: set[str], optional: frozenset[str]) -> Finding:
    told = f"{len(proven)} of {len(scopes)} scopes"
    if needed := sorted(lacking - optional):
        return failed(f"{told}; the consent lacks {', '.join(needed)}")
    if lacking:
        remedy = "run `showtime init`, and consent again, to have these events as well"
        return Finding(LinkState.WARNING, f"{told}; the consent lacks {', '.join(sorted(lacking))}", remedy)
    if unproven := sorted(scopes - proven):
        remedy = "run `showtime init`: it makes the subscriptions that are missing"
        said = f"{told}; no subscription proves {', '.join(unproven)}"
        return Finding(LinkState.UNKNOWN, said, remedy)
    return Finding(LinkState.OK, told)


def judge_token(life: timedelta) -> Finding:
    """Tell how long a service token is good for."""
    if life <= SHORT_TOKEN:
        said = f"a token came, good for {life.total_seconds():.0f} s only"
        return Finding(LinkState.WARNING, said, "have the auth service issue tokens that last longer")
    return Finding(LinkState.OK, f"token good for {_in_words(life)}")


def judge_clock(ahead: timedelta) -> Finding:
    """Tell by how much our clock is ahead of Twitch's."""
    side = "ahead of" if ahead >= timedelta(0) else "behind"
    said = f"{abs(ahead.total_seconds()):.1f} s {side} Twitch"
    if abs(ahead) > CLOCK_IS_WRONG:
        return failed(said)
    if abs(ahead) > CLOCK_IS_RIGHT:
        return Finding(LinkState.WARNING, said, "set this machine's clock, and keep it by NTP")
    return Finding(LinkState.OK, said)


def judge_disk(free: int | None) -> Finding:
    """Tell how much space is left, in bytes; None: it cannot be seen from here."""
    if free is None:
        said = "the database is kept elsewhere: its disk cannot be seen from here"
        return Finding(LinkState.UNKNOWN, said, "see how much room is left where the database lives")
    said = f"{free / 10**9:.1f} GB free"
    if free < NO_SPACE:
        return failed(said)
    if free < LITTLE_SPACE:
        return Finding(LinkState.WARNING, said, "make room where the database lives")
    return Finding(LinkState.OK, said)


def judge_chat(health: Health, way: ChatSource, channel: str | None) -> Finding:
    """Tell whether the reader of the chat has joined, by what it reported last."""
    if way == "off":
        return off("CHAT_SOURCE is off, or no TWITCH_CHANNEL_NAME is set")
    heard = health.chat
    if heard is None:
        return Finding(LinkState.UNKNOWN, "chat has not been read yet", "start `showtime serve`")
    if heard.failure:
        return failed(heard.failure)
    if health.now - heard.checked_at > CHAT_STALE_AFTER:
        return failed(f"nothing was heard of it since {heard.checked_at:%Y-%m-%dT%H:%M:%SZ}")
    age = max((health.now - heard.checked_at).total_seconds(), 0.0)
    return Finding(LinkState.OK, f"joined #{(channel or '').lower()}, as was reported {age:.0f} s ago")


def judge_chat_subscriptions(
    wanted: Sequence[WantedSubscription], existing: Iterable[EventSubSubscription], our_url: str
) -> Finding:
    """Tell whether chat comes by EventSub; `wanted` are the types of chat."""
    kept = reconcile(wanted, existing, our_url).keep
    silent = {each.type for each in wanted} - {each.type for each, found in kept if found.status == ENABLED}
    if silent:
        return failed(f"not enabled: {', '.join(sorted(silent))}", "run `showtime init`")
    return Finding(LinkState.OK, f"{len(wanted)} subscriptions to chat are enabled")


def judge_overlay(show: Show) -> Finding:
    """Tell whether an overlay paints, by its latest reports."""
    if show.cursor is None:
        return off("no overlay has an address yet: make one in the console, or by POST /admin/show/secrets")
    painting = [each for each in show.overlays.values() if _is_recent(each.painted_at, show.now)]
    if painting:
        count = "an overlay paints" if len(painting) == 1 else f"{len(painting)} overlays paint"
        return Finding(LinkState.OK, count)
    if any(_is_recent(each.seen_at, show.now) for each in show.overlays.values()):
        return failed("an overlay is connected, and does not paint", "make its source visible in OBS")
    return failed("no overlay is connected")


def _is_recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at < LEADER_GONE_AFTER


def _in_words(life: timedelta) -> str:
    minutes = int(life.total_seconds()) // 60
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

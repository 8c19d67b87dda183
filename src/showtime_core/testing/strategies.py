"""Hypothesis strategies for everything that can happen to a channel.

For the tests of whoever embeds the core, or builds something on the events of a channel:

    @given(evenings())
    async def test_every_message_is_recorded(evening): ...

Strategies for values are functions in the plural. Those of events take `times`, a strategy for Twitch's
clock. Viewers come from a small cast, so that they meet again; text has everything that viewers write, but
for NUL and lone surrogates, of which the edge cleans it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve, fields
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, Malformed, Unknown
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.entries import CAST as CAST  # noqa: PLC0414 - given again by this name
from showtime_core.testing.entries import OPENING_NIGHT as OPENING_NIGHT  # noqa: PLC0414
from showtime_core.testing.entries import TWITCH_TYPES as TWITCH_TYPES  # noqa: PLC0414
from showtime_core.testing.entries import Content as Content  # noqa: PLC0414
from showtime_core.testing.entries import entry as entry  # noqa: PLC0414

STREAM_IDS = ("41375541868", "41375541869", "41375541870", "41375541871")
"""Few, so that streams return and cross each other."""

Times = st.SearchStrategy[datetime]


def before(now: datetime, span: timedelta = timedelta(minutes=20)) -> Times:
    """Times up to `now`, to the second, and now and then with the microseconds that Twitch sends."""
    seconds = st.integers(0, int(span.total_seconds()))
    parts = st.one_of(st.just(0), st.integers(0, 999_999))
    return st.builds(lambda late, part: now - timedelta(seconds=late, microseconds=part), seconds, parts)


TIMES = before(OPENING_NIGHT + timedelta(hours=4), timedelta(hours=4))
"""Any time of the opening night."""


def texts() -> st.SearchStrategy[str]:
    """What viewers write: anything, and often a wish for a ghost."""
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    plain = st.text(letters, max_size=150)
    wishes = st.sampled_from(
        ("ghost of ", "Cheer200 Ghost Of ", "ȺİGHOST OF\u2003", "ghost often ", "ghost of")
    )
    return plain | st.builds(str.__add__, wishes, plain)


def viewers() -> st.SearchStrategy[Viewer]:
    """Viewers of the cast, sometimes under a new name."""
    renamed = st.builds(lambda viewer: evolve(viewer, display_name="WasSomeoneElse"), st.sampled_from(CAST))
    return st.sampled_from(CAST) | renamed


def tiers() -> st.SearchStrategy[str]:
    """Tiers as Twitch writes them, and some that it might yet invent."""
    return st.sampled_from(("1000", "2000", "3000", "4000", "Prime", ""))


def stream_onlines(times: Times = TIMES) -> st.SearchStrategy[ev.StreamOnline]:
    """Streams that are live: said at once or late, and now and then a rerun."""

    def online(stream: str, kind: str, sent_at: datetime, age: timedelta) -> ev.StreamOnline:
        return ev.StreamOnline(stream, kind, sent_at - age, sent_at)

    return st.builds(
        online,
        st.sampled_from(STREAM_IDS),
        st.sampled_from(("live", "live", "live", "rerun")),
        times,
        st.integers(0, 600).map(lambda seconds: timedelta(seconds=seconds)),
    )


def stream_offlines(times: Times = TIMES) -> st.SearchStrategy[ev.StreamOffline]:
    """Streams that ended: Twitch says which, or not; also one of which it says nothing else."""
    return st.builds(ev.StreamOffline, times, st.none() | st.sampled_from((*STREAM_IDS, "41375541872")))


def follows(times: Times = TIMES) -> st.SearchStrategy[ev.Follow]:
    """Viewers who follow."""
    return st.builds(ev.Follow, viewers(), times)


def raids() -> st.SearchStrategy[ev.Raid]:
    """Other channels' audiences."""
    return st.builds(ev.Raid, viewers(), st.integers(0, 100_000))


def cheers() -> st.SearchStrategy[ev.Cheer]:
    """Cheers and Power-ups, anonymous ones too, below and above the price of a ghost."""
    bits = st.sampled_from((1, 100, 199, 200, 201, 1000)) | st.integers(1, 100_000)
    kinds = st.sampled_from((ev.Cheer, ev.PowerUp))
    return st.builds(lambda kind, *said: kind(*said), kinds, st.none() | viewers(), bits, texts())


def ad_breaks(times: Times = TIMES) -> st.SearchStrategy[ev.AdBreak]:
    """Ads that begin, scheduled or not."""
    lengths = st.integers(30, 180).map(lambda seconds: timedelta(seconds=seconds))
    return st.builds(
        lambda began, length, planned: ev.AdBreak(began, began + length, planned),
        *(times, lengths, st.booleans()),
    )


def watch_streaks() -> st.SearchStrategy[ev.WatchStreak]:
    """Watch streaks that viewers share, some with words; few messages, so that one is told twice."""
    message_ids, streaks = st.sampled_from(("streak-1", "streak-2", "streak-3")), st.integers(1, 500)
    return st.builds(ev.WatchStreak, message_ids, viewers(), st.just(""), texts(), streak=streaks)


def subscriptions(times: Times = TIMES) -> st.SearchStrategy[ev.SubscriptionStart]:
    """Subscriptions that begin, paid or as a gift."""
    return st.builds(ev.SubscriptionStart, viewers(), tiers(), st.booleans(), times)


def resubscriptions(times: Times = TIMES) -> st.SearchStrategy[ev.Resubscription]:
    """Months that viewers share: further ones, and those of a subscription that has just begun."""
    return st.builds(ev.Resubscription, viewers(), tiers(), st.integers(0, 200), texts(), times)


def apart() -> st.SearchStrategy[timedelta]:
    """How far the two messages of one month may lie apart, either way, at the edge too."""
    month = timedelta(days=28)
    edges = st.sampled_from((timedelta(0), timedelta(seconds=1), month, -month))
    return edges | st.timedeltas(-month, month)


def two_of_a_month(
    viewer: Viewer, tier: str, began_at: datetime, apart: timedelta
) -> tuple[ev.SubscriptionStart, ev.Resubscription]:
    """What Twitch tells of one month that a viewer pays and shares, so long after it began."""
    began = ev.SubscriptionStart(viewer, tier, is_gift=False, sent_at=began_at)
    return began, ev.Resubscription(viewer, tier, 14, "back again", began_at + apart)


def gifts() -> st.SearchStrategy[ev.GiftedSubscriptions]:
    """Subscriptions given away, anonymously too."""
    return st.builds(ev.GiftedSubscriptions, st.none() | viewers(), tiers(), st.integers(1, 100))


def hype_trains() -> st.SearchStrategy[ev.HypeTrainUpdate]:
    """Hype trains that begin, go on and end; few, so that Twitch reports one twice."""
    ids, phases = st.sampled_from(("choo-1", "choo-2")), st.sampled_from(ev.HypeTrainPhase)
    levels, ways, times = st.integers(1, 100), st.integers(0, 9), st.none() | TIMES
    return st.builds(ev.HypeTrainUpdate, ids, phases, levels, ways, st.just(10), times, times)


def revocations(times: Times = TIMES) -> st.SearchStrategy[ev.SubscriptionRevoked]:
    """EventSub subscriptions that Twitch ends, for reasons old and new."""
    reasons = st.sampled_from(("authorization_revoked", "user_removed", "moon_phase"))
    return st.builds(ev.SubscriptionRevoked, st.sampled_from(TWITCH_TYPES), reasons, times)


def small_talk() -> st.SearchStrategy[ev.Event]:
    """Events that have no reaction, or change only what the console shows."""
    return st.one_of(
        st.builds(ev.SubscriptionEnd, viewers()),
        st.builds(ev.ChannelUpdate, texts(), texts()),
        st.builds(ev.Redemption, st.sampled_from(("rewind-1", "rewind-2")), viewers()),
        chat_events(),
    )


def chat_events() -> st.SearchStrategy[ev.ChatEvent]:
    """Chat and what moderators do to it: few messages and few viewers, so that deeds meet their messages."""
    message_ids = st.sampled_from(("chat-1", "chat-2", "chat-3", "chat-4"))
    channels = st.sampled_from(("", "", "", "Next_Door"))
    return st.one_of(
        st.builds(ev.ChatMessageSent, message_ids, viewers(), st.just(""), texts(), source_channel=channels),
        watch_streaks(),
        st.builds(ev.ChatMessageDeleted, message_ids),
        st.builds(lambda viewer: ev.ChatUserSilenced(viewer.id), viewers()),
        st.builds(ev.ChatCleared),
    )


def stream_events(times: Times = TIMES) -> st.SearchStrategy[ev.StreamOnline | ev.StreamOffline]:
    """What Twitch says of the stream, in no sensible order."""
    return stream_onlines(times) | stream_offlines(times)


def messages(times: Times = TIMES) -> st.SearchStrategy[ev.Event]:
    """Every event that Twitch reports."""
    return st.one_of(
        stream_onlines(times),
        stream_offlines(times),
        follows(times),
        raids(),
        cheers(),
        subscriptions(times),
        resubscriptions(times),
        gifts(),
        hype_trains(),
        ad_breaks(times),
        revocations(times),
        small_talk(),
    )


def tape_ids() -> st.SearchStrategy[int]:
    """Numbers of tapes, most of them possible."""
    return st.integers(1, 40) | st.sampled_from((-1, 0, 2**31 - 1, 2**31, 2**32 + 1))


def commands() -> st.SearchStrategy[ev.TapeStarted | ev.TapeStopped]:
    """What the host does."""
    return st.builds(ev.TapeStarted, st.uuids(), tape_ids()) | st.just(ev.TapeStopped())


def requests() -> st.SearchStrategy[ev.GhostRequested]:
    """Ghosts that viewers ask for; few, so that one asks again for what is being made."""
    return st.builds(ev.GhostRequested, viewers(), st.sampled_from(("Bela Lugosi", "a fax machine 📠")))


def news() -> st.SearchStrategy[ev.GhostPaid]:
    """Ghosts that can be shown."""
    url = st.uuids().map(lambda name: f"https://ghosts.example/{name}.jpg")
    return st.builds(ev.GhostPaid, viewers(), st.sampled_from(("Bela Lugosi", "a fax machine 📠")), url)


def repairs(times: Times = TIMES) -> st.SearchStrategy[ev.StreamFound | ev.StreamMissed]:
    """What showtime finds out by itself."""
    found = st.builds(ev.StreamFound, st.sampled_from(STREAM_IDS), times, times)
    return found | st.builds(ev.StreamMissed, times, times, st.none() | st.sampled_from(STREAM_IDS))


def events(times: Times = TIMES) -> st.SearchStrategy[ev.Event]:
    """Every event there is."""
    return st.one_of(messages(times), commands(), requests(), news(), repairs(times))


def policies() -> st.SearchStrategy[Policy]:
    """Every combination of settings."""
    counts = st.none() | st.integers(1, 3)
    limits = st.builds(GhostLimits, counts, counts)
    return st.builds(Policy, st.booleans(), st.frozensets(st.sampled_from(Feature)), limits)


def moved(content: Content, by: timedelta) -> Content:
    """Let something happen at another time."""
    values: dict[str, Any] = {field.name: getattr(content, field.name) for field in fields(type(content))}
    values |= {name: time + by for name, time in values.items() if isinstance(time, datetime)}
    return type(content)(**values)


def message_ids() -> st.SearchStrategy[str]:
    """Ids as Twitch gives them to messages."""
    return st.builds(UUID, int=st.integers(1, 2**128 - 1)).map(str)


def contents(times: Times = TIMES) -> st.SearchStrategy[Content]:
    """What a message may hold: an event, something of a type that is not known, or nonsense."""
    odd = st.sampled_from((Unknown(), Malformed("'bits' is missing"), Malformed("it is no JSON")))
    return st.one_of(messages(times), messages(times), odd)


def entries(times: Times = TIMES) -> st.SearchStrategy[Entry]:
    """Entries with any message from Twitch."""
    return st.builds(entry, message_ids(), contents(times), times)


@st.composite
def transmissions(
    draw: st.DrawFn, opening: datetime = OPENING_NIGHT, longest_pause: timedelta = timedelta(hours=3)
) -> Sequence[ev.StreamOnline | ev.StreamOffline]:
    """What Twitch says of a stream over some nights, in its own order.

    Streams go on and off, return under the same id or a new one, sooner or later than 15 minutes; some
    offlines are lost, some come after the next stream has begun, and some onlines are said twice.
    """
    pauses = st.one_of(st.integers(1, 14 * 60), st.integers(1, int(longest_pause.total_seconds())))
    moment, stream, started_at = opening, 0, opening
    said: list[ev.StreamOnline | ev.StreamOffline] = []
    steps = ("goes on", "returns", "is said again", "ends", "ends", "ends late")
    for step in draw(st.lists(st.sampled_from(steps))):
        moment += timedelta(seconds=draw(pauses))
        if step == "ends":
            said.append(ev.StreamOffline(moment, draw(st.sampled_from((None, _stream_id(stream))))))
            continue
        if step == "ends late":
            said.append(ev.StreamOffline(moment, _stream_id(stream - 1)))
            continue
        if step == "goes on" or not stream:
            stream, started_at = stream + 1, moment
        moment += timedelta(seconds=draw(st.integers(0, 30)))
        said.append(ev.StreamOnline(_stream_id(stream), "live", started_at, moment))
    return said


def _stream_id(number: int) -> str:
    return f"4137554{number:04}"


@st.composite
def evenings(draw: st.DrawFn, opening: datetime = OPENING_NIGHT) -> list[Entry]:
    """Entries of some nights in the order of their delivery: late, out of order, again, and twice told.

    Some come again under their own id, some under another id, and some make no sense.
    """
    told: list[Content] = [*draw(transmissions(opening))]
    told += draw(st.lists(contents(before(opening + timedelta(hours=3), timedelta(hours=3))), max_size=15))
    lateness = st.one_of(st.just(0), st.integers(0, 600))
    delivered: list[tuple[float, Entry]] = []
    for number, content in enumerate(told):
        own_time = getattr(content, "sent_at", None) or draw(before(opening + timedelta(hours=3)))
        names = [f"evening-{number}"] * draw(st.sampled_from((1, 1, 1, 2)))
        names += [f"evening-{number}-twice-told"] * draw(st.sampled_from((0, 0, 0, 1)))
        delivered += [
            (own_time.timestamp() + draw(lateness), entry(name, content, own_time)) for name in names
        ]
    return [late for _, late in sorted(delivered, key=lambda pair: pair[0])]
